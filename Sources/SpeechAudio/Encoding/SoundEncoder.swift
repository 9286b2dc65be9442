/// Makes a sound's bytes while the sound is being made, to go one after the other as down a pipe or a connection.
///
/// ```swift
/// let encoder = try SoundEncoder(.mp3, sampleRate: 24_000)
/// for try await chunk in speech { try send(encoder.encode(chunk.audio)) }
/// try send(encoder.finish())
/// ```
/// Bytes that have been given are final, so that nothing is known of the end: a WAV header leaves the length open, as readers of
/// streams expect, FLAC's has neither length nor checksum, and MP3 has no header that tells a length. Memory does not grow with
/// the sound. What is held back of mono sound at 24 kHz, until more comes or the end:
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
    ///   - format: of the bytes that come out.
    ///   - sampleRate: of all sound that will come, in hertz. MP3, AAC and Opus store it at the next higher rate that they have.
    ///   - channels: of all sound that will come.
    ///   - encoding: of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` where the format does not take such a sound.
    public init(_ format: AudioFormat, sampleRate: Int, channels: Int = 1, encoding: SampleEncoding = .int16) throws {
        self.format = format
        writer = try SoundWriter(SoundFormat(format, encoding: encoding), sampleRate: sampleRate, channels: channels, into: store)
    }

    /// - Parameters:
    ///   - sound: the format, and what is chosen in it.
    ///   - sampleRate: of all sound that will come, in hertz.
    ///   - channels: of all sound that will come.
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` where the format does not take such a sound, or has no such rate.
    public init(_ sound: SoundFormat, sampleRate: Int, channels: Int = 1) throws {
        format = sound.format
        writer = try SoundWriter(sound, sampleRate: sampleRate, channels: channels, into: store)
    }

    /// Takes sound that follows what has come, none is allowed, and gives the bytes that are certain by now: the header with
    /// the first of the sound.
    ///
    /// - Throws: ``AudioError`` for NaN or infinities.
    /// - Precondition: sound of the rate and the channels that were announced.
    public func encode(_ audio: Audio) throws -> [UInt8] {
        guard audio.frames > 0 else { return [] }
        try writer.append(audio)
        return store.take()
    }

    /// The rest of the bytes.
    ///
    /// - Throws: ``AudioError/noSamples(name:)`` where no sound has come.
    public func finish() throws -> [UInt8] {
        try writer.finish()
        return store.take()
    }
}
