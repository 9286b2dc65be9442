import Kernels
import Torch

/// Decodes on the CPU through kernels of our own: one call a token, one read of the packed weights for all requests.
///
/// In float32 the logits are those of ``TensorDecodeEngine`` within 1e-4; what rounding to 8 or 4 bits costs, the
/// documentation's page on performance tells. A request's logits do not depend on what else is decoded with it, nor on
/// the number of threads.
public final class PackedDecodeEngine: DecodeEngine {
    public let packed: PackedT3
    private let decoder: TransformerDecoder
    private var table: SlotTable
    private var recorders: [Int: AttentionRecorder] = [:]
    /// `[rows, hidden]`
    private let inputs: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - slots: rows decoded at once; a request takes two, without guidance one.
    ///   - capacity: longest sequence of conditions, text and speech; where the network has rotations for fewer positions,
    ///     as many as those. Keys and values of the full model take 240 KiB for each position of each slot, half of that with
    ///     rounded weights, touched as they are written.
    ///   - rows: most positions that go through the network at once: enough to use it well, few enough that their
    ///     activations stay near the processor.
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    public init(_ packed: PackedT3, slots: Int = 2, capacity: Int, rows: Int = 256) throws {
        self.packed = packed
        let rows = max(rows, slots), capacity = min(capacity, packed.transformer.longestSequence ?? capacity)
        decoder = try TransformerDecoder(
            packed.transformer, slots: slots, capacity: capacity, rows: rows, half: packed.format != .float32)
        table = SlotTable(count: slots, capacity: capacity)
        inputs = .allocate(capacity: rows * packed.transformer.shape.hidden)
    }

    deinit { inputs.deallocate() }

    public var model: T3 { packed.model }
    public var capacity: Int { table.capacity }
    public var team: ThreadTeam? { packed.transformer.team }

    public func reserve(_ count: Int) throws -> Range<Int> { try table.reserve(count) }

    public func release(_ slots: Range<Int>) {
        table.release(slots)
        for slot in slots { recorders[slot] = nil }
    }

    public func record(_ recorder: AttentionRecorder, slot: Int) { recorders[slot] = recorder }

    public func prefill(_ inputs: Tensor, slots: Range<Int>) throws -> Tensor {
        let time = inputs.size(1), hidden = packed.transformer.shape.hidden
        precondition(!slots.isEmpty && inputs.shape == [slots.count, time, hidden], "a vector for each position of each slot")
        let chunk = self.inputs.count / hidden / slots.count
        try table.checkRoom(for: time, in: slots)
        let inputs = try inputs.to(.float32).contiguous()
        let logits = try Tensor.empty([slots.count, packed.transformer.vocabulary])
        for start in stride(from: 0, to: time, by: chunk) {
            let count = min(chunk, time - start)
            try gather(inputs, from: start, count: count, slots: slots)
            let rows = slots.flatMap { slot in
                (0..<count).map { TransformerDecoder.Row(slot: slot, position: table.lengths[slot] + $0) }
            }
            let isLast = start + count == time
            try run(rows, wanted: isLast ? (1...slots.count).map { $0 * count - 1 } : [], logits: logits)
            table.extend(slots, by: count)
        }
        return logits
    }

    public func step(_ inputs: [DecodeInput]) throws -> Tensor {
        let slots = inputs.map(\.slot)
        // So there are no more inputs than slots, and no more than rows.
        precondition(Set(slots).count == slots.count, "one input for each slot")
        try table.checkRoom(for: 1, in: slots)
        try gather(inputs)
        let logits = try Tensor.empty([inputs.count, packed.transformer.vocabulary])
        try run(slots.map { .init(slot: $0, position: table.lengths[$0]) }, wanted: inputs.indices, logits: logits)
        table.extend(slots, by: 1)
        return logits
    }

    private func run(_ rows: [TransformerDecoder.Row], wanted: some Collection<Int>, logits: Tensor) throws {
        let inputs = UnsafeBufferPointer(rebasing: inputs[..<(rows.count * packed.transformer.shape.hidden)])
        try logits.withElements(of: Float.self) { all in
            let logits = UnsafeMutableBufferPointer(rebasing: all[..<(wanted.count * packed.transformer.vocabulary)])
            decoder.run(
                rows, inputs: inputs, wanted: wanted, logits: logits,
                records: recorders.isEmpty ? [] : wanted.flatMap { recorders[rows[$0].slot]?.records(row: $0) ?? [] })
        }
        for row in wanted { recorders[rows[row].slot]?.keep() }
    }

    /// Brings embedded inputs `[slots, time, hidden]` of some times together, slot by slot, each with its position.
    private func gather(_ embedded: Tensor, from start: Int, count: Int, slots: Range<Int>) throws {
        let (time, hidden) = (embedded.size(1), packed.transformer.shape.hidden)
        try embedded.withElements(of: Float.self) { source in
            for sequence in 0..<slots.count {
                let from = (sequence * time + start) * hidden
                _ = UnsafeMutableBufferPointer(rebasing: inputs[(sequence * count * hidden)...])
                    .update(fromContentsOf: source[from..<from + count * hidden])
            }
        }
        for (sequence, slot) in slots.enumerated() {
            for index in 0..<count { try packed.positions?.add(table.lengths[slot] + index, to: row(sequence * count + index)) }
        }
    }

    /// Embeds tokens, each at its position in the speech and in the sequence.
    private func gather(_ tokens: [DecodeInput]) throws {
        for (index, input) in tokens.enumerated() {
            let target = row(index), vocabulary = model.configuration.speechVocabulary
            let hidden = target.count
            guard 0..<vocabulary ~= input.token else { throw T3Error.unknownToken(input.token, of: "speech", vocabulary: vocabulary) }
            try model.speechEmbedding.weight.withElements(of: Float.self) {
                _ = target.update(fromContentsOf: $0[input.token * hidden..<(input.token + 1) * hidden])
            }
            try model.speechPositions?.add(input.position, to: target)
            try packed.positions?.add(table.lengths[input.slot], to: target)
        }
    }

    private func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        let hidden = packed.transformer.shape.hidden
        return UnsafeMutableBufferPointer(rebasing: inputs[index * hidden..<(index + 1) * hidden])
    }
}

extension AttentionRecorder {
    /// What to ask of one of a call's rows.
    fileprivate func records(row: Int) -> [TransformerDecoder.Record] {
        heads.enumerated().map { index, head in
            TransformerDecoder.Record(layer: head.layer, head: head.head, row: row, first: positions.lowerBound, weights: room(of: index))
        }
    }
}

extension PositionTable {
    /// Adds a position's row to an input.
    ///
    /// - Throws: `T3Error.sequenceTooLong` outside the table.
    fileprivate func add(_ position: Int, to input: UnsafeMutableBufferPointer<Float>) throws {
        guard 0..<count ~= position else { throw T3Error.sequenceTooLong(positions: position + 1, limit: count) }
        try rows.withElements(of: Float.self) { rows in
            let start = position * input.count
            for index in input.indices { input[index] += rows[start + index] }
        }
    }
}
