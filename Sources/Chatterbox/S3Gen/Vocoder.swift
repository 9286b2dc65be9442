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

    /// The filter in libtorch's operations, which training changes.
    let filter: HiFTFilter<ExactArithmetic>
    /// The window of both transforms, on the weights' device.
    private let window: Tensor
    /// The filter with packed weights, for one utterance at a time; nil if libtorch computes.
    private var packed: PackedVocoder?
    /// Precision of the weights, to which the filter's inputs are converted.
    private let dtype: DType

    /// The device of the weights, on which mel and source are expected.
    package var device: Device { window.device }

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
        let first = try Conv1d(
            weights["conv_pre"], from: configuration.melBins, to: configuration.baseChannels, kernel: 7, padding: 3, weightNorm: true)
        filter = try HiFTFilter(first, weights, configuration)
        dtype = first.weight.dtype
        window = try Tensor(Self.hannWindow(configuration.transformSize), device: first.weight.device)
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
        let pitch = try pitch ?? pitchPredictor(mel.to(dtype))
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
        if packed != nil, mel.size(0) == 1 {
            var stream = try stream()
            return try stream(mel.transposed(1, 2), source: source, isLast: true, pause: pause)
        }
        let spectrum = try spectrum(of: source).to(dtype).transposed(1, 2)
        let parts = try filter(FrameBatch(mel.to(dtype).transposed(1, 2)), spectrum: FrameBatch(spectrum))
        return try waveform(of: parts.rows.to(.float32))
    }

    /// The network at the beginning of an utterance whose frames and source arrive some at a time.
    func stream() throws -> any VocoderStream { if let packed { try PackedVocoderStream(packed) } else { ExactVocoderStream(self) } }

    /// The same vocoder with its filter's weights packed for the CPU; F0 and excitation stay exact.
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

    /// Log magnitudes, then arcsines of phases, `[batch, spectral frames, 2 · bins]` → waveform `[batch, samples]`.
    private func waveform(of parts: Tensor) throws -> Tensor {
        let (real, imaginary) = try Self.transform(of: parts, bins: configuration.transformBins)
        return try Tensor.complex(real, imaginary).transposed(1, 2)
            .istft(size: configuration.transformSize, hop: configuration.transformHop, window: window)
            .clamped(min: -configuration.amplitudeLimit, max: configuration.amplitudeLimit)
    }

    /// The logarithm of a spectral magnitude is unbounded, but the magnitude is limited.
    private static let magnitudeLimit = 100.0

    /// Log magnitudes, then arcsines of phases, `[batch, spectral frames, 2 · bins]` → real and imaginary parts, of as many bins each.
    static func transform(of parts: Tensor, bins: Int) throws -> (real: Tensor, imaginary: Tensor) {
        let magnitude = try parts.narrow(axis: 2, from: 0, count: bins).exp().clamped(max: magnitudeLimit)
        let phase = try parts.narrow(axis: 2, from: bins, count: bins).sin()
        return (try magnitude * phase.cos(), try magnitude * phase.sin())
    }

    /// Periodic Hann window, computed in double precision.
    static func hannWindow(_ length: Int) -> [Float] {
        (0..<length).map { Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(length))) }
    }
}

// MARK: filter

/// The convolutions of HiFT: the mel is upsampled stage by stage, and each stage adds the source's spectrum at the same rate.
struct HiFTFilter<A: FrameArithmetic>: Sendable {
    let input, output: A.Layer
    let stages: [HiFTStage<A>]

    /// Mel `[batch, frames, bins]` and the source's spectrum, real parts, then imaginary parts, `[batch, spectral frames, 2 · transform bins]`
    /// → log magnitudes, then arcsines of phases, of the same shape as the spectrum.
    func callAsFunction(_ mel: A.Signal, spectrum: A.Signal) throws -> A.Signal {
        try output(stages.reduce(input(mel)) { signal, stage in try stage(signal, spectrum: spectrum) })
    }
}

/// One upsampling of the vocoder: the signal is lengthened, the source's spectrum at the same rate is added, and
/// parallel residual blocks are averaged.
struct HiFTStage<A: FrameArithmetic>: Sendable {
    let upsample, sourceDownsample: A.Layer
    let sourceBlock: HiFTResidualBlock<A>
    let blocks: [HiFTResidualBlock<A>]
    let isLast: Bool

    /// Signal `[batch, time, 2 · channels]` and source spectrum `[batch, spectral frames, 2 · transform bins]` →
    /// `[batch, rate · time, channels]`, with one more step at the front after the last stage, because a transform
    /// of `n` hops has `n + 1` frames.
    func callAsFunction(_ signal: A.Signal, spectrum: A.Signal) throws -> A.Signal {
        var x = try upsample(signal)
        if isLast { x = try x.mirrored() }
        x = try x + sourceBlock(sourceDownsample(spectrum))
        return try .mean(blocks.count) { try blocks[$0](x) }
    }
}

/// Residual convolutions of growing dilation, each pair with Snake activations before its two convolutions.
///
/// Kong, Kim and Bae, "HiFi-GAN", 2020. Upstream: `ResBlock` in `models/s3gen/hifigan.py`.
struct HiFTResidualBlock<A: FrameArithmetic>: Sendable {
    let layers: [(dilated: A.Layer, plain: A.Layer)]

    /// `[batch, time, channels]` → the same shape.
    func callAsFunction(_ x: A.Signal) throws -> A.Signal {
        try layers.reduce(x) { x, layer in try layer.plain(layer.dilated(x), residual: x) }
    }
}

extension HiFTFilter where A == ExactArithmetic {
    /// Takes the layers from the vocoder's scope.
    init(_ input: Conv1d, _ weights: Weights, _ configuration: VocoderConfiguration) throws {
        let count = configuration.upsampleRates.count
        self.input = ExactLayer(centred: input)
        stages = try (0..<count).map { try HiFTStage(weights, configuration, stage: $0) }
        let output = try Conv1d(
            weights["conv_post"], from: configuration.channels(after: count - 1), to: 2 * configuration.transformBins,
            kernel: 7, padding: 3, weightNorm: true)
        self.output = ExactLayer(centred: output, in: ExactActivation(.leakyReLU(slope: 0.01)))
    }
}

extension HiFTStage where A == ExactArithmetic {
    /// Reads stage number `stage` from the vocoder's scope, whose lists run over all stages.
    init(_ weights: Weights, _ configuration: VocoderConfiguration, stage: Int) throws {
        let channels = configuration.channels(after: stage)
        let rate = configuration.upsampleRates[stage]
        let kernel = configuration.upsampleKernels[stage]
        isLast = stage == configuration.upsampleRates.count - 1
        let upsample = try ConvTranspose1d(
            weights["ups"][stage], from: 2 * channels, to: channels, kernel: kernel, stride: rate,
            padding: (kernel - rate) / 2, weightNorm: true)
        self.upsample = ExactLayer(upsample, in: ExactActivation(.leakyReLU(slope: configuration.leakySlope)))

        let stride = configuration.sourceStride(at: stage)
        let downsample = try Conv1d(
            weights["source_downs"][stage], from: 2 * configuration.transformBins, to: channels,
            kernel: stride == 1 ? 1 : 2 * stride, stride: stride, padding: stride / 2)
        sourceDownsample = ExactLayer(centred: downsample)
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
}

extension HiFTResidualBlock where A == ExactArithmetic {
    init(_ weights: Weights, channels: Int, kernel: Int, dilations: [Int]) throws {
        func layer(_ convolution: String, _ activation: String, _ index: Int, dilation: Int) throws -> ExactLayer {
            let frequency = try weights[activation][index].tensor("alpha", shape: [channels], initial: .ones)
            let convolution = try Conv1d(
                weights[convolution][index], from: channels, to: channels, kernel: kernel,
                padding: (kernel - 1) * dilation / 2, dilation: dilation, weightNorm: true)
            return ExactLayer(centred: convolution, in: ExactActivation(.snake(frequency: frequency)))
        }
        layers = try dilations.enumerated().map { index, dilation in
            (try layer("convs1", "activations1", index, dilation: dilation), try layer("convs2", "activations2", index, dilation: 1))
        }
    }
}

extension HiFTFilter where A == PackedArithmetic {
    /// - Parameter pack: of the convolutions after the first and before the last.
    init(_ exact: HiFTFilter<ExactArithmetic>, _ pack: LayerPacking) throws {
        (input, output) = (try pack.float32(exact.input), try pack.float32(exact.output))
        func block(_ exact: HiFTResidualBlock<ExactArithmetic>) throws -> HiFTResidualBlock<A> {
            HiFTResidualBlock(layers: try exact.layers.map { (try pack($0.dilated), try pack($0.plain)) })
        }
        stages = try exact.stages.map { stage in
            HiFTStage(
                upsample: try pack(stage.upsample), sourceDownsample: try pack.float32(stage.sourceDownsample),
                sourceBlock: try block(stage.sourceBlock), blocks: try stage.blocks.map(block), isLast: stage.isLast)
        }
    }
}
