import CKernels
import Torch

/// Runs a ``PackedTransformer`` over sequences whose keys and values it keeps in slots. Not for concurrent use.
public final class TransformerDecoder {
    /// A new position of a sequence.
    public struct Row: Sendable, Hashable {
        public let slot: Int
        /// Positions of the slot that come before it.
        public let position: Int

        public init(slot: Int, position: Int) {
            self.slot = slot
            self.position = position
        }
    }

    /// What a head of some layer attends to at a row.
    public struct Record {
        let layer, head, row, first: Int
        let weights: UnsafeMutableBufferPointer<Float>

        /// - Parameters:
        ///   - row: index of one of the call's rows.
        ///   - first: the first of the positions whose weights are told.
        ///   - weights: takes them, as many as it holds; all that the row sees add up to 1.
        public init(layer: Int, head: Int, row: Int, first: Int, weights: UnsafeMutableBufferPointer<Float>) {
            (self.layer, self.head, self.row, self.first, self.weights) = (layer, head, row, first, weights)
        }
    }

    public let transformer: PackedTransformer
    public let slots, capacity: Int
    /// Most positions that one call takes.
    public let rows: Int
    private let handle: OpaquePointer
    private var slotNumbers, positions, wanted: [Int32]

    /// - Parameters:
    ///   - slots: sequences side by side.
    ///   - capacity: longest sequence, at most the transformer's ``PackedTransformer/longestSequence``.
    ///   - rows: most positions that one call takes; each takes some tens of kilobytes.
    ///   - half: keeps keys and values in half precision.
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    public init(_ transformer: PackedTransformer, slots: Int, capacity: Int, rows: Int, half: Bool) throws {
        precondition(slots > 0 && capacity > 0 && rows > 0, "room for at least one position")
        precondition(capacity <= transformer.longestSequence ?? capacity, "a rotation for each position")
        let bytes = 2 * transformer.layerCount * slots * capacity * transformer.shape.hidden * (half ? 2 : 4)
        guard let handle = ck_decoder_create(transformer.transformer, transformer.team.handle, slots, capacity, rows, half) else {
            throw KernelError.outOfMemory("keys and values", bytes: bytes)
        }
        self.transformer = transformer
        self.handle = handle
        (self.slots, self.capacity, self.rows) = (slots, capacity, rows)
        (slotNumbers, positions, wanted) = ([], [], [])
        slotNumbers.reserveCapacity(rows)
        positions.reserveCapacity(rows)
        wanted.reserveCapacity(rows)
    }

    deinit { ck_decoder_free(handle) }

    /// Computes the logits of some of the new positions.
    ///
    /// - Parameters:
    ///   - rows: of one slot together, each position right behind the one before it.
    ///   - inputs: `[rows, hidden]`.
    ///   - wanted: indices of rows in ascending order.
    ///   - logits: `[wanted, vocabulary]`.
    ///   - records: which attention to tell besides.
    public func run(
        _ rows: [Row], inputs: UnsafeBufferPointer<Float>, wanted indices: some Collection<Int>, logits: UnsafeMutableBufferPointer<Float>,
        records: [Record] = []
    ) {
        precondition(rows.count <= self.rows && inputs.count == rows.count * transformer.shape.hidden, "a vector for each row")
        precondition(logits.count == indices.count * transformer.vocabulary, "logits for each row that is wanted")
        precondition(rows.allSatisfy { 0..<slots ~= $0.slot && 0..<capacity ~= $0.position }, "a place for each row")
        precondition(Self.areTogether(rows), "rows of one slot together, each position behind the one before")
        precondition(
            indices.allSatisfy { rows.indices ~= $0 } && zip(indices, indices.dropFirst()).allSatisfy { $0 < $1 },
            "wanted rows in ascending order")
        precondition(
            records.allSatisfy {
                rows.indices ~= $0.row && $0.first >= 0 && $0.first + $0.weights.count <= rows[$0.row].position + 1
            },
            "positions that the recorded row sees")
        slotNumbers.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        wanted.removeAll(keepingCapacity: true)
        for row in rows {
            slotNumbers.append(Int32(row.slot))
            positions.append(Int32(row.position))
        }
        for index in indices { wanted.append(Int32(index)) }
        let asked = records.map {
            ck_attention_record(
                layer: Int32($0.layer), head: Int32($0.head), row: Int32($0.row), first: $0.first, count: $0.weights.count,
                weights: $0.weights.baseAddress)
        }
        ck_decoder_run(
            handle, rows.count, slotNumbers, positions, inputs.baseAddress, wanted, wanted.count, logits.baseAddress, asked, asked.count)
    }

    /// Whether each slot's rows are neighbours with ascending positions: two threads would write the cache of others at once.
    private static func areTogether(_ rows: [Row]) -> Bool {
        var begun: Set<Int> = []
        for (index, row) in rows.enumerated() {
            if index > 0, rows[index - 1].slot == row.slot {
                guard row.position == rows[index - 1].position + 1 else { return false }
            } else {
                guard begun.insert(row.slot).inserted else { return false }
            }
        }
        return true
    }
}
