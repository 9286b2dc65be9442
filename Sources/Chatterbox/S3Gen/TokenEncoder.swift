import Torch

/// Turns token embeddings at 25 Hz into features at mel rate, 50 Hz: a look at the next tokens, attention layers,
/// doubling, more attention layers.
///
/// Source: `UpsampleConformerEncoder` in `models/s3gen/transformer/upsample_encoder.py`. Dropout is left out.
struct TokenEncoder: Sendable {
    let input, upsampledInput: Projection
    let lookaheadConvolution, smoothing, upsampling: Conv1d
    let blocks, upsampledBlocks: [ConformerBlock]
    let norm: LayerNorm
    let configuration: TokenEncoderConfiguration
    /// Of the rectifier between the two convolutions that look ahead, below 0.
    static let lookaheadSlope = 0.01

    init(_ weights: Weights, _ configuration: TokenEncoderConfiguration) throws {
        let size = configuration.size
        let lookahead = weights["pre_lookahead_layer"]
        self.configuration = configuration
        input = try Projection(weights["embed"]["out"], size: size)
        lookaheadConvolution = try Conv1d(
            lookahead["conv1"], from: size, to: size, kernel: configuration.lookahead + 1)
        smoothing = try Conv1d(lookahead["conv2"], from: size, to: size, kernel: 3)
        blocks = try (0..<configuration.layerCount).map { try ConformerBlock(weights["encoders"][$0], configuration) }
        upsampling = try Conv1d(
            weights["up_layer"]["conv"], from: size, to: size, kernel: 2 * configuration.stride + 1)
        upsampledInput = try Projection(weights["up_embed"]["out"], size: size)
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
        let tokens = try SequencePadding(lengths: lengths, count: embeddings.shape[1], device: embeddings.device)
        var x = try lookingAhead(input(embeddings), tokens)
        x = try run(blocks, x, tokens)

        let frames = try SequencePadding(
            lengths: lengths?.map { $0 * configuration.stride }, count: x.shape[1] * configuration.stride,
            device: x.device)
        x = try upsampledInput(upsampled(x))
        return try norm(run(upsampledBlocks, x, frames))
    }

    private func lookingAhead(_ x: Tensor, _ padding: SequencePadding) throws -> Tensor {
        let visible = try padding.silenced(x.transposed(1, 2).contiguous())
        let ahead = try lookaheadConvolution(visible.padded([0, configuration.lookahead])).leakyReLU(Self.lookaheadSlope)
        return try smoothing(ahead.padded([2, 0])).transposed(1, 2).contiguous() + x
    }

    private func upsampled(_ x: Tensor) throws -> Tensor {
        let repeated = try x.transposed(1, 2).repeatInterleaved(configuration.stride, axis: 2)
        return try upsampling(repeated.padded([2 * configuration.stride, 0])).transposed(1, 2).contiguous()
    }

    private func run(_ blocks: [ConformerBlock], _ x: Tensor, _ padding: SequencePadding) throws -> Tensor {
        let positions = try relativePositions(count: x.shape[1], size: configuration.size, like: x)
        return try blocks.reduce(x) { try $1($0, positions: positions, padding: padding.hiddenKeys) }
    }

    /// Linear map and normalisation, scaled up to the size that sinusoidal positions expect.
    struct Projection: Sendable {
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
