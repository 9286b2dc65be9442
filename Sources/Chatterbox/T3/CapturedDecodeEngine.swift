import Kernels
import Torch

/// Decodes on a GPU by replaying captured graphs: one launch for each token instead of several hundred.
///
/// A captured step computes the first slots of the cache, a power of two of them, each at its own position, and attends to the cache's first
/// positions up to the end of a bucket. Its inputs are read from tensors with fixed addresses, and recorded attention is written to another. There is
/// one graph for each number of slots and each bucket, with and without recording, captured when it is first needed or by `warm(slots:pause:)`. Where
/// graphs cannot be captured, as on a CPU, the same step runs operation by operation.
package final class CapturedDecodeEngine: DecodeEngine {
    package var model: T3 { plain.model }
    package var capacity: Int { plain.capacity }
    package var rows: Int { plain.rows }

    /// The number of positions by which the span of a step grows.
    package let bucket: Int

    /// Computes embedded inputs.
    private let plain: TensorDecodeEngine
    private let slots: Int
    /// The inputs of a step, `[3, slots]` int64: tokens, positions in the speech and in the sequence. They are copied to the device together.
    private let inputs: Tensor
    /// The result of a step: `[slots, vocabulary]`.
    private let logits: Tensor
    private var graphs: [Shape: CapturedGraph] = [:]
    /// Where steps write the attention of recorded heads, `[heads, slots, capacity]`.
    private var attention: [[AttentionHead]: Tensor] = [:]
    private let captures: Bool
    /// The number of positions of each slot's last sequence after the last call: where a step may write for slots that take no part.
    private var lengths: [Int]

    /// What distinguishes captured steps.
    private struct Shape: Hashable {
        let slots, span: Int
        /// The recorded heads.
        var heads: [AttentionHead] = []
    }

    /// - Parameters:
    ///   - model: the T3; graphs are captured if it is on a GPU.
    ///   - slots: the number of sequences; a guided request takes two, others one.
    ///   - capacity: the length of the longest sequence of conditions, text and speech.
    ///   - bucket: the number of positions by which the span of a step grows; with small buckets steps attend to fewer unused positions, but more
    ///     graphs have to be captured.
    package init(_ model: T3, slots: Int = 2, capacity: Int, bucket: Int = 256) throws {
        precondition(bucket > 0, "buckets of at least one position")
        self.bucket = bucket
        plain = try TensorDecodeEngine(model, slots: slots, capacity: capacity, zeroed: true)
        self.slots = slots
        captures = model.device.isCUDA && CapturedGraph.isSupported
        inputs = try .zeros([3, slots], dtype: .int64, device: model.device)
        logits = try .zeros([slots, model.configuration.speechVocabulary], dtype: model.dtype, device: model.device)
        lengths = Array(repeating: 0, count: slots)
    }

    package func begin(with adaptation: PackedAdaptation?) throws -> DecodeSequence { try plain.begin(with: adaptation) }

    package func forward(_ stretches: [DecodeStretch]) throws -> Tensor {
        try checkRoom(for: stretches)
        defer {
            for stretch in stretches {
                let sequence = stretch.sequence as! KeyValueCache.Sequence
                lengths[sequence.slot] = sequence.length
            }
        }
        // A step takes only tokens, and records the same heads for all sequences that record: those of the model.
        let heads = stretches.lazy.compactMap(\.sequence.recorder).first?.heads ?? []
        let replayed = stretches.indices.filter { index in
            guard case .token = stretches[index].input else { return false }
            return stretches[index].isWanted && stretches[index].sequence.recorder.map { $0.heads == heads } ?? true
        }
        guard !replayed.isEmpty else { return try plain.forward(stretches) }
        let others = stretches.indices.filter { !replayed.contains($0) }
        let stepped = try step(replayed.map { stretches[$0] })
        guard !others.isEmpty else { return try Tensor.cat(stepped) }
        let computed = try plain.forward(others.map { stretches[$0] })
        var rows = Dictionary(uniqueKeysWithValues: zip(replayed, stepped))
        for (row, index) in others.filter({ stretches[$0].isWanted }).enumerated() {
            rows[index] = try computed.narrow(axis: 0, from: row, count: 1)
        }
        return try Tensor.cat(stretches.indices.compactMap { rows[$0] })
    }

    /// The logits `[1, vocabulary]` of each stretch, which consists of one token.
    private func step(_ stretches: [DecodeStretch]) throws -> [Tensor] {
        var (tokens, speech) = (Array(repeating: 0, count: slots), Array(repeating: 0, count: slots))
        // A full slot that takes no part has no next position; the value that the step writes at its last position is not read again.
        var positions = lengths.map { min($0, capacity - 1) }
        let sequences = stretches.map { $0.sequence as! KeyValueCache.Sequence }
        for (stretch, sequence) in zip(stretches, sequences) {
            guard case .token(let token, let position) = stretch.input else { preconditionFailure("a token") }
            (tokens[sequence.slot], speech[sequence.slot], positions[sequence.slot]) = (token, position, sequence.length)
        }
        try inputs.assign(Tensor(tokens + speech + positions, shape: [3, slots]))
        let longest = sequences.map(\.length).max()! + 1
        let recorded = sequences.filter { $0.recorder != nil }, heads = recorded.first?.recorder?.heads ?? []
        try run(Shape(slots: stepSlots(sequences.map(\.slot).max()! + 1), span: span(longest), heads: heads))
        for sequence in sequences { sequence.length += 1 }
        for sequence in recorded {
            try sequence.recorder!.read(attention[heads]!.select(axis: 1, sequence.slot))
            sequence.recorder!.keep()
        }
        // The next step overwrites the logits.
        let found = try logits.indexSelect(axis: 0, Tensor(sequences.map(\.slot), device: model.device))
        return try sequences.indices.map { try found.narrow(axis: 0, from: $0, count: 1) }
    }

    /// Captures the steps of one request in advance, so that the first request does not wait for them. There must be no open sequence.
    ///
    /// - Parameters:
    ///   - slots: the number of slots that a request takes.
    ///   - pause: called after each capture.
    func warm(slots: Int, pause: () throws -> Void = {}) throws {
        for end in stride(from: bucket, to: capacity + bucket, by: bucket) {
            try run(Shape(slots: stepSlots(slots), span: span(end)))
            try pause()
        }
    }

    private func stepSlots(_ count: Int) -> Int {
        var slots = 1
        while slots < count { slots *= 2 }
        return min(slots, self.slots)
    }

    private func span(_ length: Int) -> Int { min(capacity, (length + bucket - 1) / bucket * bucket) }

    private func run(_ shape: Shape) throws {
        if let graph = graphs[shape] { return try graph.replay() }
        try compute(shape)
        guard captures else { return }
        // The first run has created what the libraries create once; capturing executes nothing, and the graph is replayed from the next step on.
        graphs[shape] = try CapturedGraph(on: model.device) { try compute(shape) }
    }

    private func recording(of heads: [AttentionHead]) throws -> KeyValueCache.FixedStep.Recording? {
        if heads.isEmpty { return nil }
        let weights = try attention[heads] ?? .zeros([heads.count, slots, capacity], device: model.device)
        attention[heads] = weights
        return .init(heads: heads, weights: weights)
    }

    private func compute(_ shape: Shape) throws {
        func input(_ row: Int) throws -> Tensor { try inputs.select(axis: 0, row).narrow(axis: 0, from: 0, count: shape.slots) }
        var embedded = try model.speechEmbedding(input(0).unsqueezed(1))
        if let table = model.speechPositions { embedded = try embedded + table.rows.indexSelect(axis: 0, input(1)).unsqueezed(1) }
        let memory = try KeyValueCache.FixedStep(
            plain.cache, positions: input(2), span: shape.span, recording: recording(of: shape.heads))
        let hidden = try model.backbone(embedded, memory: memory).select(axis: 1, 0)
        try logits.narrow(axis: 0, from: 0, count: shape.slots).assign(model.speechHead(hidden))
    }
}
