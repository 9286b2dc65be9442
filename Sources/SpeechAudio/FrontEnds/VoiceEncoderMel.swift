import Torch

/// Sizes of ``VoiceEncoderMel``.
public struct VoiceEncoderMelConfig: Sendable, Codable, Hashable {
    /// Hertz.
    public var sampleRate = 16_000
    /// Samples of a Fourier transform and of its Hann window.
    public var fourierSize = 400
    /// Samples from frame to frame: 10 ms.
    public var hop = 160
    /// Mel bands.
    public var bands = 40
    /// Hertz, the lowest band's lower edge.
    public var lowestFrequency = 0.0
    /// Hertz, the highest band's upper edge.
    public var highestFrequency = 8000.0

    public init() {}
    /// What the voice encoder was trained with.
    public static let chatterbox = VoiceEncoderMelConfig()
}

/// The voice encoder's mel spectrogram: powers, without logarithm, 100 frames a second.
///
/// Upstream: models/voice_encoder/melspec.py.
public struct VoiceEncoderMel: Sendable {
    public let config: VoiceEncoderMelConfig
    private let filters: Tensor
    private let window: Tensor

    /// - Throws: `TorchError` if the device has no memory left.
    public init(_ config: VoiceEncoderMelConfig = .chatterbox, device: Device = .cpu) throws {
        self.config = config
        filters = try MelFilters.slaney(
            sampleRate: config.sampleRate, size: config.fourierSize, bands: config.bands,
            from: config.lowestFrequency, to: config.highestFrequency, device: device)
        window = try Tensor.hannWindow(config.fourierSize, dtype: .float64, device: device)
    }

    /// `[samples]` or `[1, samples]` at 16 kHz → `[1 + samples ÷ 160, 40]`.
    ///
    /// librosa transforms in double precision and keeps single; so does this.
    /// - Throws: `TorchError` for 200 samples or fewer, which the reflection at the ends needs.
    public func callAsFunction(_ samples: Tensor) throws -> Tensor {
        let signal = try samples.reshaped([1, -1]).to(.float64)
        let spectrum = try signal.stft(size: config.fourierSize, hop: config.hop, window: window).viewAsReal().to(.float32)
        let powers = try spectrum.square().sum(axis: -1).squeezed(0)
        return try filters.matmul(powers).transposed(0, 1).contiguous()
    }
}
