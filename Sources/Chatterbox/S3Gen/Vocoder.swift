import Foundation
import Kernels
import Torch

/// HiFT: turns a mel spectrogram into a waveform with a harmonic source, a convolutional filter and an inverse
/// short-time Fourier transform.
///
/// Li, Han, Jiang and Mesgarani, "HiFTNet", 2023. Upstream: `HiFTGenerator` in `models/s3gen/hifigan.py`. The operations are
/// differentiable: a trainer calls `callAsFunction(_:pitch:…)` with the true F0 and takes gradients with respect to the tensors in the
/// scope it was made from, and constructs the vocoder again after each step (weight normalisation is applied when a layer is constructed).
/// Weights may have reduced precision; the source and the waveform are always float32.
public struct Vocoder: Sendable {
    /// The vocoder's sizes.
    public let configuration: VocoderConfiguration
    /// F0 from mel.
    package let pitchPredictor: PitchPredictor
    /// Excitation from F0.
    package let sourceModule: SourceModule

    let input: Conv1d
    let stages: [HiFTStage]
    let output: Conv1d
    let window: Tensor
    /// A faster way through the stages for one utterance at a time.
    private var packed: PackedVocoder?

    /// The logarithm of a spectral magnitude is unbounded; what it stands for is not.
    static let magnitudeLimit = 100.0
    /// Slope of the last leaky rectifier.
    static let outputSlope = 0.01

    /// Where the weights are; mel and source are expected there.
    package var device: Device { input.weight.device }

    /// Reads the vocoder's tensors from its scope (`mel2wav` in `s3gen.safetensors`).
    ///
    /// Throws `VocoderError.configuration` when the sizes contradict each other, and the checkpoint's error when a tensor
    /// is missing or has another shape.
    package init(_ weights: Weights, _ configuration: VocoderConfiguration = .chatterbox) throws {
        try configuration.validate()
        self.configuration = configuration
        pitchPredictor = try PitchPredictor(
            weights["f0_predictor"], melBins: configuration.melBins, channels: configuration.pitchChannels)
        sourceModule = try SourceModule(weights["m_source"], configuration)
        input = try Conv1d(
            weights["conv_pre"], from: configuration.melBins, to: configuration.baseChannels,
            kernel: 7, padding: 3, weightNorm: true)
        let count = configuration.upsampleRates.count
        stages = try (0..<count).map { try HiFTStage(weights, configuration, stage: $0) }
        output = try Conv1d(
            weights["conv_post"], from: configuration.channels(after: count - 1), to: 2 * configuration.transformBins,
            kernel: 7, padding: 3, weightNorm: true)
        window = try Tensor(Self.hannWindow(configuration.transformSize), device: input.weight.device)
    }

    /// Speaks a mel spectrogram.
    ///
    /// - Parameters:
    ///   - mel: logarithmic mel spectrogram `[batch, bins, frames]`.
    ///   - pitch: F0 in Hz, `[batch, frames]`; predicted from the mel when not given.
    ///   - generator: source of the phases and the noise; see `SourceModule` for the order of draws.
    ///   - pause: called between pieces of the work where the network is packed; what it throws ends it.
    /// - Returns: the waveform, within ± `amplitudeLimit`, `[batch, samples]`, and the source `[batch, 1, samples]`, both
    ///   of `frames · samplesPerFrame` samples.
    /// - Throws: `VocoderError.shape`, or `TorchError` when an operation fails.
    package func callAsFunction(
        _ mel: Tensor, pitch: Tensor? = nil, generator: Generator, pause: () throws -> Void = {}
    ) throws -> (waveform: Tensor, source: Tensor) {
        try check(mel)
        let pitch = try pitch ?? pitchPredictor(mel.to(input.weight.dtype))
        guard pitch.shape == [mel.shape[0], mel.shape[2]] else {
            throw VocoderError.shape(
                argument: "pitch", found: pitch.shape, expected: "[\(mel.shape[0]), \(mel.shape[2])] as its mel")
        }
        let source = try source(pitch: pitch, generator: generator)
        try pause()
        return (try decode(mel, source: source, pause: pause), source)
    }

    /// Makes the excitation for F0 `[batch, frames]` in Hz: `[batch, 1, samples]`.
    package func source(pitch: Tensor, generator: Generator) throws -> Tensor {
        if packed != nil, pitch.size(0) == 1 {
            return try sourceModule.sineBySine(pitch, samplesPerFrame: configuration.samplesPerFrame, generator: generator)
        }
        return try sourceModule(pitch.repeatInterleaved(configuration.samplesPerFrame, axis: 1).unsqueezed(1), generator: generator)
    }

    /// Filters an excitation `[batch, 1, samples]` by a mel `[batch, bins, frames]` into a waveform `[batch, samples]`.
    package func decode(_ mel: Tensor, source: Tensor, pause: () throws -> Void = {}) throws -> Tensor {
        try check(mel)
        let expected = [mel.shape[0], 1, mel.shape[2] * configuration.samplesPerFrame]
        guard source.shape == expected else {
            throw VocoderError.shape(argument: "source", found: source.shape, expected: "\(expected) for its mel")
        }
        if let packed, mel.size(0) == 1 {
            var stream = PackedVocoderStream(packed)
            return try stream(mel.transposed(1, 2), source: source, isLast: true, pause: pause)
        }
        let sourceSpectrum = try spectrum(of: source).to(input.weight.dtype)
        var x = try input(mel.to(input.weight.dtype))
        for stage in stages {
            x = try stage(x, sourceSpectrum: sourceSpectrum)
        }
        x = try output(x.leakyReLU(Self.outputSlope))
        return try waveform(of: x.to(.float32))
    }

    /// The network at the beginning of an utterance whose frames and source come some at a time.
    func stream() -> any VocoderStream { if let packed { PackedVocoderStream(packed) } else { ExactVocoderStream(self) } }

    /// The same vocoder with its network's weights packed for the CPU; F0 and excitation stay exact.
    func packed(_ format: WeightFormat, team: ThreadTeam) throws -> Vocoder {
        var copy = self
        copy.packed = try PackedVocoder(self, format: format, team: team)
        return copy
    }

    private func check(_ mel: Tensor) throws {
        guard mel.rank == 3, mel.shape[1] == configuration.melBins, mel.shape[2] > 0 else {
            throw VocoderError.shape(
                argument: "mel", found: mel.shape, expected: "[batch, \(configuration.melBins), frames]")
        }
    }

    /// Signal `[batch, 1, samples]` → real parts, then imaginary parts, `[batch, 2 · bins, spectral frames]`.
    private func spectrum(of source: Tensor) throws -> Tensor {
        let transform = try source.squeezed(1).to(.float32).stft(
            size: configuration.transformSize, hop: configuration.transformHop, window: window)
        return try Tensor.cat([transform.real(), transform.imag()], axis: 1)
    }

    /// Log magnitudes, then arcsines of phases, `[batch, 2 · bins, spectral frames]` → waveform `[batch, samples]`.
    private func waveform(of parts: Tensor) throws -> Tensor {
        let bins = configuration.transformBins
        let magnitude = try parts.narrow(axis: 1, from: 0, count: bins).exp().clamped(max: Self.magnitudeLimit)
        let phase = try parts.narrow(axis: 1, from: bins, count: bins).sin()
        let transform = try Tensor.complex(magnitude * phase.cos(), magnitude * phase.sin())
        return try transform.istft(size: configuration.transformSize, hop: configuration.transformHop, window: window)
            .clamped(min: -configuration.amplitudeLimit, max: configuration.amplitudeLimit)
    }

    /// Periodic Hann window, computed in double precision.
    static func hannWindow(_ length: Int) -> [Float] {
        (0..<length).map { Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(length))) }
    }
}

/// One upsampling of the vocoder: the signal is lengthened, the source's spectrum at the same rate is added, and
/// parallel residual blocks are averaged.
struct HiFTStage: Sendable {
    let leakySlope: Double
    let isLast: Bool
    let upsample: ConvTranspose1d
    let sourceDownsample: Conv1d
    let sourceBlock: HiFTResidualBlock
    let blocks: [HiFTResidualBlock]

    /// Reads stage number `stage` from the vocoder's scope, whose lists run over all stages.
    init(_ weights: Weights, _ configuration: VocoderConfiguration, stage: Int) throws {
        let channels = configuration.channels(after: stage)
        let rate = configuration.upsampleRates[stage]
        let kernel = configuration.upsampleKernels[stage]
        leakySlope = configuration.leakySlope
        isLast = stage == configuration.upsampleRates.count - 1
        upsample = try ConvTranspose1d(
            weights["ups"][stage], from: 2 * channels, to: channels, kernel: kernel, stride: rate,
            padding: (kernel - rate) / 2, weightNorm: true)

        let stride = configuration.sourceStride(at: stage)
        sourceDownsample = try Conv1d(
            weights["source_downs"][stage], from: 2 * configuration.transformBins, to: channels,
            kernel: stride == 1 ? 1 : 2 * stride, stride: stride, padding: stride / 2)
        sourceBlock = try HiFTResidualBlock(
            weights["source_resblocks"][stage], channels: channels,
            kernel: configuration.sourceResidualKernels[stage],
            dilations: configuration.sourceResidualDilations[stage])

        let count = configuration.residualKernels.count
        blocks = try (0..<count).map { index in
            try HiFTResidualBlock(
                weights["resblocks"][stage * count + index], channels: channels,
                kernel: configuration.residualKernels[index], dilations: configuration.residualDilations[index])
        }
    }

    /// Signal `[batch, 2 · channels, time]` and source spectrum `[batch, 2 · bins, spectral frames]` →
    /// `[batch, channels, rate · time]`, with one more step at the front after the last stage, because a transform
    /// of `n` hops has `n + 1` frames.
    func callAsFunction(_ input: Tensor, sourceSpectrum: Tensor) throws -> Tensor {
        var x = try upsample(input.leakyReLU(leakySlope))
        if isLast { x = try x.padded([1, 0], mode: .reflect) }
        x = try x + sourceBlock(sourceDownsample(sourceSpectrum))
        var sum = try blocks[0](x)
        for block in blocks.dropFirst() {
            sum = try sum + block(x)
        }
        return try sum / Double(blocks.count)
    }
}

/// Snake activation with a learned frequency for each channel: `x + sin²(αx) / α`, Ziyin, Hartwig and Ueda 2020.
struct Snake: Sendable {
    /// `[1, channels, 1]`
    let frequency: Tensor

    init(_ weights: Weights, channels: Int) throws {
        frequency = try weights.tensor("alpha", shape: [channels], initial: .ones).reshaped([1, channels, 1])
    }

    /// `[batch, channels, time]` → the same shape.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x + (frequency + 1e-9).reciprocal() * (x * frequency).sin().square()
    }
}

/// Residual convolutions of growing dilation, each pair with Snake activations before its two convolutions.
///
/// Kong, Kim and Bae, "HiFi-GAN", 2020. Upstream: `ResBlock` in `models/s3gen/hifigan.py`.
struct HiFTResidualBlock: Sendable {
    struct Layer: Sendable {
        let dilatedActivation, plainActivation: Snake
        let dilated, plain: Conv1d
    }

    let layers: [Layer]

    init(_ weights: Weights, channels: Int, kernel: Int, dilations: [Int]) throws {
        layers = try dilations.enumerated().map { index, dilation in
            Layer(
                dilatedActivation: try Snake(weights["activations1"][index], channels: channels),
                plainActivation: try Snake(weights["activations2"][index], channels: channels),
                dilated: try Conv1d(
                    weights["convs1"][index], from: channels, to: channels, kernel: kernel,
                    padding: (kernel - 1) * dilation / 2, dilation: dilation, weightNorm: true),
                plain: try Conv1d(
                    weights["convs2"][index], from: channels, to: channels, kernel: kernel,
                    padding: (kernel - 1) / 2, weightNorm: true))
        }
    }

    /// `[batch, channels, time]` → the same shape.
    func callAsFunction(_ input: Tensor) throws -> Tensor {
        var x = input
        for layer in layers {
            let hidden = try layer.dilated(layer.dilatedActivation(x))
            x = try layer.plain(layer.plainActivation(hidden)) + x
        }
        return x
    }
}

/// Predicts the fundamental frequency of each mel frame: five convolutions of width 3 and a linear layer.
///
/// Upstream: `ConvRNNF0Predictor` in `models/s3gen/f0_predictor.py`.
package struct PitchPredictor: Sendable {
    static let depth = 5

    let convolutions: [Conv1d]
    let classifier: Linear

    /// Reads the predictor's tensors from its scope (`mel2wav.f0_predictor`).
    ///
    /// Throws when a tensor is missing or has another shape.
    package init(_ weights: Weights, melBins: Int, channels: Int) throws {
        // The scope's odd numbers are activations, which have no tensors.
        convolutions = try (0..<Self.depth).map { layer in
            try Conv1d(
                weights["condnet"][2 * layer], from: layer == 0 ? melBins : channels, to: channels,
                kernel: 3, padding: 1, weightNorm: true)
        }
        classifier = try Linear(weights["classifier"], from: channels, to: 1)
    }

    /// Mel `[batch, bins, frames]` → F0 in Hz, never negative, `[batch, frames]`.
    package func callAsFunction(_ mel: Tensor) throws -> Tensor {
        var x = mel
        for convolution in convolutions {
            x = try convolution(x).elu()
        }
        return try classifier(x.transposed(1, 2)).squeezed(-1).abs()
    }
}
