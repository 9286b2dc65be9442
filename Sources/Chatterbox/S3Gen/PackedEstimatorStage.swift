import Kernels
import Torch

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
