import Testing
import TestSupport
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

    func run(_ inputs: Tensor, slots: [Int]) throws -> Tensor {
        try cache.extend(slots, by: inputs.shape[1]) { try small.model.backbone(inputs, memory: $0) }
    }

    @Test("a sequence in pieces gives what the whole sequence gives", arguments: [[9, 1, 1, 1], [1, 5, 6], [3, 9], [12]])
    func pieces(lengths: [Int]) throws {
        let inputs = try Tensor.randn([2, 12, 48], generator: Generator(seed: 3))
        let whole = try small.model.backbone(inputs, memory: WholeSequence())
        var start = 0
        let parts = try lengths.map { length in
            defer { start += length }
            return try run(inputs.narrow(axis: 1, from: start, count: length), slots: [1, 2])
        }
        try expectClose(Tensor.cat(parts, axis: 1), whole, relative: 1e-5)
    }

    @Test("slots at different positions take one step together, in any order")
    func differentPositions() throws {
        let inputs = try Tensor.randn([3, 12, 48], generator: Generator(seed: 4))
        let whole = try small.model.backbone(inputs, memory: WholeSequence())
        let lengths = [7, 4, 7]
        let slots = [3, 0, 1]
        for row in 0..<3 {
            _ = try run(inputs[row..<row + 1, 0..<lengths[row]], slots: [slots[row]])
        }
        for step in 0..<3 {
            let next = try Tensor.cat((0..<3).map { try inputs[$0..<$0 + 1, lengths[$0] + step].unsqueezed(1) })
            let hidden = try run(next, slots: slots)
            for row in 0..<3 {
                try expectClose(hidden[row, 0], whole[row, lengths[row] + step], relative: 1e-5, "row \(row) step \(step)")
            }
        }
    }

    @Test("a slot refuses to grow beyond the capacity and stays as it was")
    func capacity() throws {
        _ = try run(.zeros([1, 39, 48]), slots: [2])
        #expect(throws: T3Error.sequenceTooLong(positions: 41, limit: 40)) { try run(.zeros([1, 2, 48]), slots: [2]) }
        #expect(cache.lengths == [0, 0, 39, 0])
    }

    @Test("slots are reserved side by side, and empty again after their release")
    func reservations() throws {
        let first = try cache.reserve(1)
        let pair = try cache.reserve(2)
        #expect(first == 0..<1 && pair == 1..<3)
        #expect(throws: T3Error.noFreeSlots(wanted: 2, free: 1)) { try cache.reserve(2) }
        _ = try run(.zeros([2, 5, 48]), slots: Array(pair))
        cache.release(first)
        #expect(throws: T3Error.noFreeSlots(wanted: 2, free: 2)) { try cache.reserve(2) }
        cache.release(pair)
        #expect(try cache.reserve(3) == 0..<3)
        #expect(cache.lengths == [0, 0, 0, 0])
    }
}
