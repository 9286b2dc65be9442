/// Encodes a sound while it is being computed, for a pipe or a connection.
///
/// ```swift
/// let encoder = try SoundEncoder(.mp3, sampleRate: 24_000)
/// for try await chunk in speech { try send(encoder.encode(chunk.audio)) }
/// try send(encoder.finish())
/// ```
/// Bytes that were returned cannot be changed, so the header cannot contain the length: a WAV header leaves it open, as readers of streams expect,
/// FLAC's has neither length nor checksum, and MP3 gets no header with a length. Memory does not grow with the sound. The delay for mono sound at
/// 24 kHz:
///
/// | format | held back | what it is |
/// |---|---|---|
/// | wav, pcm | nothing | samples |
/// | mp3 | 0.1 s | MPEG-2 layer III, 128 kbit/s |
/// | aac | 0.05 s | ADTS, AAC-LC, 64 kbit/s |
/// | opus | 0.12 s | Ogg pages of a tenth of a second |
/// | flac | 0.2 s | blocks of 4096 frames |
///
/// A sound whose place takes corrections, a file, is written by ``AudioFileWriter``.
public final class SoundEncoder {
    public let format: AudioFormat
    private let store = PassingStore()
    private let writer: SoundWriter

    /// - Parameters:
    ///   - format: of the output.
    ///   - sampleRate: of all sound to encode, in hertz. MP3, AAC and Opus store it at the next higher rate that they have.
    ///   - channels: of all sound to write.
    ///   - encoding: of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` if the format does not support such a sound.
    public init(_ format: AudioFormat, sampleRate: Int, channels: Int = 1, encoding: SampleEncoding = .int16) throws {
        self.format = format
        writer = try SoundWriter(SoundFormat(format, encoding: encoding), sampleRate: sampleRate, channels: channels, into: store)
    }

    /// - Parameters:
    ///   - sound: the format and its settings.
    ///   - sampleRate: the sample rate of the sound, in hertz.
    ///   - channels: the number of channels.
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` if the format does not support such a sound, or has no such rate.
    public init(_ sound: SoundFormat, sampleRate: Int, channels: Int = 1) throws {
        format = sound.format
        writer = try SoundWriter(sound, sampleRate: sampleRate, channels: channels, into: store)
    }

    /// Encodes the next piece of sound, which may be empty, and returns the bytes that are complete; the header comes with the first.
    ///
    /// - Throws: ``AudioError`` for NaN or infinities.
    /// - Precondition: the piece has the sample rate and number of channels given to the initialiser.
    public func encode(_ audio: Audio) throws -> [UInt8] {
        guard audio.frames > 0 else { return [] }
        try writer.append(audio)
        return store.take()
    }

    /// The rest of the bytes.
    ///
    /// - Throws: ``AudioError/noSamples(name:)`` if there was no sound.
    public func finish() throws -> [UInt8] {
        try writer.finish()
        return store.take()
    }
}
