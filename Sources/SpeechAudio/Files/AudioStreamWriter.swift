import Foundation

/// Writes sound where bytes go one after the other and none can be changed later, as down a pipe.
///
/// Samples without a header (``AudioFormat/pcm``) go on at once. Other formats state the sound's length before it, so
/// they go on when all of it has come; until then they lie in a temporary file. Memory does not grow with the sound.
public final class AudioStreamWriter {
    /// Bytes that are sent at once.
    private static let block = 1 << 20

    private let store: any ByteStore
    private let encoder: SoundEncoder
    private let send: (UnsafeRawBufferPointer) throws -> Void

    /// - Parameters:
    ///   - sampleRate: of all sound that will come, in hertz. MP3 and Opus store it at the next higher rate that they have.
    ///   - encoding: of WAV and PCM samples.
    ///   - send: takes bytes that follow those before. What it throws ends the writing.
    /// - Throws: ``AudioError`` where the format does not take such a sound, or no temporary file can be made.
    public init(
        _ format: AudioFormat, sampleRate: Int, channels: Int = 1, encoding: SampleEncoding = .int16,
        send: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        self.send = send
        store = format == .pcm ? PassingStore(send) : try FileStore()
        encoder = try SoundEncoder(format, encoding, sampleRate: sampleRate, channels: channels, into: store)
    }

    /// Takes sound that follows what has come; none is allowed.
    ///
    /// - Throws: ``AudioError`` for NaN or infinities; what `send` throws.
    /// - Precondition: sound of the rate and the channels that were announced.
    public func append(_ audio: Audio) throws { try store.writing { try encoder.append(audio) } }

    /// Sends what has not been sent.
    ///
    /// - Throws: ``AudioError`` where no sound has come; what `send` throws.
    public func finish() throws {
        try store.writing { try encoder.finish() }
        guard let file = store as? FileStore else { return }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.block, alignment: 1)
        defer { block.deallocate() }
        var position = 0
        while case let count = file.read(into: block, at: position), count > 0 {
            try send(UnsafeRawBufferPointer(rebasing: block[..<count]))
            position += count
        }
    }
}
