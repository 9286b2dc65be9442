import Foundation

/// Writes sound where bytes go one after the other and none can be changed later, as down a pipe.
///
/// Sound goes on as it comes: in Ogg Opus by pages of up to a second, in FLAC by blocks of 4096 frames. A WAV header leaves the
/// length open, as readers of streams expect, and FLAC's has neither length nor checksum. MP3 alone states its length in a way
/// that players rely on: it goes on when all of it has come, and lies in a temporary file until then. Memory does not grow with
/// the sound.
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
        store = format == .mp3 ? try FileStore() : PassingStore(send)
        encoder = try SoundEncoder(format, encoding, sampleRate: sampleRate, channels: channels, into: store)
    }

    /// Takes sound that follows what has come; none is allowed.
    ///
    /// - Throws: ``AudioError`` for NaN or infinities; what `send` throws.
    /// - Precondition: sound of the rate and the channels that were announced.
    public func append(_ audio: Audio) throws {
        guard audio.frames > 0 else { return }
        try store.writing {
            (store as? PassingStore)?.begin()
            try encoder.append(audio)
        }
    }

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
