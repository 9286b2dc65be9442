import Torch

/// Sizes of a ``WaveformDiscriminator``.
public struct WaveformDiscriminatorConfiguration: Sendable, Codable, Hashable {
    /// Periods, in samples, at which a waveform is folded into two dimensions, one discriminator each.
    public var periods = [2, 3, 5, 7, 11]
    /// Channels of the layers of a period discriminator.
    public var periodChannels = [16, 32, 64, 64]
    /// Lengths of Fourier transforms, in samples, one discriminator each; the hop is a quarter.
    public var transforms = [512, 1024, 2048]
    /// Channels of the layers of a spectrum discriminator.
    public var spectrumChannels = [8, 16, 16, 16]

    public init() {}
    /// The sizes for Pico's vocoder.
    public static let small = WaveformDiscriminatorConfiguration()
}

/// Discriminators that are trained to distinguish recordings from a vocoder's waveforms, for adversarial training of the vocoder.
///
/// Some get the waveform folded at a prime period (Kong, Kim and Bae 2020, "HiFi-GAN"), some its magnitude spectrum (Jang et al. 2021,
/// "UnivNet"). Trained by least squares (Mao et al. 2017). Needed only for training.
public struct WaveformDiscriminator: Sendable {
    /// The output of one discriminator for a batch of waveforms.
    public struct Judgement {
        /// 1 for a recording, 0 for a vocoder's waveform, at every place of the last picture.
        public let score: Tensor
        /// The outputs of its layers, in order.
        public let features: [Tensor]
    }

    private let periods: [PeriodJudge]
    private let spectra: [SpectrumJudge]

    public init(_ weights: Weights, _ configuration: WaveformDiscriminatorConfiguration = .small) throws {
        periods = try configuration.periods.map {
            try PeriodJudge(weights["periods"]["\($0)"], period: $0, channels: configuration.periodChannels)
        }
        spectra = try configuration.transforms.map {
            try SpectrumJudge(weights["spectra"]["\($0)"], size: $0, channels: configuration.spectrumChannels)
        }
    }

    /// Waveforms `[batch, samples]` → one output from each discriminator.
    public func callAsFunction(_ waveform: Tensor) throws -> [Judgement] {
        try periods.map { try $0(waveform) } + spectra.map { try $0(waveform) }
    }

    /// The discriminators' loss: the squared distance from 1 for recordings and from 0 for a vocoder's waveforms.
    public func loss(recorded: Tensor, made: Tensor) throws -> Tensor {
        var sum = try Tensor(0.0)
        for (real, fake) in try zip(self(recorded), self(made.detached())) {
            sum = try sum + (1 - real.score).square().mean() + fake.score.square().mean()
        }
        return try sum / Double(periods.count + spectra.count)
    }

    /// The vocoder's adversarial loss: the squared distance of its waveform's score from 1, and the relative distance of the discriminators'
    /// features from those of the recording (Larsen et al. 2016).
    public func teach(recorded: Tensor, made: Tensor) throws -> (adversarial: Tensor, features: Tensor) {
        let real = try withoutGradients { try self(recorded) }
        var adversarial = try Tensor(0.0), features = try Tensor(0.0)
        for (real, fake) in try zip(real, self(made)) {
            adversarial = try adversarial + (1 - fake.score).square().mean()
            var distance = try Tensor(0.0)
            for (a, b) in zip(real.features, fake.features) {
                distance = try distance + (a - b).abs().mean() / a.abs().mean().clamped(min: 1e-5)
            }
            features = try features + distance / Double(real.features.count)
        }
        let count = Double(periods.count + spectra.count)
        return (try adversarial / count, try features / count)
    }
}

/// Evaluates a waveform as a picture with a row for each period.
private struct PeriodJudge: Sendable {
    let period: Int
    let layers: [Conv2d]
    let last: Conv2d

    init(_ weights: Weights, period: Int, channels: [Int]) throws {
        self.period = period
        layers = try zip([1] + channels, channels).enumerated().map { index, sizes in
            try Conv2d(weights["layers"][index], from: sizes.0, to: sizes.1, kernel: [5, 1], stride: [3, 1], padding: [2, 0])
        }
        last = try Conv2d(weights["last"], from: channels.last ?? 1, to: 1, kernel: [3, 1], padding: [1, 0])
    }

    func callAsFunction(_ waveform: Tensor) throws -> WaveformDiscriminator.Judgement {
        let (batch, samples) = (waveform.size(0), waveform.size(1))
        let rows = samples / period
        let picture = try waveform.narrow(axis: 1, from: 0, count: rows * period).reshaped([batch, 1, rows, period])
        return try judge(picture, layers, last)
    }
}

/// Evaluates a waveform's magnitude spectrum.
private struct SpectrumJudge: Sendable {
    let size: Int
    let window: Tensor
    let layers: [Conv2d]
    let last: Conv2d

    init(_ weights: Weights, size: Int, channels: [Int]) throws {
        self.size = size
        layers = try zip([1] + channels, channels).enumerated().map { index, sizes in
            try Conv2d(
                weights["layers"][index], from: sizes.0, to: sizes.1, kernel: [5, 3], stride: [index < 3 ? 2 : 1, 1], padding: [2, 1])
        }
        last = try Conv2d(weights["last"], from: channels.last ?? 1, to: 1, kernel: [3, 3], padding: [1, 1])
        window = try Tensor.hannWindow(size)
    }

    func callAsFunction(_ waveform: Tensor) throws -> WaveformDiscriminator.Judgement {
        let spectrum = try waveform.stft(size: size, hop: size / 4, window: window).viewAsReal()
        // The cube root reduces the range between soft and loud.
        let magnitudes = try (spectrum.square().sum(axis: -1) + 1e-5).pow(1.0 / 6)
        return try judge(magnitudes.unsqueezed(1), layers, last)
    }
}

private func judge(_ picture: Tensor, _ layers: [Conv2d], _ last: Conv2d) throws -> WaveformDiscriminator.Judgement {
    var x = picture
    var features: [Tensor] = []
    for layer in layers {
        x = try layer(x).leakyReLU(0.1)
        features.append(x)
    }
    return WaveformDiscriminator.Judgement(score: try last(x), features: features)
}
