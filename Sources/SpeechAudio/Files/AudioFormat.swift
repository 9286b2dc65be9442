/// A format that sound can be written in.
public enum AudioFormat: String, Sendable, Hashable, Codable, CaseIterable {
    case wav, flac, mp3
    /// AAC-LC in ADTS frames.
    case aac
    /// Opus in Ogg.
    case opus
    /// Only samples: little-endian, interleaved, no header.
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

    /// The media type in responses of OpenAI's speech API, which its clients check.
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

/// The number format of samples, for formats that store samples without loss.
public enum SampleEncoding: String, Sendable, Hashable, Codable, CaseIterable {
    /// 16-bit integers; samples beyond full scale are clipped.
    case int16
    /// 24-bit integers, also clipped; WAV, FLAC and PCM only.
    case int24
    /// 32-bit floating point; WAV and PCM only.
    case float32
    /// 8 bits in µ-law (ITU-T G.711), for telephones in North America and Japan; WAV and PCM only.
    case muLaw = "mulaw"
    /// 8 bits in A-law (ITU-T G.711), for telephones elsewhere; WAV and PCM only.
    case aLaw = "alaw"
}

/// A format with its options.
public struct SoundFormat: Sendable, Hashable {
    public var format: AudioFormat
    /// Sample rate of the output in hertz, to which the sound is resampled; nil is the sound's own, or the next higher that the format
    /// supports.
    public var sampleRate: Int?
    /// Bits a second of MP3, and of Opus, of all channels together; nil for the format's usual one.
    public var bitRate: Int?
    /// Of WAV, FLAC and PCM samples.
    public var encoding: SampleEncoding
    /// The title that players show; MP3 and Opus only.
    public var title: String?
    /// The chapters in order; MP3 and Opus only.
    public var chapters: [ChapterMark] = []

    public init(_ format: AudioFormat, sampleRate: Int? = nil, bitRate: Int? = nil, encoding: SampleEncoding = .int16) {
        (self.format, self.sampleRate, self.bitRate, self.encoding) = (format, sampleRate, bitRate, encoding)
    }
}
