import Torch

/// One layer of the token encoder: attention, then a feed-forward layer, each on normalised input beside a residual.
///
/// Chatterbox leaves the conformer's convolution and its second feed-forward layer out, so this is a transformer layer
/// with relative positions. Source: `ConformerEncoderLayer` in `models/s3gen/transformer/encoder_layer.py`.
struct ConformerBlock: Sendable {
    let attentionNorm, feedForwardNorm: LayerNorm
    var attention: ConformerAttention
    var expand, contract: Projection

    init(_ weights: Weights, _ configuration: TokenEncoderConfiguration) throws {
        let (size, inner) = (configuration.size, configuration.feedForwardSize)
        attentionNorm = try LayerNorm(weights["norm_mha"], size: size, epsilon: 1e-12)
        attention = try ConformerAttention(weights["self_attn"], configuration)
        feedForwardNorm = try LayerNorm(weights["norm_ff"], size: size, epsilon: 1e-12)
        expand = try Projection(weights["feed_forward"]["w_1"], from: size, to: inner, bias: true)
        contract = try Projection(weights["feed_forward"]["w_2"], from: inner, to: size, bias: true)
    }

    /// `[batch, frames, size]` → `[batch, frames, size]`.
    func callAsFunction(_ x: Tensor, positions: RelativePositions, padding: Tensor?, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        let attended = try x + attention(attentionNorm(x), positions: positions, padding: padding, recorder)
        return try attended + contract(expand(feedForwardNorm(attended)).silu())
    }
}
