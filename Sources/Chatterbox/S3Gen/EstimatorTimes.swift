import Foundation
import Torch

/// Embeds the time of a flow step, or for mean flow its start and end, for the convolution blocks.
///
/// Source: `SinusoidalPosEmb` and `TimestepEmbedding` in `models/s3gen/matcha/decoder.py`; the mixer of start and end
/// is that of IntMeanFlow (arXiv 2510.07979, 3.3).
struct EstimatorTimes: Sendable {
    private let rates: Tensor
    private let expand, refine: Linear
    private let mixer: Linear?
    let dtype: DType

    init(_ weights: Weights, inputs: Int, size: Int, pairs: Bool) throws {
        let perceptron = weights["time_mlp"]
        expand = try Linear(perceptron["linear_1"], from: inputs, to: size)
        refine = try Linear(perceptron["linear_2"], from: size, to: size)
        mixer = pairs ? try Linear(weights["time_embed_mixer"], from: 2 * size, to: size, bias: false) : nil
        let half = inputs / 2
        dtype = expand.weight.dtype
        rates = try (Tensor.arange(from: 0, to: Double(half)) * -(log(10000) / Double(half - 1))).exp()
            .to(expand.weight.device)
    }

    /// Times `[batch]` between 0 and 1 → `[batch, size]`, through the activation that every block starts with.
    func callAsFunction(_ time: Tensor, end: Tensor?) throws -> Tensor {
        guard let mixer else { return try embedded(time).mish() }
        return try mixer(Tensor.cat([embedded(time), embedded(end ?? time)], axis: 1)).mish()
    }

    private func embedded(_ time: Tensor) throws -> Tensor {
        let angles = try (time * 1000).unsqueezed(1) * rates
        return try refine(expand(Tensor.cat([angles.sin(), angles.cos()], axis: -1).to(dtype)).silu())
    }
}
