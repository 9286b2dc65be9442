import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// Steps of fixed shapes, not captured without a GPU.
@Suite("Decoding with steps of fixed shapes")
struct CapturedDecodeEngineTests {
    let exact: T3DecoderTests

    init() throws { exact = try T3DecoderTests() }

    @Test("every token is upstream's", arguments: T3DecoderTests.cases)
    func tokens(name: String) throws {
        let decoder = try exact.decoder(name, engine: CapturedDecodeEngine(exact.small.model, capacity: 140))
        while try decoder.next() != nil {}
        let expected = try exact.expected(name)
        #expect(decoder.tokens == expected.tokens)
        #expect(decoder.end == expected.end)
    }

    @Test("logits equal the exact engine's while slots of different lengths begin, end and exceed their bucket", arguments: ["t3", "gpt2"])
    func logits(name: String) throws {
        let small = name == "gpt2" ? try SmallT3("gpt2") : exact.small
        let capacity = 150
        let engines: [any DecodeEngine] = [
            try TensorDecodeEngine(small.model, slots: 3, capacity: capacity),
            try CapturedDecodeEngine(small.model, slots: 3, capacity: capacity, bucket: 48),
        ]
        var found: [[Tensor]] = [[], []]
        for (index, engine) in engines.enumerated() {
            let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: false)
            func begin() throws -> DecodeSequence {
                let sequence = try engine.begin()
                found[index].append(try engine.forward([DecodeStretch(sequence, .embedded(prompt.select(axis: 0, 0)))]))
                return sequence
            }
            func step(_ inputs: [(DecodeSequence, Int)]) throws {
                found[index].append(try engine.forward(inputs.map { DecodeStretch($0, .token(($1 * 7) % 150, position: $1 % 50 + 1)) }))
            }
            let first = try begin()
            for position in 0..<5 { try step([(first, position)]) }
            var second: DecodeSequence? = try begin()
            for position in 0..<6 { try step([(second!, position), (first, position + 5)]) }
            second = nil
            let third = try begin()
            third.recorder = AttentionRecorder([AttentionHead(layer: 0, head: 0)], positions: 1..<3)
            for position in 0..<(capacity - prompt.size(1) - 20) { try step([(first, position + 11)] + (position < 3 ? [(third, position)] : [])) }
            #expect(third.recorder?.steps == 3)
        }
        for (expected, found) in zip(found[0], found[1]) { try expectClose(found, expected, relative: 1e-5) }
    }

    @Test("a step records attention if requested, like the exact engine", arguments: ["t3", "gpt2"])
    func recording(name: String) throws {
        let small = name == "gpt2" ? try SmallT3("gpt2") : exact.small, heads = [AttentionHead(layer: 1, head: 1), AttentionHead(layer: 0, head: 0)]
        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: false)
        let captured = try CapturedDecodeEngine(small.model, slots: 4, capacity: 150, bucket: 48)
        var weights: [[Float]] = []
        for engine in [try TensorDecodeEngine(small.model, slots: 4, capacity: 150), captured] as [any DecodeEngine] {
            let sequences = try (0..<3).map { _ in try engine.begin() }
            for (index, sequence) in sequences.enumerated() {
                _ = try engine.forward([DecodeStretch(sequence, .embedded(prompt.select(axis: 0, 0)))])
                // One of them is not recorded.
                if index != 1 { sequence.recorder = AttentionRecorder(heads, positions: index + 1..<prompt.size(1) - 2) }
            }
            for position in 0..<30 {
                let stepping = sequences.enumerated().filter { index, _ in position % 3 != index }.map(\.element)
                _ = try engine.forward(stepping.map { DecodeStretch($0, .token((position * 7) % 150, position: position + 1)) })
            }
            let recorders = sequences.compactMap(\.recorder)
            #expect(recorders.map(\.steps) == [20, 20])
            weights.append(recorders.flatMap { recorder in (0..<recorder.steps).flatMap { recorder.weights(at: $0) } })
        }
        try expectClose(Tensor(weights[1]), Tensor(weights[0]), relative: 1e-5)
    }

    @Test("steps captured in advance do not change the results")
    func warm() throws {
        let engine = try CapturedDecodeEngine(exact.small.model, slots: 4, capacity: 140, bucket: 48)
        var pauses = 0
        try engine.warm(slots: 2) { pauses += 1 }
        #expect(pauses == 3)
        let name = T3DecoderTests.cases[0], decoder = try exact.decoder(name, engine: engine)
        while try decoder.next() != nil {}
        #expect(try decoder.tokens == exact.expected(name).tokens)
    }

    static let memories: [(bytes: Int, memory: Int, slots: Int)] = [
        (480, 80 << 10, 42), (480, 8 << 10, 4), (480, 1 << 10, 2), (1, 80 << 10, 128), (480, 0, 2),
    ]

    @Test("keys and values take a quarter of a GPU's memory, and there is always room for one guided request", arguments: memories)
    func slots(bytes: Int, memory: Int, slots: Int) {
        #expect(Model.slotLimit(bytesPerSlot: bytes, memory: memory) == slots)
    }
}
