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
}
