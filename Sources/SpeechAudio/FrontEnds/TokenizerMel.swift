import Torch

/// Sizes of ``TokenizerMel``.
public struct TokenizerMelConfig: Sendable, Codable, Hashable {
    /// Hertz.
    public var sampleRate = 16_000
    /// Samples of a Fourier transform and of its Hann window.
    public var fourierSize = 400
    /// Samples from frame to frame: 10 ms.
    public var hop = 160
    /// Mel bands.
    public var bands = 128
    /// Hertz, the lowest band's lower edge.
    public var lowestFrequency = 0.0
    /// Hertz, the highest band's upper edge.
    public var highestFrequency = 8000.0
    /// The least band power, before the logarithm.
    public var floor = 1e-10
    /// Dynamic range below the loudest value, in powers of ten; lower values are raised to it.
    public var range = 8.0

    public init() {}
    /// What the S3 tokenizer was trained with.
    public static let chatterbox = TokenizerMelConfig()
}

/// The S3 tokenizer's log mel spectrogram, in about −1…1.5, 100 frames a second. Four frames make a token.
///
/// Upstream: models/s3tokenizer/s3tokenizer.py (`log_mel_spectrogram`), which follows Whisper. The sound is not padded
/// to whole tokens.
public struct TokenizerMel: Sendable {
    public let config: TokenizerMelConfig
    private let filters: Tensor
    private let window: Tensor

    /// - Throws: `TorchError` if the device has no memory left.
    public init(_ config: TokenizerMelConfig = .chatterbox, device: Device = .cpu) throws {
        self.config = config
        filters = try MelFilters.slaney(
            sampleRate: config.sampleRate, size: config.fourierSize, bands: config.bands,
            from: config.lowestFrequency, to: config.highestFrequency, device: device)
        window = try Tensor.hannWindow(config.fourierSize, device: device)
    }

    /// `[samples]` or `[1, samples]` at 16 kHz → `[128, samples ÷ 160]`.
    ///
    /// - Throws: `TorchError` for 200 samples or fewer, which the reflection at the ends needs.
    public func callAsFunction(_ samples: Tensor) throws -> Tensor {
        let spectrum = try samples.reshaped([1, -1]).stft(size: config.fourierSize, hop: config.hop, window: window)
        let frames = spectrum.size(-1) - 1
        let powers = try spectrum.narrow(axis: -1, from: 0, count: frames).abs().square().squeezed(0)
        let logarithm = try filters.matmul(powers).clamped(min: config.floor).log10()
        return try (logarithm.maximum(logarithm.max() - config.range) + 4) / 4
    }
}
