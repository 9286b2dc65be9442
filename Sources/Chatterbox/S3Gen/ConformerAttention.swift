import Torch

/// Self-attention whose scores add a learned preference for distances, in Transformer-XL's form (Dai et al. 2019, 3.3).
///
/// Source: `RelPositionMultiHeadedAttention` in `models/s3gen/transformer/attention.py`.
struct ConformerAttention: Sendable {
    var query, key, value, output: Projection
    let position: Linear
    let contentBias, positionBias: Tensor
    let headCount, headSize: Int

    init(_ weights: Weights, _ configuration: TokenEncoderConfiguration) throws {
        let size = configuration.size
        headCount = configuration.headCount
        headSize = size / headCount
        query = try Projection(weights["linear_q"], from: size, to: size, bias: true)
        key = try Projection(weights["linear_k"], from: size, to: size, bias: true)
        value = try Projection(weights["linear_v"], from: size, to: size, bias: true)
        position = try Linear(weights["linear_pos"], from: size, to: size, bias: false)
        output = try Projection(weights["linear_out"], from: size, to: size, bias: true)
        let bound = (6 / Double(headCount + headSize)).squareRoot()
        contentBias = try weights.tensor("pos_bias_u", shape: [headCount, headSize], initial: .uniform(bound))
        positionBias = try weights.tensor("pos_bias_v", shape: [headCount, headSize], initial: .uniform(bound))
    }

    /// `[batch, frames, size]` → `[batch, frames, size]`.
    ///
    /// - Parameters:
    ///   - positions: of these frames, and of the stretches that they follow.
    ///   - padding: `[batch, 1, 1, frames]`, true at keys nobody may see; nil where nothing is padded.
    ///   - recorder: where these frames follow others.
    func callAsFunction(_ x: Tensor, positions: RelativePositions, padding: Tensor?, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        let queries = try split(query(x)), count = x.shape[1]
        var keys = try split(key(x)).transposed(1, 2)
        var values = try split(value(x)).transposed(1, 2)
        let rows = try position(positions.waves)
        let perDistance = try (queries + positionBias).transposed(1, 2)
        func byKey(_ rows: Tensor) throws -> Tensor {
            try alignedToKeys(perDistance.matmul(split(rows).transposed(1, 2).transposed(-2, -1)), keys: rows.shape[1] + 1 - count)
        }
        var distance = try byKey(positions.own(rows))
        try recorder?.attend { before in
            let own = FlowTape.Keys.tensors(key: keys, value: values)
            (keys, values) = try FlowTape.Keys.joined(before + [own])
            distance = try Tensor.cat(positions.before(rows).map(byKey) + [distance], axis: 3)
            return own
        }

        let content = try (queries + contentBias).transposed(1, 2).matmul(keys.transposed(-2, -1))
        var scores = try (content + distance) / Double(headSize).squareRoot()
        if let padding { scores = try scores.maskedFill(padding, -.infinity) }

        let seen = try scores.softmax(axis: -1).matmul(values)
        return try output(seen.transposed(1, 2).reshaped(x.shape))
    }

    private func split(_ x: Tensor) throws -> Tensor {
        try x.reshaped([x.shape[0], x.shape[1], headCount, headSize])
    }

    /// Scores by distance, `[batch, heads, frames, frames + keys − 1]`, → by key, `[batch, heads, frames, keys]`: row `i`
    /// starts at column `frames − 1 − i`, so laid end to end the rows start evenly, and a view does it.
    private func alignedToKeys(_ scores: Tensor, keys: Int) throws -> Tensor {
        let (batch, frames) = (scores.shape[0], scores.shape[2])
        guard frames > 1 else { return scores }
        let stride = frames + keys - 2
        return try scores.reshaped([batch, headCount, frames * (stride + 1)])
            .narrow(axis: 2, from: frames - 1, count: frames * stride)
            .viewed([batch, headCount, frames, stride])
            .narrow(axis: 3, from: 0, count: keys)
    }
}
