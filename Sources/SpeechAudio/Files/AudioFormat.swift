/// A format that sound can be written in.
public enum AudioFormat: String, Sendable, Hashable, Codable, CaseIterable {
    case wav, flac, mp3
    /// AAC-LC in ADTS frames.
    case aac
    /// Opus in Ogg.
    case opus
    /// Samples alone: little-endian, interleaved, no header.
    case pcm

    /// By a file's extension, with or without its dot, in any case; nil for an unknown one.
    public init?(fileExtension: String) {
        switch fileExtension.drop(while: { $0 == "." }).lowercased() {
        case "wav", "wave": self = .wav
        case "flac": self = .flac
        case "mp3": self = .mp3
        case "aac", "adts": self = .aac
        case "opus", "ogg": self = .opus
        case "pcm", "raw": self = .pcm
        default: return nil
        }
    }

    /// The media type that OpenAI's speech API answers with, which its clients look at.
    public var mediaType: String {
        switch self {
        case .wav: "audio/wav"
        case .flac: "audio/flac"
        case .mp3: "audio/mpeg"
        case .aac: "audio/aac"
        case .opus: "audio/opus"
        case .pcm: "audio/pcm"
        }
    }
}

/// How a sample is stored by formats that keep samples as they are.
public enum SampleEncoding: String, Sendable, Hashable, Codable, CaseIterable {
    /// 16-bit whole numbers; beyond full scale is clipped.
    case int16
    /// 24-bit whole numbers, clipped likewise; WAV, FLAC and PCM only.
    case int24
    /// 32-bit floating point; WAV and PCM only.
    case float32
    /// 8 bits as telephones in North America and Japan take them, the µ-law of ITU-T G.711; WAV and PCM only.
    case muLaw = "mulaw"
    /// 8 bits as telephones elsewhere take them, the A-law of ITU-T G.711; WAV and PCM only.
    case aLaw = "alaw"
}

/// A format, and what may be chosen in it.
public struct SoundFormat: Sendable, Hashable {
    public var format: AudioFormat
    /// Hertz that the sound is stored at, to which it is resampled; nil for its own, or the next higher that the format has.
    public var sampleRate: Int?
    /// Bits a second of MP3, and of Opus, of all channels together; nil for the format's usual one.
    public var bitRate: Int?
    /// Of WAV, FLAC and PCM samples.
    public var encoding: SampleEncoding
    /// What players show for the whole; of MP3 and Opus, others leave it out.
    public var title: String?
    /// In order; MP3 and Opus only.
    public var chapters: [ChapterMark] = []

    public init(_ format: AudioFormat, sampleRate: Int? = nil, bitRate: Int? = nil, encoding: SampleEncoding = .int16) {
        (self.format, self.sampleRate, self.bitRate, self.encoding) = (format, sampleRate, bitRate, encoding)
    }
}
