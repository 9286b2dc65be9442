import Kernels
import Torch

/// ``FlowMatching`` on the CPU with packed weights, for utterances without padding.
///
/// Frames are rows throughout, convolutions are products with overlapping rows, normalisations and activations happen on
/// a product's way in or out, and what the estimator makes of the times of all steps is computed once.
struct PackedFlow: Sendable {
    private let exact: FlowMatching
    private let first, last: PackedEstimatorStage
    private let middle: [PackedEstimatorStage]
    private let afterFirst, afterLast, finalBlock, projection: PackedLayer
    private let configuration: FlowConfiguration

    /// - Parameter format: int8 rounds attention as well as weights. What sees the noisy mel and what makes the velocity stays
    ///   in float32: a fiftieth of the work, whose rounding would be a fourth of the error.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ flow: FlowMatching, format: WeightFormat, team: ThreadTeam) throws {
        let estimator = flow.estimator, pack = LayerPacking(format: format, team: team)
        let ends = LayerPacking(format: .float32, team: team)
        exact = flow
        configuration = flow.configuration
        first = try PackedEstimatorStage(estimator.first, pack, entrance: ends)
        middle = try estimator.middle.map { try PackedEstimatorStage($0, pack, entrance: pack) }
        last = try PackedEstimatorStage(estimator.last, pack, entrance: pack)
        afterFirst = try pack(estimator.afterFirst.convolution)
        afterLast = try ends(estimator.afterLast.convolution)
        finalBlock = try ends(estimator.finalBlock.convolution.convolution)
        projection = try ends(
            estimator.projection, in: WayIn(norm: Norm(estimator.finalBlock.norm), activation: .mish))
    }

    /// Noise `[1, mel, frames]` → mel of that shape, in `steps` Euler steps.
    ///
    /// - Parameters:
    ///   - history: where these frames follow others; they are added to it.
    ///   - checkpoint: called before each step; what it throws ends the flow.
    ///   - pause: called after each block of the estimator; what it throws ends the flow.
    func callAsFunction(
        _ noise: Tensor, _ conditions: FlowMatching.Conditions, steps: Int, after history: inout FlowHistory?,
        checkpoint: () throws -> Void, pause: () throws -> Void = {}
    ) throws -> Tensor {
        let estimator = configuration.estimator, mel = configuration.melChannels, frames = noise.size(2)
        let sequences = configuration.guidance != 0 ? 2 : 1
        let times = try exact.schedule(steps)
        let embeddings = try embeddings(of: times, sequences: sequences)
        let room = try EstimatorRoom(estimator, sequences: sequences, frames: frames)

        // The noisy mel in the first columns, then what the estimator is told; nothing, in the second sequence.
        let input = try Tensor.zeros([sequences, frames, 4 * mel])
        let told = try exact.estimator.conditions(
            mean: conditions.mean, speaker: conditions.speaker, prompt: conditions.prompt)
        try input[0].narrow(axis: 1, from: mel, count: 3 * mel).assign(told[0].transposed(0, 1))
        try input.narrow(axis: 2, from: 0, count: mel).assign(noise.transposed(1, 2))
        let velocity = try Tensor.empty([sequences, frames, mel])
        // What the last stage sees: the way through the middle, and the first stage's result, which skips it.
        let joined = try Tensor.empty([sequences, frames, 2 * estimator.channels])
        let hidden = try joined.narrow(axis: 2, from: 0, count: estimator.channels)
        let skip = try joined.narrow(axis: 2, from: estimator.channels, count: estimator.channels)
        func rows() throws -> Tensor { try .empty([sequences, frames, estimator.channels]) }
        var (current, next) = (try rows(), try rows())

        for (step, (start, end)) in zip(times, times.dropFirst()).enumerated() {
            try checkpoint()
            let time = try embeddings[step]
            func estimate(_ recorder: FlowRecorder?) throws {
                try first(input, time: time[0], into: skip, room, recorder, pause)
                try afterFirst.causal(skip, into: middle.isEmpty ? hidden : current, recorder)
                for (number, stage) in middle.enumerated() {
                    try stage(current, time: time[number + 1], into: number == middle.count - 1 ? hidden : next, room, recorder, pause)
                    swap(&current, &next)
                }
                try last(joined, time: time[middle.count + 1], into: current, room, recorder, pause)
                try afterLast.causal(current, into: next, recorder)
                try finalBlock.causal(next, into: current, recorder)
                try projection(current, into: velocity)
            }
            if history == nil { try estimate(nil) } else { try history!.step(step, estimate) }
            try advance(input, by: velocity, Float(end - start))
        }
        return try input[0].narrow(axis: 1, from: 0, count: mel).transposed(0, 1).contiguous().unsqueezed(0)
    }

    /// What each stage's time layer makes of each step's time, `[steps, stages, sequences, channels]`.
    private func embeddings(of times: [Float], sequences: Int) throws -> Tensor {
        let starts = try Tensor(Array(times.dropLast()))
        let ends = configuration.meanFlow ? try Tensor(Array(times.dropFirst())) : nil
        let activated = try exact.estimator.times(starts, end: ends)
        let stages = try ([first] + middle + [last]).map { try $0.time(activated) }
        let all = try Tensor.stack(stages, axis: 1).unsqueezed(2)
        return try all.expanded([all.size(0), all.size(1), sequences, all.size(3)]).contiguous()
    }

    /// Moves the noisy mel of every sequence along the velocity, or beyond it, away from the one without conditions.
    private func advance(_ input: Tensor, by velocity: Tensor, _ time: Float) throws {
        let (sequences, frames, mel) = (velocity.size(0), velocity.size(1), velocity.size(2))
        let width = 4 * mel, guidance = Float(configuration.guidance)
        try velocity.withElements(of: Float.self) { velocity in
            try input.withElements(of: Float.self) { input in
                for frame in 0..<frames {
                    for bin in 0..<mel {
                        var direction = velocity[frame * mel + bin]
                        if sequences == 2 {
                            direction = direction * (1 + guidance) - velocity[(frames + frame) * mel + bin] * guidance
                        }
                        let moved = input[frame * width + bin] + direction * time
                        for sequence in 0..<sequences { input[(sequence * frames + frame) * width + bin] = moved }
                    }
                }
            }
        }
    }
}

/// Room for the activations of a stage, `[sequences, frames, width]` each but the widest, of which some rows are made at a time.
struct EstimatorRoom {
    let channels, otherChannels, queryKeyValue, attended, inner: Tensor

    /// Rows of the widest activations: enough for any number of threads.
    private static let innerRows = 480

    init(_ configuration: FlowEstimatorConfiguration, sequences: Int, frames: Int) throws {
        func rows(_ width: Int) throws -> Tensor { try .empty([sequences, frames, width]) }
        let heads = configuration.headCount * configuration.headSize
        channels = try rows(configuration.channels)
        otherChannels = try rows(configuration.channels)
        queryKeyValue = try rows(3 * heads)
        attended = try rows(heads)
        let count = min(sequences * frames, Self.innerRows)
        inner = try .empty([1, count, configuration.channels * configuration.feedForwardFactor])
    }
}

/// ``EstimatorStage`` with packed weights.
struct PackedEstimatorStage: Sendable {
    private let before, after, shortcut: PackedLayer
    private let activated: WayIn
    /// The exact layer, for the few rows that the times of all steps are.
    let time: Linear
    private let transformers: [PackedEstimatorTransformer]
    private let team: ThreadTeam

    /// - Parameter entrance: what the convolutions that see the stage's input are packed as.
    init(_ stage: EstimatorStage, _ pack: LayerPacking, entrance: LayerPacking) throws {
        team = pack.team
        before = try entrance(stage.before.convolution.convolution)
        after = try pack(
            stage.after.convolution.convolution, in: WayIn(norm: Norm(stage.before.norm), activation: .mish))
        activated = WayIn(norm: try Norm(stage.after.norm), activation: .mish)
        shortcut = try entrance(stage.shortcut)
        time = stage.time
        transformers = try stage.transformers.map { try PackedEstimatorTransformer($0, pack) }
    }

    /// `[sequences, frames, inputs]` → `[sequences, frames, channels]`, into `output`.
    ///
    /// - Parameters:
    ///   - time: what this stage's time layer makes of the time, `[sequences, channels]`.
    ///   - recorder: where the frames follow others.
    ///   - pause: called after the convolutions and after each transformer block.
    func callAsFunction(
        _ x: Tensor, time: Tensor, into output: Tensor, _ room: EstimatorRoom, _ recorder: FlowRecorder?, _ pause: () throws -> Void
    ) throws {
        try before.causal(x, into: room.channels, recorder)
        try after.causal(room.channels, into: room.otherChannels, adding: time, recorder)
        try activated(room.otherChannels, into: room.channels, team: team)
        try shortcut(x, into: output, residual: room.channels)
        try pause()
        for transformer in transformers {
            try transformer(output, room, recorder)
            try pause()
        }
    }
}

extension PackedLayer {
    /// A causal convolution of frames that follow others, where there is a recorder.
    func causal(_ x: Tensor, into output: Tensor, adding added: Tensor? = nil, residual: Tensor? = nil, _ recorder: FlowRecorder?) throws {
        let reach = matrix.taps - 1
        guard let recorder, let before = recorder.frames(before: try x.narrow(axis: 1, from: x.size(1) - reach, count: reach).clone()) else {
            return try self(x, into: output, adding: added, residual: residual)
        }
        try self(Tensor.cat([before, x], axis: 1), into: output, adding: added, residual: residual, lead: 0)
    }
}

/// ``EstimatorTransformer`` with packed weights.
struct PackedEstimatorTransformer: Sendable {
    private let queryKeyValue, output, expand, contract: PackedLayer
    private let attention: SelfAttention

    init(_ block: EstimatorTransformer, _ pack: LayerPacking) throws {
        queryKeyValue = PackedLayer(try pack(block.query, block.key, block.value), in: WayIn(norm: try Norm(block.attentionNorm)))
        let frames = pack.attentionFormat
        attention = SelfAttention(heads: block.headCount, headSize: block.headSize, keys: frames, values: frames, team: pack.team)
        output = PackedLayer(try pack(block.output))
        expand = PackedLayer(try pack(block.expand), in: WayIn(norm: try Norm(block.feedForwardNorm)), activation: .gelu)
        contract = PackedLayer(try pack(block.contract))
    }

    /// Changes `[sequences, frames, channels]` in place.
    ///
    /// - Parameter recorder: where the frames follow others.
    func callAsFunction(_ x: Tensor, _ room: EstimatorRoom, _ recorder: FlowRecorder?) throws {
        try queryKeyValue(x, into: room.queryKeyValue)
        if let recorder {
            try recorder.attend { before in
                .packed(try attention.keeping(room.queryKeyValue, after: before.map(\.rows), into: room.attended))
            }
        } else {
            try attention(room.queryKeyValue, into: room.attended)
        }
        try output(room.attended, into: x, residual: x)
        let all = try x.viewed([1, x.size(0) * x.size(1), x.size(2)]), count = all.size(1)
        for start in stride(from: 0, to: count, by: room.inner.size(1)) {
            let rows = try all.narrow(axis: 1, from: start, count: min(room.inner.size(1), count - start))
            let inner = try room.inner.narrow(axis: 1, from: 0, count: rows.size(1))
            try expand(rows, into: inner)
            try contract(inner, into: rows, residual: rows)
        }
    }
}

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

/// What the layers of a network of S3Gen are packed as.
struct LayerPacking {
    /// Of the matrices of transformer blocks and of convolutions.
    let format: WeightFormat
    let team: ThreadTeam

    /// Of keys and values: frames are no weights, 8 bits are the least that they are rounded to.
    var attentionFormat: WeightFormat { format == .int4 ? .int8 : format }

    func callAsFunction(_ layers: Linear...) throws -> PackedMatrix {
        try PackedMatrix(layers.map { .init($0) }, format: format, team: team)
    }

    func callAsFunction(_ layers: Projection...) throws -> PackedMatrix {
        try PackedMatrix(layers.map(\.source), format: format, team: team)
    }

    /// A convolution over a frame and those before it; with a `lead` of 0 over those after it.
    func callAsFunction(_ convolution: Conv1d, in wayIn: WayIn = .plain, lead: Int? = nil) throws -> PackedLayer {
        let winograd = format == .float32 && convolution.weight.size(2) >= 3
        let matrix = try PackedMatrix([.init(convolution)], format: format, winograd: winograd, team: team)
        return PackedLayer(matrix, in: wayIn, convolution: .init(lead: lead ?? matrix.taps - 1))
    }
}
