import Torch

/// Decodes on a card by replaying captured graphs: one launch a token instead of some hundred.
///
/// A step computes every slot, each at a position of its own, and looks at the cache's first positions up to a bucket's
/// end, all told by tensors that stay where they are. There is one graph for each bucket, captured when a sequence first
/// grows into it. Where graphs cannot be captured, as on a CPU, the same step runs operation by operation.
public final class CapturedDecodeEngine: DecodeEngine {
    public var model: T3 { plain.model }
    public var capacity: Int { plain.capacity }

    /// Positions by which a step's view of the cache grows.
    public let bucket: Int

    /// Prefills, and steps of which a recorder wants to be told.
    private let plain: TensorDecodeEngine
    private let slots: Int
    /// What a step reads: `[slots, 1]` tokens, `[slots]` positions in the speech and in the sequence; int64.
    private let tokens, speechPositions, positions: Tensor
    /// What it writes: `[slots, vocabulary]`.
    private let logits: Tensor
    private var graphs: [Int: CapturedGraph] = [:]
    private let captures: Bool
    private var recorded: Set<Int> = []

    /// - Parameters: as of ``TensorDecodeEngine``, and:
    ///   - bucket: positions by which a step's view of the cache grows; small ones look at little that is not there yet, and
    ///     there are more of them to capture.
    public init(_ model: T3, slots: Int = 2, capacity: Int, bucket: Int = 256) throws {
        precondition(bucket > 0, "buckets of at least one position")
        self.bucket = bucket
        plain = try TensorDecodeEngine(model, slots: slots, capacity: capacity, zeroed: true)
        self.slots = slots
        captures = model.device.isCUDA && CapturedGraph.isSupported
        tokens = try .zeros([slots, 1], dtype: .int64, device: model.device)
        speechPositions = try .zeros([slots], dtype: .int64, device: model.device)
        positions = try .zeros([slots], dtype: .int64, device: model.device)
        logits = try .zeros([slots, model.configuration.speechVocabulary], dtype: model.dtype, device: model.device)
    }

    public func reserve(_ count: Int) throws -> Range<Int> { try plain.reserve(count) }

    public func release(_ slots: Range<Int>) {
        plain.release(slots)
        recorded.subtract(slots)
    }

    public func record(_ recorder: AttentionRecorder, slot: Int) {
        plain.record(recorder, slot: slot)
        recorded.insert(slot)
    }

    public func prefill(_ inputs: Tensor, slots: Range<Int>) throws -> Tensor { try plain.prefill(inputs, slots: slots) }

    public func step(_ inputs: [DecodeInput]) throws -> Tensor {
        // A graph tells nobody what it attends to.
        guard recorded.isDisjoint(with: inputs.map(\.slot)) else { return try plain.step(inputs) }
        let next = try plain.cache.advance(inputs.map(\.slot))
        var (tokens, speech) = (Array(repeating: 0, count: slots), Array(repeating: 0, count: slots))
        for input in inputs { (tokens[input.slot], speech[input.slot]) = (input.token, input.position) }
        try self.tokens.assign(Tensor(tokens, shape: [slots, 1]))
        try speechPositions.assign(Tensor(speech))
        // A full slot that takes no part has no next position; what it writes at its last one nobody reads again.
        try positions.assign(Tensor(next.map { min($0, capacity - 1) }))
        let longest = inputs.map { next[$0.slot] }.max()! + 1
        try run(span: min(capacity, (longest + bucket - 1) / bucket * bucket))
        let order = try Tensor(inputs.map(\.slot), device: model.device)
        return try logits.indexSelect(axis: 0, order)
    }

    private func run(span: Int) throws {
        if let graph = graphs[span] { return try graph.replay() }
        try compute(span: span)
        guard captures else { return }
        // The first run has made what libraries make once; capturing writes nothing anew and is replayed from the next step on.
        graphs[span] = try CapturedGraph(on: model.device) { try compute(span: span) }
    }

    private func compute(span: Int) throws {
        var embedded = try model.speechEmbedding(tokens)
        if let table = model.speechPositions { embedded = try embedded + table.rows.indexSelect(axis: 0, speechPositions).unsqueezed(1) }
        let memory = try KeyValueCache.FixedStep(plain.cache, positions: positions, span: span)
        try logits.assign(model.speechHead(model.backbone(embedded, memory: memory).select(axis: 1, 0)))
    }
}
