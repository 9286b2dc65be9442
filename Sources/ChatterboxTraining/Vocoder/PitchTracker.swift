import Torch

/// Sizes of ``PitchTracker``.
public struct PitchTrackerConfig: Sendable, Codable, Hashable {
    /// Hertz.
    public var sampleRate = 24_000
    /// Samples from frame to frame; frame *i* is centred on samples *i* · hop to (*i* + 1) · hop, where the mel
    /// of the same hop also has its frame.
    public var hop = 480
    /// Samples that are compared with their copy a period later.
    public var window = 800
    /// The lowest F0 to search for, in Hz.
    public var lowest = 60.0
    /// The highest F0 to search for, in Hz.
    public var highest = 500.0
    /// YIN's threshold for accepting the first period with a lower difference; a difference of 0 is a periodic signal, 1 is noise.
    public var threshold = 0.15
    /// The largest difference of a voiced frame.
    public var voicedThreshold = 0.35
    /// The root mean square, with full scale 1, below which a frame is silence.
    public var silence = 0.003

    public init() {}
    /// 24 kHz with the frames of S3Gen's mel.
    public static let chatterbox = PitchTrackerConfig()

    /// The longest period to search for, in samples.
    var longestPeriod: Int { Int((Double(sampleRate) / lowest).rounded(.up)) }
    /// The shortest.
    var shortestPeriod: Int { Int(Double(sampleRate) / highest) }
    /// Samples of a frame: window and longest period, and one more for the parabola.
    var span: Int { window + longestPeriod + 1 }
}

/// Measures the fundamental frequency of speech.
///
/// De Cheveigné and Kawahara 2002, "YIN, a fundamental frequency estimator for speech and music", every frame of a
/// batch at once, the products by Fourier transform; then a median over three frames.
public struct PitchTracker: Sendable {
    public let config: PitchTrackerConfig

    public init(_ config: PitchTrackerConfig = .chatterbox) {
        precondition(
            config.lowest > 0 && config.highest > config.lowest && config.hop > 0 && config.shortestPeriod > 1,
            "a range of frequencies below half the sample rate")
        self.config = config
    }

    /// Waveforms `[batch, samples]` → F0 in Hz, 0 where unvoiced, `[batch, samples ÷ hop]`.
    ///
    /// - Throws: `TorchError` for fewer samples than a hop.
    public func callAsFunction(_ samples: Tensor) throws -> Tensor {
        try withoutGradients {
            let frames = samples.size(-1) / config.hop
            // The middle between the window and its copy one medium period later is at the middle of the hop.
            let before = (config.span - config.hop) / 2
            let needed = (frames - 1) * config.hop + config.span
            let padded = try samples.padded([before, max(0, needed - before - samples.size(-1))])
            let pieces = try padded.unfolded(axis: 1, size: config.span, step: config.hop).narrow(axis: 1, from: 0, count: frames)
            let (pitch, _) = try estimate(pieces - pieces.mean(axis: -1, keepAxis: true))
            return try smoothed(pitch)
        }
    }

    /// Frames `[batch, frames, span]` → F0 and YIN's difference `[batch, frames]`.
    private func estimate(_ frames: Tensor) throws -> (pitch: Tensor, unlikeness: Tensor) {
        let difference = try normalizedDifference(frames)
        let (low, high) = (config.shortestPeriod, config.longestPeriod)
        let here = try difference.narrow(axis: -1, from: low, count: high - low)
        let before = try difference.narrow(axis: -1, from: low - 1, count: high - low)
        let after = try difference.narrow(axis: -1, from: low + 1, count: high - low)

        // The first minimum below the threshold, otherwise the lowest value.
        let isValley = try here.less(than: before).logicalAnd(here.lessOrEqual(to: after)).logicalAnd(here.less(than: config.threshold))
        let order = try Tensor.arange(from: Double(high - low), to: 0, by: -1)
        let first = try (isValley.to(.float32) * order).maxWithIndices(axis: -1, keepAxis: true)
        let found = try first.values.greater(than: 0)
        let deepest = try here.argmin(axis: -1, keepAxis: true)
        let place = try Tensor.select(found, first.indices, deepest)

        // The minimum of the parabola through the lowest value and its neighbours.
        let (a, b, c) = (try before.gather(axis: -1, place), try here.gather(axis: -1, place), try after.gather(axis: -1, place))
        let curvature = try (a + c - b * 2).clamped(min: 1e-9)
        let shift = try ((a - c) / curvature * 0.5).clamped(min: -1, max: 1)
        let period = try place.to(.float32) + Double(low) + shift

        let loudness = try frames.square().mean(axis: -1, keepAxis: true).sqrt()
        let voiced = try b.less(than: config.voicedThreshold).logicalAnd(loudness.greater(than: config.silence))
        let pitch = try Tensor.select(voiced, Double(config.sampleRate) / period, Tensor(0.0))
        return (try pitch.squeezed(-1), try b.squeezed(-1))
    }

    /// The sum of squared differences between a frame's beginning and the samples one lag later, for each lag, divided by its mean
    /// over shorter lags: `[batch, frames, span]` → `[batch, frames, longest period + 2]`, lag 0 first.
    private func normalizedDifference(_ frames: Tensor) throws -> Tensor {
        let lags = config.longestPeriod + 2
        var size = 1
        while size < config.span + 1 { size *= 2 }
        let head = try frames.narrow(axis: -1, from: 0, count: config.window).rfft(size: size)
        let whole = try frames.rfft(size: size)
        let products = try Self.conjugateProduct(head, whole).irfft(size: size).narrow(axis: -1, from: 0, count: lags)

        let energy = try frames.square().padded([1, 0]).cumsum(axis: -1)
        let moving = try energy.narrow(axis: -1, from: config.window, count: lags) - energy.narrow(axis: -1, from: 0, count: lags)
        let difference = try (moving + moving.narrow(axis: -1, from: 0, count: 1) - products * 2).clamped(min: 0)

        let sums = try difference.narrow(axis: -1, from: 1, count: lags - 1).cumsum(axis: -1)
        let count = try Tensor.arange(from: 1, to: Double(lags))
        let scaled = try difference.narrow(axis: -1, from: 1, count: lags - 1) * count / sums.clamped(min: 1e-9)
        return try scaled.padded([1, 0], value: 1)
    }

    /// conj(a) · b
    private static func conjugateProduct(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let (ar, ai, br, bi) = (try a.real(), try a.imag(), try b.real(), try b.imag())
        return try Tensor.complex(ar * br + ai * bi, ar * bi - ai * br)
    }

    /// The median of each frame and its neighbours, which removes single voiced or unvoiced frames.
    private func smoothed(_ pitch: Tensor) throws -> Tensor {
        guard pitch.size(-1) > 2 else { return pitch }
        let ends = try pitch.unsqueezed(1).padded([1, 1], mode: .replicate).squeezed(1)
        let frames = pitch.size(-1)
        let three = try Tensor.stack((0..<3).map { try ends.narrow(axis: -1, from: $0, count: frames) }, axis: -1)
        return try three.sorted(axis: -1).values.select(axis: -1, 1).contiguous()
    }
}
