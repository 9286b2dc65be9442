import Torch

/// Self-attention whose scores add a learned preference for distances, in Transformer-XL's form (Dai et al. 2019, 3.3).
///
/// Source: `RelPositionMultiHeadedAttention` in `models/s3gen/transformer/attention.py`.
struct ConformerAttention: Sendable {
    let query, key, value, position, output: Linear
    let contentBias, positionBias: Tensor
    let headCount, headSize: Int

    init(_ weights: Weights, _ configuration: TokenEncoderConfiguration) throws {
        let size = configuration.size
        headCount = configuration.headCount
        headSize = size / headCount
        query = try Linear(weights["linear_q"], from: size, to: size)
        key = try Linear(weights["linear_k"], from: size, to: size)
        value = try Linear(weights["linear_v"], from: size, to: size)
        position = try Linear(weights["linear_pos"], from: size, to: size, bias: false)
        output = try Linear(weights["linear_out"], from: size, to: size)
        let bound = (6 / Double(headCount + headSize)).squareRoot()
        contentBias = try weights.tensor("pos_bias_u", shape: [headCount, headSize], initial: .uniform(bound))
        positionBias = try weights.tensor("pos_bias_v", shape: [headCount, headSize], initial: .uniform(bound))
    }

    /// `[batch, frames, size]` → `[batch, frames, size]`.
    ///
    /// - Parameters:
    ///   - positions: ``relativePositions(count:size:like:)`` for this number of frames.
    ///   - padding: `[batch, 1, 1, frames]`, true at keys nobody may see; nil where nothing is padded.
    func callAsFunction(_ x: Tensor, positions: Tensor, padding: Tensor?) throws -> Tensor {
        let queries = try split(query(x))
        let keys = try split(key(x)).transposed(1, 2)
        let values = try split(value(x)).transposed(1, 2)
        let distances = try split(position(positions)).transposed(1, 2)

        let content = try (queries + contentBias).transposed(1, 2).matmul(keys.transposed(-2, -1))
        let distance = try (queries + positionBias).transposed(1, 2).matmul(distances.transposed(-2, -1))
        var scores = try (content + alignedToKeys(distance)) / Double(headSize).squareRoot()
        if let padding { scores = try scores.maskedFill(padding, -.infinity) }

        let seen = try scores.softmax(axis: -1).matmul(values)
        return try output(seen.transposed(1, 2).reshaped(x.shape))
    }

    private func split(_ x: Tensor) throws -> Tensor {
        try x.reshaped([x.shape[0], x.shape[1], headCount, headSize])
    }

    /// Scores by distance, `[batch, heads, frames, 2 · frames − 1]`, → by key, `[batch, heads, frames, frames]`: row `i`
    /// starts at column `frames − 1 − i`, so laid end to end the rows start evenly, and a view does it.
    private func alignedToKeys(_ scores: Tensor) throws -> Tensor {
        let (batch, frames) = (scores.shape[0], scores.shape[2])
        guard frames > 1 else { return scores }
        let stride = 2 * frames - 2
        return try scores.reshaped([batch, headCount, frames * (stride + 1)])
            .narrow(axis: 2, from: frames - 1, count: frames * stride)
            .viewed([batch, headCount, frames, stride])
            .narrow(axis: 3, from: 0, count: frames)
    }
}
