import Kernels
import Torch

/// ``TokenEncoder`` and the projection to mel behind it, on the CPU with packed weights, for one sequence without padding.
struct PackedTokenEncoder: Sendable {
    private let input, upsampledInput: Projection
    private let lookahead, smoothing, upsampling, melProjection: PackedLayer
    private let blocks, upsampledBlocks: [PackedConformerBlock]
    private let configuration: TokenEncoderConfiguration
    private let team: ThreadTeam

    /// - Parameter format: of the blocks' weights and attention; int8 leaves what is before, between and after them in float32,
    ///   less than a tenth of the work.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ encoder: TokenEncoder, melProjection: Linear, format: WeightFormat, team: ThreadTeam) throws {
        let pack = LayerPacking(format: format, team: team), ends = LayerPacking(format: .float32, team: team)
        configuration = encoder.configuration
        self.team = team
        input = try Projection(encoder.input, ends)
        upsampledInput = try Projection(encoder.upsampledInput, ends)
        lookahead = try ends(encoder.lookaheadConvolution, lead: 0)
        smoothing = try ends(encoder.smoothing, in: WayIn(activation: .leakyReLU(slope: TokenEncoder.lookaheadSlope)))
        upsampling = try ends(encoder.upsampling)
        blocks = try encoder.blocks.map { try PackedConformerBlock($0, pack) }
        upsampledBlocks = try encoder.upsampledBlocks.map { try PackedConformerBlock($0, pack) }
        self.melProjection = PackedLayer(try ends(melProjection), in: WayIn(norm: try Norm(encoder.norm)))
    }

    /// `[1, tokens, size]` → mel `[1, stride · tokens, mel]`.
    ///
    /// - Parameter pause: called after each block.
    func callAsFunction(_ embeddings: Tensor, pause: () throws -> Void = {}) throws -> Tensor {
        let tokens = embeddings.size(1), frames = tokens * configuration.stride
        var (x, other) = (try rows(tokens), try rows(tokens))
        try input(embeddings, through: other, into: x, team: team)
        try lookahead(x, into: other)
        try smoothing(other, into: x, residual: x)
        try run(blocks, x, pause)

        let repeated = try x.repeatInterleaved(configuration.stride, axis: 1)
        (x, other) = (try rows(frames), try rows(frames))
        try upsampling(repeated, into: x)
        try upsampledInput(x, through: other, into: x, team: team)
        try run(upsampledBlocks, x, pause)
        let mel = try Tensor.empty([1, frames, melProjection.matrix.outputs])
        try melProjection(x, into: mel)
        return mel
    }

    private func rows(_ count: Int) throws -> Tensor { try .empty([1, count, configuration.size]) }

    /// Changes `x` in place.
    private func run(_ blocks: [PackedConformerBlock], _ x: Tensor, _ pause: () throws -> Void) throws {
        let room = try PackedConformerBlock.Room(configuration, frames: x.size(1))
        let positions = try relativePositions(count: x.size(1), size: configuration.size, like: x)
        for block in blocks {
            try block(x, positions: positions, room)
            try pause()
        }
    }

    /// ``TokenEncoder/Projection`` with packed weights.
    private struct Projection: Sendable {
        let linear: PackedLayer
        /// The scale is the norm's.
        let scaled: WayIn

        init(_ projection: TokenEncoder.Projection, _ pack: LayerPacking) throws {
            let norm = projection.norm
            linear = PackedLayer(try pack(projection.linear))
            scaled = WayIn(norm: try Norm(
                weight: norm.weight * projection.scale, bias: norm.bias * projection.scale, epsilon: norm.epsilon))
        }

        func callAsFunction(_ x: Tensor, through room: Tensor, into output: Tensor, team: ThreadTeam) throws {
            try linear(x, into: room)
            try scaled(room, into: output, team: team)
        }
    }
}

/// ``ConformerBlock`` with packed weights.
struct PackedConformerBlock: Sendable {
    private let queryKeyValue, position, output, expand, contract: PackedLayer
    private let contentBias, positionBias: Tensor
    private let attention: SelfAttention

    /// Room for the activations of a block, `[1, frames, width]` each, and for what it makes of distances.
    struct Room {
        let queryKeyValue, attended, inner, distances: Tensor

        init(_ configuration: TokenEncoderConfiguration, frames: Int) throws {
            let size = configuration.size
            queryKeyValue = try .empty([1, frames, 3 * size])
            attended = try .empty([1, frames, size])
            inner = try .empty([1, frames, configuration.feedForwardSize])
            distances = try .empty([1, 2 * frames - 1, size])
        }
    }

    init(_ block: ConformerBlock, _ pack: LayerPacking) throws {
        let attention = block.attention
        queryKeyValue = PackedLayer(
            try pack(attention.query, attention.key, attention.value), in: WayIn(norm: try Norm(block.attentionNorm)))
        position = PackedLayer(try pack(attention.position))
        output = PackedLayer(try pack(attention.output))
        expand = PackedLayer(try pack(block.expand), in: WayIn(norm: try Norm(block.feedForwardNorm)), activation: .silu)
        contract = PackedLayer(try pack(block.contract))
        contentBias = try attention.contentBias.contiguous()
        positionBias = try attention.positionBias.contiguous()
        let frames = pack.attentionFormat
        self.attention = SelfAttention(
            heads: attention.headCount, headSize: attention.headSize, keys: frames, values: frames, team: pack.team)
    }

    /// Changes `[1, frames, size]` in place.
    ///
    /// - Parameter positions: ``relativePositions(count:size:like:)`` for this number of frames.
    func callAsFunction(_ x: Tensor, positions: Tensor, _ room: Room) throws {
        try position(positions, into: room.distances)
        try queryKeyValue(x, into: room.queryKeyValue)
        try attention(
            room.queryKeyValue, into: room.attended,
            distances: .init(contentBias: contentBias, distanceBias: positionBias, distances: room.distances))
        try output(room.attended, into: x, residual: x)
        try expand(x, into: room.inner)
        try contract(room.inner, into: x, residual: x)
    }
}
