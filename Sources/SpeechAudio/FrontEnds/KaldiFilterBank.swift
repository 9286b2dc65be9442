import Torch

/// Sizes of ``KaldiFilterBank``.
public struct KaldiFilterBankConfig: Sendable, Codable, Hashable {
    /// Hertz.
    public var sampleRate = 16_000
    /// Samples of a frame: 25 ms. The size of the Fourier transform is the next power of two.
    public var frame = 400
    /// Samples from frame to frame: 10 ms.
    public var hop = 160
    /// Mel bands.
    public var bands = 80
    /// Hertz, the lowest band's lower edge.
    public var lowestFrequency = 20.0
    /// Hertz, the highest band's upper edge.
    public var highestFrequency = 8000.0
    /// Pre-emphasis: the share of the previous sample that is subtracted.
    public var preemphasis = 0.97
    /// Whether each band's mean over the frames is subtracted.
    public var subtractsMean = true

    public init() {}
    /// CAMPPlus's sizes.
    public static let chatterbox = KaldiFilterBankConfig()
}

/// Kaldi's log mel filter bank, the input of the speaker encoder CAMPPlus: 100 frames a second, only whole frames.
///
/// Upstream: models/s3gen/xvector.py (`extract_feature`), `torchaudio.compliance.kaldi.fbank`.
public struct KaldiFilterBank: Sendable {
    public let config: KaldiFilterBankConfig
    private let fourierSize: Int
    private let filters: Tensor
    private let window: Tensor

    /// - Throws: `TorchError` if the device has no memory left.
    public init(_ config: KaldiFilterBankConfig = .chatterbox, device: Device = .cpu) throws {
        precondition(config.frame > 1 && config.hop > 0, "frames of at least two samples")
        self.config = config
        var size = 1
        while size < config.frame { size *= 2 }
        fourierSize = size
        filters = try MelFilters.kaldi(
            sampleRate: config.sampleRate, size: size, bands: config.bands,
            from: config.lowestFrequency, to: config.highestFrequency, device: device
        ).transposed(0, 1).contiguous()
        // Povey's window: a symmetric Hann window with steeper ends.
        window = try Tensor.hannWindow(config.frame, periodic: false, device: device).pow(0.85)
    }

    /// `[samples]` or `[1, samples]` at 16 kHz → `[1 + (samples − 400) ÷ 160, 80]`.
    ///
    /// - Throws: `TorchError` for fewer samples than a frame has.
    public func callAsFunction(_ samples: Tensor) throws -> Tensor {
        let raw = try samples.reshaped([-1]).unfolded(axis: 0, size: config.frame, step: config.hop)
        let centred = try raw - raw.mean(axis: 1, keepAxis: true)
        // The first sample of a frame also serves as the sample before it.
        let before = try Tensor.cat([centred.narrow(axis: 1, from: 0, count: 1), centred.narrow(axis: 1, from: 0, count: config.frame - 1)], axis: 1)
        let frames = try ((centred - before * config.preemphasis) * window).padded([0, fourierSize - config.frame])
        let powers = try frames.rfft().abs().square()
        // The smallest value is the spacing of single precision at 1, as in Kaldi.
        let bands = try powers.matmul(filters).clamped(min: Double(Float.ulpOfOne)).log()
        return config.subtractsMean ? try bands - bands.mean(axis: 0, keepAxis: true) : bands
    }
}
