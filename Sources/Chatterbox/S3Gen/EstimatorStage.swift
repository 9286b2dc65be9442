import Torch

/// One stage of the estimator: two causal convolutions with the time between them, then transformer blocks.
///
/// Source: the triples of `ConditionalDecoder` and `CausalResnetBlock1D` in `models/s3gen/decoder.py`.
struct EstimatorStage: Sendable {
    let before, after: EstimatorConvolutionBlock
    let time: Linear
    let shortcut: Conv1d
    var transformers: [EstimatorTransformer]

    init(_ weights: Weights, from inputs: Int, _ configuration: FlowEstimatorConfiguration) throws {
        let convolutions = weights[0]
        let channels = configuration.channels
        before = try EstimatorConvolutionBlock(convolutions["block1"]["block"], from: inputs, to: channels)
        time = try Linear(convolutions["mlp"][1], from: configuration.timeSize, to: channels)
        after = try EstimatorConvolutionBlock(convolutions["block2"]["block"], from: channels, to: channels)
        shortcut = try Conv1d(convolutions["res_conv"], from: inputs, to: channels, kernel: 1)
        transformers = try (0..<configuration.blocksPerStage).map {
            try EstimatorTransformer(weights[1][$0], configuration)
        }
    }

    /// `[batch, inputs, frames]` and an activated time `[batch, timeSize]` → `[batch, channels, frames]`.
    func callAsFunction(
        _ x: Tensor, time embedding: Tensor, padding: SequencePadding, _ recorder: FlowRecorder? = nil
    ) throws -> Tensor {
        let timed = try before(x, padding: padding, recorder) + time(embedding).unsqueezed(2)
        let convolved = try after(timed, padding: padding, recorder) + shortcut(padding.silenced(x))
        let visible = try padding.frames?.unsqueezed(1)
        let attended = try transformers.reduce(convolved.transposed(1, 2).contiguous()) {
            try $1($0, visible: visible, recorder)
        }
        return try attended.transposed(1, 2).contiguous()
    }
}

/// Convolution over a frame and the two before it. `[batch, from, frames]` → `[batch, to, frames]`. With a recorder the frames
/// follow others.
struct EstimatorConvolution: Sendable {
    let convolution: Conv1d

    init(_ weights: Weights, from inputs: Int, to outputs: Int) throws {
        convolution = try Conv1d(weights, from: inputs, to: outputs, kernel: 3)
    }

    func callAsFunction(_ x: Tensor, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        try convolution(recorder?.led(x, taps: 3, axis: 2) ?? x.padded([2, 0]))
    }
}

/// Causal convolution, normalisation over channels, Mish. `[batch, from, frames]` → `[batch, to, frames]`.
struct EstimatorConvolutionBlock: Sendable {
    let convolution: EstimatorConvolution
    let norm: LayerNorm

    init(_ weights: Weights, from inputs: Int, to outputs: Int) throws {
        convolution = try EstimatorConvolution(weights[0], from: inputs, to: outputs)
        norm = try LayerNorm(weights[2], size: outputs)
    }

    func callAsFunction(_ x: Tensor, padding: SequencePadding, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        let normalised = try norm(convolution(padding.silenced(x), recorder).transposed(1, 2))
        return try padding.silenced(normalised.transposed(1, 2).contiguous().mish())
    }
}
