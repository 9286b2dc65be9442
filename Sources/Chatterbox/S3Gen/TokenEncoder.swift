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
