import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("The key-value cache")
struct KeyValueCacheTests {
    let small: SmallT3
    let cache: KeyValueCache

    init() throws {
        small = try SmallT3()
        cache = try KeyValueCache(layers: 3, heads: 4, headSize: 12, slots: 4, capacity: 40)
    }

    func run(_ inputs: Tensor, _ sequences: [KeyValueCache.Sequence]) throws -> Tensor {
        try cache.extend(sequences, by: inputs.shape[1]) { try small.model.backbone(inputs, memory: $0) }
    }

    @Test("a sequence computed in pieces gives the results of the whole sequence", arguments: [[9, 1, 1, 1], [1, 5, 6], [3, 9], [12]])
    func pieces(lengths: [Int]) throws {
        let inputs = try Tensor.randn([2, 12, 48], generator: Generator(seed: 3))
        let whole = try small.model.backbone(inputs, memory: WholeSequence())
        let sequences = try (0..<3).map { _ in try cache.begin() }
        var start = 0
        let parts = try lengths.map { length in
            defer { start += length }
            return try run(inputs.narrow(axis: 1, from: start, count: length), Array(sequences[1...]))
        }
        try expectClose(Tensor.cat(parts, axis: 1), whole, relative: 1e-5)
    }

    @Test("sequences at different positions are computed in one step, in any order")
    func differentPositions() throws {
        let inputs = try Tensor.randn([3, 12, 48], generator: Generator(seed: 4))
        let whole = try small.model.backbone(inputs, memory: WholeSequence())
        let lengths = [7, 4, 7]
        let all = try (0..<4).map { _ in try cache.begin() }
        let sequences = [all[3], all[0], all[1]]
        for row in 0..<3 {
            _ = try run(inputs[row..<row + 1, 0..<lengths[row]], [sequences[row]])
        }
        for step in 0..<3 {
            let next = try Tensor.cat((0..<3).map { try inputs[$0..<$0 + 1, lengths[$0] + step].unsqueezed(1) })
            let hidden = try run(next, sequences)
            for row in 0..<3 {
                try expectClose(hidden[row, 0], whole[row, lengths[row] + step], relative: 1e-5, "row \(row) step \(step)")
            }
        }
    }

    @Test("a sequence that would exceed the capacity is refused and stays unchanged")
    func capacity() throws {
        let sequence = try cache.begin()
        _ = try run(.zeros([1, 39, 48]), [sequence])
        #expect(throws: T3Error.sequenceTooLong(positions: 41, limit: 40)) { try run(.zeros([1, 2, 48]), [sequence]) }
        #expect(sequence.length == 39)
    }

    @Test("a slot is free and empty after its sequence has been released")
    func slots() throws {
        var sequences = try (0..<4).map { _ in try cache.begin() }
        _ = try run(.zeros([2, 5, 48]), Array(sequences[1...2]))
        #expect(throws: T3Error.noFreeSlots(wanted: 1, free: 0)) { try cache.begin() }
        sequences.remove(at: 1)
        let next = try cache.begin()
        #expect(next.slot == 1 && next.length == 0)
        withExtendedLifetime(sequences) {}
    }
}
