import Foundation
import Torch

/// Turns token embeddings at 25 Hz into features at mel rate, 50 Hz: a look at the next tokens, attention layers,
/// doubling, more attention layers.
///
/// Source: `UpsampleConformerEncoder` in `models/s3gen/transformer/upsample_encoder.py`. Dropout is left out.
struct TokenEncoder: Sendable {
    let input, upsampledInput: ScaledProjection
    let lookaheadConvolution, smoothing, upsampling: Conv1d
    var blocks, upsampledBlocks: [ConformerBlock]
    let norm: LayerNorm
    let configuration: TokenEncoderConfiguration
    /// Of the rectifier between the two convolutions that look ahead, below 0.
    static let lookaheadSlope = 0.01

    init(_ weights: Weights, _ configuration: TokenEncoderConfiguration) throws {
        let size = configuration.size
        let lookahead = weights["pre_lookahead_layer"]
        self.configuration = configuration
        input = try ScaledProjection(weights["embed"]["out"], size: size)
        lookaheadConvolution = try Conv1d(
            lookahead["conv1"], from: size, to: size, kernel: configuration.lookahead + 1)
        smoothing = try Conv1d(lookahead["conv2"], from: size, to: size, kernel: 3)
        blocks = try (0..<configuration.layerCount).map { try ConformerBlock(weights["encoders"][$0], configuration) }
        upsampling = try Conv1d(
            weights["up_layer"]["conv"], from: size, to: size, kernel: 2 * configuration.stride + 1)
        upsampledInput = try ScaledProjection(weights["up_embed"]["out"], size: size)
        upsampledBlocks = try (0..<configuration.upsampledLayerCount).map {
            try ConformerBlock(weights["up_encoders"][$0], configuration)
        }
        norm = try LayerNorm(weights["after_norm"], size: size)
    }

    /// `[batch, tokens, size]` → `[batch, stride · tokens, size]`.
    ///
    /// With `lengths`, sequence `i` is what comes out for its first `lengths[i]` tokens alone. (Upstream lets the
    /// lookahead of a shorter sequence read its padding.)
    func callAsFunction(_ embeddings: Tensor, lengths: [Int]? = nil) throws -> Tensor {
        var history: FlowHistory?
        return try self(embeddings, lengths: lengths, ahead: 0, after: &history)
    }

    /// The same for tokens that follow others.
    ///
    /// - Parameters:
    ///   - ahead: how many of the last are there to be looked ahead to alone, as many as ``TokenEncoderConfiguration/lookahead``
    ///     or, at the end, none.
    ///   - history: the others; these are not added to its count.
    func callAsFunction(_ embeddings: Tensor, lengths: [Int]? = nil, ahead: Int, after history: inout FlowHistory?) throws -> Tensor {
        let (stretches, start) = (history?.stretches ?? [], history?.end ?? 0)
        func features(_ recorder: FlowRecorder?) throws -> Tensor {
            try self.features(embeddings, lengths: lengths, ahead: ahead, after: stretches, from: start, recorder)
        }
        return try history?.step(0, features) ?? features(nil)
    }

    private func features(
        _ embeddings: Tensor, lengths: [Int]?, ahead: Int, after stretches: [Range<Int>], from start: Int, _ recorder: FlowRecorder?
    ) throws -> Tensor {
        let count = embeddings.shape[1] - ahead
        let tokens = try SequencePadding(lengths: lengths, count: count, device: embeddings.device)
        var x = try lookingAhead(input(embeddings), tokens, count: count, recorder)
        x = try run(blocks, x, tokens, RelativePositions(count: count, from: start, after: stretches, size: configuration.size, like: x), recorder)

        let frames = try SequencePadding(
            lengths: lengths?.map { $0 * configuration.stride }, count: x.shape[1] * configuration.stride,
            device: x.device)
        x = try upsampledInput(upsampled(x, recorder))
        let positions = try RelativePositions(
            count: x.shape[1], from: start * configuration.stride, after: stretches.map(configuration.frames(of:)), size: configuration.size, like: x)
        return try norm(run(upsampledBlocks, x, frames, positions, recorder))
    }

    private func lookingAhead(_ x: Tensor, _ padding: SequencePadding, count: Int, _ recorder: FlowRecorder?) throws -> Tensor {
        let visible = try padding.silenced(x.transposed(1, 2).contiguous())
        let missing = configuration.lookahead - (x.shape[1] - count)
        let ahead = try lookaheadConvolution(visible.padded([0, missing])).leakyReLU(Self.lookaheadSlope)
        let smooth = try smoothing(recorder?.led(ahead, taps: 3, axis: 2) ?? ahead.padded([2, 0]))
        return try smooth.transposed(1, 2).contiguous() + x.narrow(axis: 1, from: 0, count: count)
    }

    private func upsampled(_ x: Tensor, _ recorder: FlowRecorder?) throws -> Tensor {
        let repeated = try x.transposed(1, 2).repeatInterleaved(configuration.stride, axis: 2), reach = 2 * configuration.stride
        return try upsampling(recorder?.led(repeated, taps: reach + 1, axis: 2) ?? repeated.padded([reach, 0])).transposed(1, 2).contiguous()
    }

    private func run(
        _ blocks: [ConformerBlock], _ x: Tensor, _ padding: SequencePadding, _ positions: RelativePositions, _ recorder: FlowRecorder?
    ) throws -> Tensor {
        try blocks.reduce(x) { try $1($0, positions: positions, padding: padding.hiddenKeys, recorder) }
    }

    /// Linear map and normalisation, scaled up to the size that sinusoidal positions expect.
    struct ScaledProjection: Sendable {
        let linear: Linear
        let norm: LayerNorm
        let scale: Double

        init(_ weights: Weights, size: Int) throws {
            linear = try Linear(weights[0], from: size, to: size)
            norm = try LayerNorm(weights[1], size: size)
            scale = Double(size).squareRoot()
        }

        func callAsFunction(_ x: Tensor) throws -> Tensor { try norm(linear(x)) * scale }
    }
}

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

/// Sinusoids of the distances between frames and what they attend to: for each stretch of keys from the largest distance (the
/// last frame, the first key) down to the smallest.
///
/// Dai et al. 2019 (Transformer-XL), appendix B; `EspnetRelPositionalEncoding` in `models/s3gen/transformer/embedding.py`.
struct RelativePositions {
    /// `[1, rows, size]`: of the frames among themselves, `2 · count − 1` rows, then of each stretch before them,
    /// `count + its length − 1` rows.
    let waves: Tensor
    private let ranges: [Range<Int>]

    /// - Parameters:
    ///   - count: frames.
    ///   - start: where they stand.
    ///   - before: stretches of frames that they see as well.
    init(count: Int, from start: Int = 0, after before: [Range<Int>] = [], size: Int, like tensor: Tensor) throws {
        var distances: [Tensor] = [], ranges: [Range<Int>] = [], rows = 0
        for keys in [start..<start + count] + before {
            let largest = start + count - 1 - keys.lowerBound, length = count + keys.count - 1
            distances.append(try .arange(from: Double(largest), to: Double(largest - length), by: -1))
            ranges.append(rows..<rows + length)
            rows += length
        }
        let rates = try (Tensor.arange(from: 0, to: Double(size), by: 2) * -(log(10000) / Double(size))).exp()
        let angles = try Tensor.cat(distances).unsqueezed(1) * rates
        waves = try Tensor.stack([angles.sin(), angles.cos()], axis: 2).reshaped([1, rows, size]).to(tensor.dtype).to(tensor.device)
        self.ranges = ranges
    }

    /// Rows of the frames among themselves, of as many as there are ``waves``; a view.
    func own(_ rows: Tensor) throws -> Tensor { try part(rows, ranges[0]) }

    /// Rows of each stretch before the frames.
    func before(_ rows: Tensor) throws -> [Tensor] { try ranges.dropFirst().map { try part(rows, $0) } }

    private func part(_ rows: Tensor, _ range: Range<Int>) throws -> Tensor {
        try rows.narrow(axis: 1, from: range.lowerBound, count: range.count)
    }
}
