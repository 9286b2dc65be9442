import Kernels
import Torch

/// A causal transformer over embedded inputs: the part of T3 that is either Llama or GPT-2.
package protocol Backbone: Sendable {
    /// Number of layers, each with keys and values of its own.
    var layerCount: Int { get }
    /// Number of attention heads of a layer.
    var headCount: Int { get }
    /// Width of a head.
    var headSize: Int { get }

    /// Hidden states of new positions, each of which attends to those before it.
    ///
    /// - Parameters:
    ///   - inputs: embedded inputs `[batch, time, hidden]`.
    ///   - memory: keys and values of the preceding positions, to which the new ones are added; `WholeSequence` if there are none and none are to be
    ///     stored.
    /// - Returns: `[batch, time, hidden]` after the last normalisation.
    func callAsFunction(_ inputs: Tensor, memory: some AttentionMemory) throws -> Tensor
}

/// A backbone that can run some of its layers, so that training need not keep the activations of all layers at the same time.
protocol LayeredBackbone: Backbone {
    /// `[batch, time, hidden]` through some layers; the first layer adds positions if the backbone adds them to its inputs.
    func callAsFunction(_ inputs: Tensor, layers: Range<Int>, memory: some AttentionMemory) throws -> Tensor

    /// The last normalisation.
    func normalised(_ hidden: Tensor) throws -> Tensor
}

extension LayeredBackbone {
    package func callAsFunction(_ inputs: Tensor, memory: some AttentionMemory) throws -> Tensor {
        try normalised(self(inputs, layers: 0..<layerCount, memory: memory))
    }
}

/// The properties of a backbone's sizes that are used outside of the backbone's own file.
protocol BackboneSizes: Sendable {
    var hiddenSize: Int { get }
    var layers: Int { get }
    var heads: Int { get }
    /// The number of weights in one layer's products.
    var layerWeights: Int { get }
    /// The number of positions of the longest sequence; nil for no limit.
    var longestSequence: Int? { get }
    /// Whether the head for the speech tokens' logits has a bias.
    var hasSpeechHeadBias: Bool { get }
    /// The decoding style of upstream's models with this backbone.
    var upstreamStyle: DecodingStyle { get }
    /// Numbers for which only some values are possible, with names and ranges.
    var checkedNumbers: [(name: String, value: Double, range: ClosedRange<Double>)] { get }

    /// - Parameter positions: the length of the longest sequence that is used.
    /// - Throws: an error of `Weights`, ``T3Error/unevenHeads(hiddenSize:heads:)``.
    func makeBackbone(_ weights: Weights, positions: Int) throws -> any Backbone
}

/// A backbone for which there are packed kernels.
protocol PackableBackbone: Backbone {
    /// The table of positions that are added to the inputs; nil if positions rotate queries and keys instead.
    var inputPositions: PositionTable? { get }

    /// - Parameters:
    ///   - pack: packs several layers into one matrix; `gated` interleaves the first with the second.
    ///   - afterLayer: called when a layer has been packed and its float32 weights are no longer needed.
    func packed(
        head: PackedMatrix, team: ThreadTeam, pack: (_ layers: [Projection], _ gated: Bool) throws -> PackedMatrix, afterLayer: () -> Void
    ) throws -> PackedTransformer

    /// The position of each linear layer in the packed products.
    var packedPlaces: [PackedPlace] { get }
}

/// The position of a linear layer in the packed products of a transformer.
struct PackedPlace {
    let projection: Projection
    /// The number of the transformer's layer.
    let layer: Int
    let product: PackedAdaptation.Product
    /// The index of the product's output that is the layer's first.
    let first: Int

    init(_ projection: Projection, _ layer: Int, _ product: PackedAdaptation.Product, first: Int = 0) {
        (self.projection, self.layer, self.product, self.first) = (projection, layer, product, first)
    }
}

/// The keys and values to which the queries of a batch may attend, besides and including their own.
package protocol AttentionMemory {
    /// The position of each row's first input; a single number applies to all rows.
    var firstPositions: [Int] { get }
    /// The position of each row's single new input, `[batch]`, if it is in a tensor instead of ``firstPositions``, so that operations captured once
    /// can be used for every step.
    var positions: Tensor? { get }

    /// Scaled dot-product attention in one layer.
    ///
    /// - Parameters:
    ///   - layer: the layer's number, from 0.
    ///   - query: `[batch, heads, time, head]`, of the new positions.
    ///   - key: as `query`, of the same positions.
    ///   - value: as `query`, of the same positions.
    /// - Returns: `[batch, heads, time, head]`.
    func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor
}

extension AttentionMemory {
    package var positions: Tensor? { nil }
}

/// The exact path: the inputs are the whole sequence, nothing is stored, and the result is differentiable.
package struct WholeSequence: AttentionMemory {
    package let firstPositions = [0]

    package init() {}

    package func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
        try query.attention(key: key, value: value, causal: true)
    }
}

extension Tensor {
    /// `[batch, time, heads × head]` → `[batch, heads, time, head]`.
    func splitIntoHeads(_ heads: Int) throws -> Tensor {
        try viewed([size(0), size(1), heads, size(2) / heads]).transposed(1, 2)
    }

    /// `[batch, heads, time, head]` → `[batch, time, heads × head]`.
    func joinedHeads() throws -> Tensor {
        try transposed(1, 2).reshaped([size(0), size(2), size(1) * size(3)])
    }
}

/// Keys and values of every layer for a fixed number of sequences, allocated once and written in place.
///
/// A slot contains one sequence; a guided request takes two. Sequences of one batch may have different lengths. The cache has `2 × layers × slots ×
/// capacity × hidden` numbers, whose memory is first used when sequences grow. Not for concurrent use.
package final class KeyValueCache {
    /// The number of positions of the longest sequence.
    package let capacity: Int
    /// The number of sequences.
    package let slots: Int
    private let table: SlotTable
    /// `[slots, heads, capacity, head]` for each layer.
    fileprivate let keys, values: [Tensor]

    /// - Parameters:
    ///   - layers: the number of the backbone's layers.
    ///   - heads: the number of attention heads of a layer.
    ///   - headSize: the size of a key or a value in one head.
    ///   - slots: the number of sequences.
    ///   - capacity: the length of the longest sequence.
    ///   - dtype: the type of keys and values.
    ///   - device: the device of keys and values.
    ///   - zeroed: whether the memory is initialised with zeros; uninitialised memory may contain NaN.
    package init(
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

    /// A sequence in one slot, which becomes free when nothing refers to the sequence any more.
    package final class Sequence: DecodeSequence {
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
    package func begin() throws -> Sequence { Sequence(try table.reserve(), table) }

    /// Runs a backbone over `count` new positions of each sequence, and counts them as written if it succeeds.
    ///
    /// - Parameters:
    ///   - sequences: sequences of this cache, one for each row of the batch.
    ///   - count: the number of new positions of each sequence.
    ///   - recorders: for each row, the recorder for the attention of its last new position; empty if nothing is recorded.
    ///   - run: runs the backbone, with the memory to which its layers attend.
    /// - Throws: `T3Error.sequenceTooLong` if a sequence would exceed the capacity.
    package func extend<Result>(
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
    package struct Extension: AttentionMemory {
        package let firstPositions: [Int]
        private let cache: KeyValueCache
        private let runs: [Run]
        private let count: Int
        private let recorders: [AttentionRecorder?]

        /// Adjacent rows in the cache with the same length, which can be used as views without copying.
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

        package func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
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

    /// One new position in each of the first slots, read from tensors: the same operations on the same memory, whatever the positions are, as a
    /// captured graph requires.
    ///
    /// A slot that takes no part is written as well, at its next position; this value is overwritten before it is read.
    struct FixedStep: AttentionMemory {
        let firstPositions: [Int] = []
        let positions: Tensor?
        private let cache: KeyValueCache
        private let span: Int
        /// `[slots, 1]` and `[1, heads]`: together with the positions, the indices where each head's key is written.
        private let slots, heads: Tensor
        /// `[slots, 1, 1, span]`, true for positions to which a slot's input may attend.
        private let visible: Tensor
        private let recording: Recording?

        /// Where the attention of some heads is written, `[heads, slots, positions]`, float32.
        struct Recording {
            let heads: [AttentionHead]
            let weights: Tensor
        }

        /// - Parameters:
        ///   - positions: the positions of the first slots, `[slots]`, int64.
        ///   - span: the number of the cache's first positions to which slots may attend.
        ///   - recording: where attention is recorded; nil to record nothing.
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
