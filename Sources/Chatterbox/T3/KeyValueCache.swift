import Torch

/// Keys and values of every layer for a fixed number of sequences, allocated once and written in place.
///
/// A slot holds one sequence; guidance takes two. Sequences of one batch may be at different positions. The memory is
/// `2 × layers × slots × capacity × hidden` numbers, touched as sequences grow. Not for concurrent use.
public final class KeyValueCache {
    /// Positions of the longest sequence.
    public let capacity: Int
    /// Number of sequences side by side.
    public let slots: Int
    private let table: SlotTable
    /// `[slots, heads, capacity, head]` for each layer.
    fileprivate let keys, values: [Tensor]

    /// - Parameters:
    ///   - layers: of the backbone.
    ///   - heads: attention heads of a layer.
    ///   - headSize: numbers of a key or a value in one head.
    ///   - slots: number of sequences.
    ///   - capacity: longest sequence.
    ///   - dtype: of keys and values.
    ///   - device: where they lie.
    ///   - zeroed: whether memory is zero until it is written: what it held before may contain NaN.
    public init(
        layers: Int, heads: Int, headSize: Int, slots: Int, capacity: Int, dtype: DType = .float32,
        device: Device = .cpu, zeroed: Bool = false
    ) throws {
        let shape = [slots, heads, capacity, headSize]
        func memory() throws -> Tensor {
            zeroed ? try .zeros(shape, dtype: dtype, device: device) : try .empty(shape, dtype: dtype, device: device)
        }
        keys = try (0..<layers).map { _ in try memory() }
        values = try (0..<layers).map { _ in try memory() }
        (self.slots, self.capacity) = (slots, capacity)
        table = SlotTable(count: slots)
    }

    /// A sequence in a slot of its own, which is free again when nobody has the sequence any more.
    public final class Sequence: DecodeSequence {
        let slot: Int
        private let table: SlotTable

        fileprivate init(_ slot: Int, _ table: SlotTable) {
            (self.slot, self.table) = (slot, table)
        }

        deinit { table.release(slot) }
    }

    /// An empty sequence.
    ///
    /// - Throws: `T3Error.noFreeSlots`.
    public func begin() throws -> Sequence { Sequence(try table.reserve(), table) }

    /// Lets a backbone run over `count` new positions of each sequence, and counts them as written when it succeeds.
    ///
    /// - Parameters:
    ///   - sequences: of this cache, one for each row of the batch.
    ///   - count: new positions of each sequence.
    ///   - recorders: for each row, who records what its last new position attends to; none where there are none at all.
    ///   - run: runs the backbone, with the memory that its layers attend to.
    /// - Throws: `T3Error.sequenceTooLong` when a sequence would exceed the capacity.
    public func extend<Result>(
        _ sequences: [Sequence], by count: Int, recorders: [AttentionRecorder?] = [], _ run: (Extension) throws -> Result
    ) throws -> Result {
        for sequence in sequences where sequence.length + count > capacity {
            throw T3Error.sequenceTooLong(positions: sequence.length + count, limit: capacity)
        }
        let result = try run(Extension(cache: self, sequences: sequences, count: count, recorders: recorders))
        for sequence in sequences { sequence.length += count }
        return result
    }

    /// New positions at the ends of some slots.
    public struct Extension: AttentionMemory {
        public let firstPositions: [Int]
        private let cache: KeyValueCache
        private let runs: [Run]
        private let count: Int
        private let recorders: [AttentionRecorder?]

        /// Rows of the batch that are neighbours in the cache and equally long, so that views of it serve them as they are.
        private struct Run {
            let firstRow, firstSlot, length: Int
            var rows = 1
        }

        fileprivate init(cache: KeyValueCache, sequences: [Sequence], count: Int, recorders: [AttentionRecorder?]) {
            self.cache = cache
            self.count = count
            self.recorders = recorders
            firstPositions = sequences.map(\.length)
            var runs: [Run] = []
            for (row, sequence) in sequences.enumerated() {
                if let last = runs.last, last.firstSlot + last.rows == sequence.slot, last.length == sequence.length {
                    runs[runs.count - 1].rows += 1
                } else {
                    runs.append(Run(firstRow: row, firstSlot: sequence.slot, length: sequence.length))
                }
            }
            self.runs = runs
        }

        public func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
            if runs.count == 1 { return try attend(runs[0], layer: layer, query: query, key: key, value: value) }
            return try Tensor.cat(
                runs.map { run in
                    func rows(_ x: Tensor) throws -> Tensor { try x.narrow(axis: 0, from: run.firstRow, count: run.rows) }
                    return try attend(run, layer: layer, query: rows(query), key: rows(key), value: rows(value))
                })
        }

        private func attend(_ run: Run, layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
            func remember(_ new: Tensor, in store: Tensor) throws -> Tensor {
                let slots = try store.narrow(axis: 0, from: run.firstSlot, count: run.rows)
                try slots.narrow(axis: 2, from: run.length, count: count).assign(new)
                return try slots.narrow(axis: 2, from: 0, count: run.length + count)
            }
            let keys = try remember(key, in: cache.keys[layer])
            let values = try remember(value, in: cache.values[layer])
            for row in 0..<run.rows where !recorders.isEmpty {
                try recorders[run.firstRow + row]?.read(layer: layer, query: query[row].select(axis: 1, count - 1), keys: keys[row])
            }
            if count == 1 || run.length == 0 {
                return try query.attention(key: keys, value: values, causal: count > 1)
            }
            let visible = try Tensor.ones([count, run.length + count], dtype: .bool, device: query.device).tril(run.length)
            return try query.attention(key: keys, value: values, mask: visible)
        }
    }

    // MARK: steps of one shape

    /// One new position in each of the first slots, read from tensors: the same operations on the same memory whatever the
    /// positions are, as a captured graph needs them.
    ///
    /// A slot that takes no part writes as well, where its own next position will: what it leaves there is overwritten
    /// before anything looks at it.
    struct FixedStep: AttentionMemory {
        let firstPositions: [Int] = []
        let positions: Tensor?
        private let cache: KeyValueCache
        private let span: Int
        /// `[slots, 1]` and `[1, heads]`: together with the positions, where each head's key goes.
        private let slots, heads: Tensor
        /// `[slots, 1, 1, span]`, true where a slot's input may look.
        private let visible: Tensor
        private let recording: Recording?

        /// Where some heads' attention goes, `[heads, slots, positions]`, float32.
        struct Recording {
            let heads: [AttentionHead]
            let weights: Tensor
        }

        /// - Parameters:
        ///   - positions: of the first slots, `[slots]`, int64.
        ///   - span: the cache's first positions, beyond which no slot looks.
        ///   - recording: whose attention is written down; nil for nobody's.
        init(_ cache: KeyValueCache, positions: Tensor, span: Int, recording: Recording? = nil) throws {
            let (count, heads, device) = (positions.size(0), cache.keys[0].size(1), positions.device)
            (self.cache, self.positions, self.span, self.recording) = (cache, positions, span, recording)
            slots = try Tensor.arange(count, device: device).unsqueezed(1)
            self.heads = try Tensor.arange(heads, device: device).unsqueezed(0)
            let last = try positions.viewed([count, 1, 1, 1])
            visible = try Tensor.arange(span, device: device).viewed([1, 1, 1, span]).lessOrEqual(to: last)
        }

        func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
            let places = [slots, heads, try positions!.unsqueezed(1)]
            func remember(_ new: Tensor, in store: Tensor) throws -> Tensor {
                try store.put(new.squeezed(2), at: places)
                return try store.narrow(axis: 0, from: 0, count: slots.size(0)).narrow(axis: 2, from: 0, count: span)
            }
            let (keys, values) = (try remember(key, in: cache.keys[layer]), try remember(value, in: cache.values[layer]))
            try record(layer: layer, query: query, keys: keys)
            return try query.attention(key: keys, value: values, mask: visible)
        }

        private func record(layer: Int, query: Tensor, keys: Tensor) throws {
            guard let recording else { return }
            let count = slots.size(0)
            for (index, head) in recording.heads.enumerated() where head.layer == layer {
                let scores = try query.select(axis: 1, head.head).matmul(keys.select(axis: 1, head.head).transposed(1, 2))
                let hidden = try visible.viewed([count, 1, span]).logicalNot()
                let weights = try (scores.to(.float32) / Double(query.size(3)).squareRoot()).maskedFill(hidden, -.infinity).softmax(axis: -1)
                try recording.weights.select(axis: 0, index).narrow(axis: 0, from: 0, count: count).narrow(axis: 1, from: 0, count: span)
                    .assign(weights.squeezed(1))
            }
        }
    }
}
