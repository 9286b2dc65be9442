import Testing
import TestSupport
import Torch

@testable import Chatterbox

/// The step of one shape, uncaptured where there is no card.
@Suite("Decoding by steps of one shape")
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

    @Test("logits are the exact engine's while slots of different lengths come, go and outgrow their bucket", arguments: ["t3", "gpt2"])
    func logits(name: String) throws {
        let small = name == "gpt2" ? try SmallT3("gpt2") : exact.small
        let capacity = 150
        let engines: [any DecodeEngine] = [
            try TensorDecodeEngine(small.model, slots: 3, capacity: capacity), try CapturedDecodeEngine(small.model, slots: 3, capacity: capacity, bucket: 48),
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
}
