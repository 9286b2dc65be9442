import Foundation
import Torch

/// Turns token embeddings at 25 Hz into a first guess of the mel at 50 Hz: lookahead at the next tokens, attention layers, doubling, more
/// attention layers, and a projection.
///
/// Source: `UpsampleConformerEncoder` in `models/s3gen/transformer/upsample_encoder.py`, and `encoder_proj` in `flow.py`. Dropout is left
/// out. Chatterbox does not use the conformer's convolution and its second feed-forward layer, so that its blocks are transformer
/// blocks with relative positions.
struct TokenEncoder<A: FrameArithmetic>: Sendable {
    let input, upsampledInput: ScaledProjection
    let lookahead, smoothing, upsampling: A.Layer
    var blocks, upsampledBlocks: [TransformerBlock<A>]
    /// The last normalisation and the projection to mel.
    var output: A.Layer
    let configuration: TokenEncoderConfiguration

    /// `[sequences, tokens, size]` → `[sequences, stride · tokens, mel]`.
    ///
    /// With `lengths`, sequence `i` has the features of its first `lengths[i]` tokens alone. (Upstream lets the lookahead of a shorter
    /// sequence read its padding.) With `checkpoints`, blocks are computed again in the backward pass.
    func callAsFunction(
        _ embeddings: Tensor, lengths: [Int]? = nil, checkpoints: ActivationCheckpoints? = nil, pause: () throws -> Void = {}
    ) throws -> Tensor {
        var history: FlowHistory?
        return try self(embeddings, lengths: lengths, checkpoints: checkpoints, ahead: 0, after: &history, pause: pause)
    }

    /// The same for tokens that follow others.
    ///
    /// - Parameters:
    ///   - ahead: how many of the last tokens are only lookahead: ``TokenEncoderConfiguration/lookahead``
    ///     of them, or none at the end.
    ///   - history: the preceding tokens; the new ones are not added to its count.
    ///   - pause: called after each block.
    func callAsFunction(
        _ embeddings: Tensor, lengths: [Int]? = nil, checkpoints: ActivationCheckpoints? = nil, ahead: Int, after history: inout FlowHistory?,
        pause: () throws -> Void = {}
    ) throws -> Tensor {
        let (stretches, start) = (history?.stretches ?? [], history?.end ?? 0)
        let count = embeddings.size(1), mask = try FrameBatch.mask(lengths: lengths, count: count, device: embeddings.device)
        return try FlowHistory.step(0, of: &history) { recorder in
            let frames = FrameBatch(embeddings, mask: mask, recorder, checkpoints: checkpoints)
            return try features(of: frames, ahead: ahead, after: stretches, from: start, pause).checkpointed { x, _ in try output(x) }.rows
        }
    }

    /// `[sequences, stride · tokens, size]`, before the last normalisation.
    func features(
        of embeddings: FrameBatch, ahead: Int = 0, after stretches: [Range<Int>] = [], from start: Int = 0, _ pause: () throws -> Void = {}
    ) throws -> FrameBatch {
        let count = embeddings.count - ahead, stride = configuration.stride
        let looking = try input(embeddings), seen = try lookahead(looking, adding: nil, residual: nil, count: count)
        let tokens = try run(blocks, smoothing(seen, residual: looking.prefix(count)), from: start, after: stretches, pause)
        let frames = try upsampledInput(upsampling(tokens.repeated(stride)))
        return try run(upsampledBlocks, frames, from: start * stride, after: stretches.map(configuration.frames(of:)), pause)
    }

    private func run(
        _ blocks: [TransformerBlock<A>], _ x: FrameBatch, from start: Int, after stretches: [Range<Int>], _ pause: () throws -> Void
    ) throws -> FrameBatch {
        let positions = try RelativePositions(count: x.count, from: start, after: stretches, size: configuration.size, like: x.rows)
        return try blocks.reduce(x) { x, block in
            let made = try block(x, positions: positions)
            try pause()
            return made
        }
    }

    /// Linear map and normalisation, scaled to the size that sinusoidal positions expect.
    struct ScaledProjection: Sendable {
        let linear: A.Layer
        let scaled: A.Activation

        func callAsFunction(_ x: FrameBatch) throws -> FrameBatch { try scaled(linear(x)) }
    }
}

extension TokenEncoder where A == ExactArithmetic {
    /// - Parameters:
    ///   - weights: the `encoder` scope.
    ///   - projection: the `encoder_proj` scope.
    init(_ weights: Weights, projection: Weights, _ configuration: TokenEncoderConfiguration, melChannels: Int) throws {
        let size = configuration.size, aheads = weights["pre_lookahead_layer"]
        self.configuration = configuration
        input = try ScaledProjection(weights["embed"]["out"], size: size)
        lookahead = ExactLayer(try Conv1d(aheads["conv1"], from: size, to: size, kernel: configuration.lookahead + 1), lead: 0)
        smoothing = ExactLayer(
            try Conv1d(aheads["conv2"], from: size, to: size, kernel: 3), in: ExactActivation(.leakyReLU(slope: 0.01)))
        blocks = try (0..<configuration.layerCount).map { try TransformerBlock(weights["encoders"][$0], configuration) }
        upsampling = ExactLayer(try Conv1d(weights["up_layer"]["conv"], from: size, to: size, kernel: 2 * configuration.stride + 1))
        upsampledInput = try ScaledProjection(weights["up_embed"]["out"], size: size)
        upsampledBlocks = try (0..<configuration.upsampledLayerCount).map { try TransformerBlock(weights["up_encoders"][$0], configuration) }
        let norm = try LayerNorm(weights["after_norm"], size: size)
        output = ExactLayer(try Projection(projection, from: size, to: melChannels, bias: true), in: ExactActivation(norm))
    }
}

extension TokenEncoder.ScaledProjection where A == ExactArithmetic {
    init(_ weights: Weights, size: Int) throws {
        linear = ExactLayer(try Projection(weights[0], from: size, to: size, bias: true))
        scaled = ExactActivation(try LayerNorm(weights[1], size: size), scale: Double(size).squareRoot())
    }
}

extension TransformerBlock where A == ExactArithmetic {
    /// Source: `ConformerEncoderLayer` in `models/s3gen/transformer/encoder_layer.py`.
    init(_ weights: Weights, _ configuration: TokenEncoderConfiguration) throws {
        let (size, inner) = (configuration.size, configuration.feedForwardSize), heads = configuration.headCount, headSize = size / heads
        let norm = try LayerNorm(weights["norm_mha"], size: size, epsilon: 1e-12), own = weights["self_attn"]
        let query = try Projection(own["linear_q"], from: size, to: size, bias: true)
        let key = try Projection(own["linear_k"], from: size, to: size, bias: true)
        let value = try Projection(own["linear_v"], from: size, to: size, bias: true)
        let position = try Linear(own["linear_pos"], from: size, to: size, bias: false)
        output = ExactLayer(try Projection(own["linear_out"], from: size, to: size, bias: true))
        let bound = (6 / Double(heads + headSize)).squareRoot()
        func bias(_ name: String) throws -> Tensor { try own.tensor(name, shape: [heads, headSize], initial: .uniform(bound)) }
        attention = ExactAttention(
            norm: norm, query: query, key: key, value: value,
            distances: .init(position: position, contentBias: try bias("pos_bias_u"), positionBias: try bias("pos_bias_v")),
            headCount: heads, headSize: headSize)
        let feedForwardNorm = try LayerNorm(weights["norm_ff"], size: size, epsilon: 1e-12), feedForward = weights["feed_forward"]
        expand = ExactLayer(
            try Projection(feedForward["w_1"], from: size, to: inner, bias: true), in: ExactActivation(feedForwardNorm), then: .silu)
        contract = ExactLayer(try Projection(feedForward["w_2"], from: inner, to: size, bias: true))
    }
}

extension TokenEncoder where A == PackedArithmetic {
    /// - Parameter pack: the formats of the blocks' weights and attention; with int8 the other layers stay in float32, less than a
    ///   tenth of the work.
    /// - Throws: `KernelError`; `TorchError` where the weights are not float32 on the CPU.
    init(_ exact: TokenEncoder<ExactArithmetic>, _ pack: LayerPacking) throws {
        let ends = pack.float32
        func scaled(_ exact: TokenEncoder<ExactArithmetic>.ScaledProjection) throws -> ScaledProjection {
            ScaledProjection(linear: try ends(exact.linear), scaled: try ends(exact.scaled))
        }
        configuration = exact.configuration
        (input, upsampledInput) = (try scaled(exact.input), try scaled(exact.upsampledInput))
        (lookahead, smoothing, upsampling) = (try ends(exact.lookahead), try ends(exact.smoothing), try ends(exact.upsampling))
        (blocks, upsampledBlocks) = (try exact.blocks.map { try pack($0) }, try exact.upsampledBlocks.map { try pack($0) })
        output = try ends(exact.output)
    }
}

/// Sinusoids of the distances between frames and their keys: for each stretch of keys from the largest distance (the
/// last frame, the first key) down to the smallest.
///
/// Dai et al. 2019 (Transformer-XL), appendix B; `EspnetRelPositionalEncoding` in `models/s3gen/transformer/embedding.py`.
struct RelativePositions {
    /// `[1, rows, size]`: between the frames themselves, `2 · count − 1` rows, then for each preceding stretch
    /// `count + its length − 1` rows.
    let waves: Tensor
    private let ranges: [Range<Int>]

    /// - Parameters:
    ///   - count: frames.
    ///   - start: the position of the first frame.
    ///   - before: preceding stretches of frames to which they also attend.
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

    /// The rows between the frames themselves; a view.
    func own(_ rows: Tensor) throws -> Tensor { try part(rows, ranges[0]) }

    /// The rows of each preceding stretch.
    func before(_ rows: Tensor) throws -> [Tensor] { try ranges.dropFirst().map { try part(rows, $0) } }

    private func part(_ rows: Tensor, _ range: Range<Int>) throws -> Tensor {
        try rows.narrow(axis: 1, from: range.lowerBound, count: range.count)
    }
}
