import Foundation

extension AudioFile {
    /// Writes a sound, whole or not at all: into a new file beside, which then takes the name. Sound that is still being
    /// made goes to an ``AudioFileWriter``.
    ///
    /// What is already there and no regular file (`/dev/stdout`, a pipe) is written into directly.
    /// - Parameters:
    ///   - audio: the whole sound.
    ///   - url: where to write.
    ///   - format: by the file's extension where nil.
    ///   - encoding: of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError`` where the sound cannot be encoded, the place cannot be written, or the disk is full;
    ///   nothing new is left behind then.
    public static func write(
        _ audio: Audio, to url: URL, format: AudioFormat? = nil, encoding: SampleEncoding = .int16
    ) throws {
        let file = try AudioFileWriter(url, format: format, sampleRate: audio.sampleRate, channels: audio.channels, encoding: encoding)
        try file.append(audio)
        try file.finish()
    }

    /// The bytes of a sound file. MP3, AAC and Opus store it at the next higher rate that they have.
    ///
    /// - Parameters:
    ///   - audio: the whole sound: at least one sample, all of them finite.
    ///   - format: of the bytes that come out.
    ///   - encoding: of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError`` for no samples, NaN or infinities, or where the format does not take such a sound.
    public static func encode(_ audio: Audio, as format: AudioFormat, encoding: SampleEncoding = .int16) throws -> Data {
        let store = MemoryStore()
        let encoder = try SoundWriter(SoundFormat(format, encoding: encoding), sampleRate: audio.sampleRate, channels: audio.channels, into: store)
        try encoder.append(audio)
        try encoder.finish()
        return store.bytes
    }
}
