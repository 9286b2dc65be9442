import Torch

/// Attention over all frames, then a feed-forward layer with GELU, each on normalised input beside a residual.
///
/// Source: `BasicTransformerBlock` in `models/s3gen/matcha/transformer.py`, with diffusers' attention.
struct EstimatorTransformer: Sendable {
    let attentionNorm, feedForwardNorm: LayerNorm
    var query, key, value, output: Projection
    var expand, contract: Projection
    let headCount, headSize: Int

    init(_ weights: Weights, _ configuration: FlowEstimatorConfiguration) throws {
        let channels = configuration.channels
        let attention = weights["attn1"]
        let feedForward = weights["ff"]["net"]
        headCount = configuration.headCount
        headSize = configuration.headSize
        let heads = headCount * headSize
        attentionNorm = try LayerNorm(weights["norm1"], size: channels)
        query = try Projection(attention["to_q"], from: channels, to: heads)
        key = try Projection(attention["to_k"], from: channels, to: heads)
        value = try Projection(attention["to_v"], from: channels, to: heads)
        output = try Projection(attention["to_out"][0], from: heads, to: channels, bias: true)
        feedForwardNorm = try LayerNorm(weights["norm3"], size: channels)
        let inner = channels * configuration.feedForwardFactor
        expand = try Projection(feedForward[0]["proj"], from: channels, to: inner, bias: true)
        contract = try Projection(feedForward[2], from: inner, to: channels, bias: true)
    }

    /// `[batch, frames, channels]` → the same.
    ///
    /// - Parameters:
    ///   - visible: `[batch, 1, 1, frames]`, true at keys to attend to; nil for all.
    ///   - recorder: where these frames follow others.
    func callAsFunction(_ x: Tensor, visible: Tensor?, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        let attended = try self.attended(attentionNorm(x), visible: visible, recorder) + x
        return try contract(expand(feedForwardNorm(attended)).gelu()) + attended
    }

    private func attended(_ x: Tensor, visible: Tensor?, _ recorder: FlowRecorder?) throws -> Tensor {
        let (batch, frames) = (x.shape[0], x.shape[1])
        let heads =
            { try ($0 as Tensor).reshaped([batch, frames, headCount, headSize]).transposed(1, 2) }
            as (Tensor) throws -> Tensor
        var (keys, values) = (try heads(key(x)), try heads(value(x)))
        try recorder?.attend { before in
            let own = FlowTape.Keys.tensors(key: keys, value: values)
            (keys, values) = try FlowTape.Keys.joined(before + [own])
            return own
        }
        let seen = try heads(query(x)).attention(key: keys, value: values, mask: visible)
        return try output(seen.transposed(1, 2).reshaped([batch, frames, headCount * headSize]))
    }
}
