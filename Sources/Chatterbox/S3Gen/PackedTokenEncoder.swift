import Kernels
import Torch

/// ``TokenEncoder`` and the projection to mel behind it, on the CPU with packed weights, for one sequence without padding.
struct PackedTokenEncoder: Sendable {
    private let input, upsampledInput: ScaledProjection
    private let lookahead, smoothing, upsampling, melProjection: PackedLayer
    private let blocks, upsampledBlocks: [PackedConformerBlock]
    private let configuration: TokenEncoderConfiguration
    private let team: ThreadTeam

    /// - Parameter format: of the blocks' weights and attention; int8 leaves what is before, between and after them in float32,
    ///   less than a tenth of the work.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ encoder: TokenEncoder, melProjection: Projection, format: WeightFormat, team: ThreadTeam) throws {
        let pack = LayerPacking(format: format, team: team), ends = LayerPacking(format: .float32, team: team)
        configuration = encoder.configuration
        self.team = team
        input = try ScaledProjection(encoder.input, ends)
        upsampledInput = try ScaledProjection(encoder.upsampledInput, ends)
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
        var history: FlowHistory?
        return try self(embeddings, ahead: 0, after: &history, pause: pause)
    }

    /// The same for tokens that follow others.
    ///
    /// - Parameters:
    ///   - ahead: how many of the last tokens are there to be looked ahead to alone.
    ///   - history: tokens that these follow; these are not added to its count.
    ///   - pause: called after each block.
    func callAsFunction(
        _ embeddings: Tensor, ahead: Int, after history: inout FlowHistory?, pause: () throws -> Void
    ) throws -> Tensor {
        let (stretches, start) = (history?.stretches ?? [], history?.end ?? 0)
        func mel(_ recorder: FlowRecorder?) throws -> Tensor {
            try self.mel(embeddings, ahead: ahead, after: stretches, from: start, recorder, pause)
        }
        return try history?.step(0, mel) ?? mel(nil)
    }

    private func mel(
        _ embeddings: Tensor, ahead: Int, after stretches: [Range<Int>], from start: Int, _ recorder: FlowRecorder?, _ pause: () throws -> Void
    ) throws -> Tensor {
        let all = embeddings.size(1), tokens = all - ahead, frames = tokens * configuration.stride
        let (looking, room, seen) = (try rows(all), try rows(all), try rows(tokens))
        try input(embeddings, through: room, into: looking, team: team)
        try lookahead(looking, into: seen)
        var x = try rows(tokens)
        try smoothing.causal(seen, into: x, residual: looking.narrow(axis: 1, from: 0, count: tokens), recorder)
        try run(blocks, x, from: start, after: stretches, recorder, pause)

        let repeated = try x.repeatInterleaved(configuration.stride, axis: 1)
        x = try rows(frames)
        let other = try rows(frames)
        try upsampling.causal(repeated, into: x, recorder)
        try upsampledInput(x, through: other, into: x, team: team)
        try run(
            upsampledBlocks, x, from: start * configuration.stride, after: stretches.map(configuration.frames(of:)), recorder, pause)
        let mel = try Tensor.empty([1, frames, melProjection.matrix.outputs])
        try melProjection(x, into: mel)
        return mel
    }

    private func rows(_ count: Int) throws -> Tensor { try .empty([1, count, configuration.size]) }

    /// Changes `x` in place.
    private func run(
        _ blocks: [PackedConformerBlock], _ x: Tensor, from start: Int, after stretches: [Range<Int>], _ recorder: FlowRecorder?,
        _ pause: () throws -> Void
    ) throws {
        let positions = try RelativePositions(count: x.size(1), from: start, after: stretches, size: configuration.size, like: x)
        let room = try PackedConformerBlock.Room(configuration, frames: x.size(1), distances: positions.waves.size(1))
        for block in blocks {
            try block(x, positions: positions, room, recorder)
            try pause()
        }
    }

    /// ``TokenEncoder/ScaledProjection`` with packed weights.
    private struct ScaledProjection: Sendable {
        let linear: PackedLayer
        /// The scale is the norm's.
        let scaled: WayIn

        init(_ projection: TokenEncoder.ScaledProjection, _ pack: LayerPacking) throws {
            let norm = projection.norm
            linear = PackedLayer(try pack(projection.linear))
            scaled = WayIn(
                norm: try Norm(
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

        init(_ configuration: TokenEncoderConfiguration, frames: Int, distances count: Int) throws {
            let size = configuration.size
            queryKeyValue = try .empty([1, frames, 3 * size])
            attended = try .empty([1, frames, size])
            inner = try .empty([1, frames, configuration.feedForwardSize])
            distances = try .empty([1, count, size])
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
    /// - Parameters:
    ///   - positions: of these frames, and of the stretches that they follow.
    ///   - recorder: where these frames follow others.
    func callAsFunction(_ x: Tensor, positions: RelativePositions, _ room: Room, _ recorder: FlowRecorder?) throws {
        try position(positions.waves, into: room.distances)
        try queryKeyValue(x, into: room.queryKeyValue)
        let distances = SelfAttention.Distances(
            contentBias: contentBias, distanceBias: positionBias, distances: try positions.own(room.distances),
            before: try positions.before(room.distances))
        if let recorder {
            try recorder.attend { before in
                .packed(try attention.keeping(room.queryKeyValue, after: before.map(\.rows), into: room.attended, distances: distances))
            }
        } else {
            try attention(room.queryKeyValue, into: room.attended, distances: distances)
        }
        try output(room.attended, into: x, residual: x)
        try expand(x, into: room.inner)
        try contract(room.inner, into: x, residual: x)
    }
}
