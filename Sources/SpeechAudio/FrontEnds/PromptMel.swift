import Torch

/// Sizes of ``PromptMel``.
public struct PromptMelConfig: Sendable, Codable, Hashable {
    /// Hertz.
    public var sampleRate = 24_000
    /// Samples of a Fourier transform and of its Hann window.
    public var fourierSize = 1920
    /// Samples from frame to frame: 20 ms.
    public var hop = 480
    /// Mel bands.
    public var bands = 80
    /// Hertz, the lowest band's lower edge.
    public var lowestFrequency = 0.0
    /// Hertz, the highest band's upper edge.
    public var highestFrequency = 8000.0
    /// The least band value, before the logarithm.
    public var floor = 1e-5

    public init() {}
    /// What S3Gen was trained with.
    public static let chatterbox = PromptMelConfig()
}

/// The mel spectrogram of S3Gen's prompt and output: natural logarithm of magnitudes, 50 frames a second.
///
/// Upstream: models/s3gen/utils/mel.py.
public struct PromptMel: Sendable {
    public let config: PromptMelConfig
    private let filters: Tensor
    private let window: Tensor

    /// - Throws: `TorchError` if the device has no memory left.
    public init(_ config: PromptMelConfig = .chatterbox, device: Device = .cpu) throws {
        self.config = config
        filters = try MelFilters.slaney(
            sampleRate: config.sampleRate, size: config.fourierSize, bands: config.bands,
            from: config.lowestFrequency, to: config.highestFrequency, device: device)
        window = try Tensor.hannWindow(config.fourierSize, device: device)
    }

    /// `[batch, samples]` at 24 kHz → `[batch, 80, samples ÷ 480]`.
    ///
    /// - Throws: `TorchError` for 720 samples or fewer, which the reflection at the ends needs.
    public func callAsFunction(_ samples: Tensor) throws -> Tensor {
        let margin = (config.fourierSize - config.hop) / 2
        let padded = try samples.unsqueezed(1).padded([margin, margin], mode: .reflect).squeezed(1)
        let spectrum = try padded.stft(size: config.fourierSize, hop: config.hop, window: window, center: false).viewAsReal()
        let magnitudes = try (spectrum.square().sum(axis: -1) + 1e-9).sqrt()
        return try filters.matmul(magnitudes).clamped(min: config.floor).log()
    }
}
