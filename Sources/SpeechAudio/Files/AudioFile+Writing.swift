import CSndfile
import Foundation

extension AudioFile {
    /// Writes a sound, whole or not at all: into a new file beside, which then takes the name.
    ///
    /// What is already there and no regular file (`/dev/stdout`, a pipe) is written into directly.
    /// - Parameters:
    ///   - format: by the file's extension where nil.
    ///   - encoding: of WAV and PCM samples.
    /// - Throws: ``AudioError`` where the sound cannot be encoded, the place cannot be written, or the disk is full;
    ///   nothing new is left behind then.
    public static func write(
        _ audio: Audio, to url: URL, format: AudioFormat? = nil, encoding: SampleEncoding = .int16
    ) throws {
        guard let format = format ?? AudioFormat(fileExtension: url.pathExtension) else {
            throw AudioError.unknownFormat(name: url.path)
        }
        try AtomicWriter.write(encode(audio, as: format, encoding: encoding), to: url)
    }

    /// The bytes of a sound file. Opus takes the nearest rate that it has (8, 12, 16, 24 or 48 kHz).
    ///
    /// - Parameter encoding: of WAV and PCM samples.
    /// - Throws: ``AudioError`` for no samples, NaN or infinities, or where the format does not take such a sound.
    public static func encode(_ audio: Audio, as format: AudioFormat, encoding: SampleEncoding = .int16) throws -> Data {
        try audio.checkedFinite(named: "the sound to be written")
        if encoding == .float32, format != .wav, format != .pcm {
            throw AudioError.notEncodable(format: format, reason: "it stores no floating-point samples; use wav or pcm")
        }
        switch format {
        case .pcm: return rawSamples(audio, encoding)
        case .wav: return try encode(audio, format, SF_FORMAT_WAV | (encoding == .int16 ? SF_FORMAT_PCM_16 : SF_FORMAT_FLOAT))
        case .flac: return try encode(audio, format, SF_FORMAT_FLAC | SF_FORMAT_PCM_16)
        case .mp3: return try encode(audio.resampled(toNearestOf: mp3Rates), format, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III)
        case .opus: return try encode(audio.resampled(toNearestOf: opusRates), format, SF_FORMAT_OGG | SF_FORMAT_OPUS)
        }
    }

    private static let opusRates = [8000, 12_000, 16_000, 24_000, 48_000]
    private static let mp3Rates = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]

    private static func encode(_ audio: Audio, _ format: AudioFormat, _ code: Int) throws -> Data {
        var info = SF_INFO()
        info.samplerate = Int32(audio.sampleRate)
        info.channels = Int32(audio.channels)
        info.format = Int32(code)
        guard sf_format_check(&info) != 0 else {
            throw AudioError.notEncodable(format: format, reason: "\(audio.channels) channels at \(audio.sampleRate) Hz")
        }
        let file = VirtualFile()
        guard let handle = file.open(SFM_WRITE, &info) else {
            throw AudioError.notEncodable(format: format, reason: String(cString: sf_strerror(nil)))
        }
        // Without this, samples beyond full scale wrap around in lossy formats.
        sf_command(handle, Int32(SFC_SET_CLIPPING), nil, Int32(SF_TRUE))
        // libsndfile itself would round down, which shifts the sound.
        let written = code & SF_FORMAT_SUBMASK == SF_FORMAT_PCM_16
            ? sf_writef_short(handle, int16Samples(audio), sf_count_t(audio.frames))
            : sf_writef_float(handle, audio.samples, sf_count_t(audio.frames))
        let reason = String(cString: sf_strerror(handle))
        let closed = withExtendedLifetime(file) { sf_close(handle) }
        guard written == audio.frames, closed == 0 else {
            throw AudioError.notEncodable(format: format, reason: reason)
        }
        return file.bytes
    }

    private static func rawSamples(_ audio: Audio, _ encoding: SampleEncoding) -> Data {
        switch encoding {
        case .int16: int16Samples(audio).map(\.littleEndian).withUnsafeBytes { Data($0) }
        case .float32: audio.samples.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
        }
    }

    /// The nearest whole numbers, of which 32768 are full scale, so that what was read as 16 bits is written as it was.
    private static func int16Samples(_ audio: Audio) -> [Int16] {
        audio.samples.map { Int16(max(-32_768, min(32_767, ($0 * 32_768).rounded()))) }
    }
}

extension Audio {
    fileprivate func resampled(toNearestOf rates: [Int]) throws -> Audio {
        // Upwards where there is a choice, so that nothing is lost.
        try resampled(to: rates.first { $0 >= sampleRate } ?? rates.last ?? sampleRate)
    }
}
