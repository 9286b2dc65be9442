import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("The speech token model over GPT-2")
struct GPT2BackboneTests {
    let small: SmallT3

    init() throws { small = try SmallT3("gpt2") }

    @Test("conditions are upstream's: prompt tokens without positions, no emotion")
    func conditions() throws {
        try expectClose(
            small.model.embedded(small.conditioning), small.fixture.output("conditioning"), relative: 1e-4)
    }

    @Test("hidden states are upstream's")
    func hiddenStates() throws {
        let hidden = try small.model.backbone(small.fixture.input("backbone"), memory: WholeSequence())
        try expectClose(hidden, small.fixture.output("backbone"), relative: 1e-4)
    }

    @Test("every token and the first logits are upstream's", arguments: ["default", "few", "stopping"])
    func tokens(name: String) throws {
        let values = try small.fixture.input("\(name).options").array(of: Double.self)
        let options = try SamplingOptions(
            temperature: values[0], topP: values[1], topK: values[2] == 0 ? nil : Int(values[2]), minP: 0,
            repetitionPenalty: values[3])
        let engine = try TensorDecodeEngine(small.model, slots: 1, capacity: 140)
        let decoder = try T3Decoder(
            engine: engine, text: small.text, conditioning: small.conditioning, options: options,
            budget: Int(values[5]), generator: Generator(seed: UInt64(values[4])))
        while try decoder.next() != nil {}
        let expected = try small.fixture.output("\(name).tokens").array(of: Int.self)
        #expect(decoder.tokens == expected)
        #expect(decoder.end == (expected.count == Int(values[5]) ? .budget : .stop))

        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: false)
        for (step, logits) in try engine.logits(after: prompt, of: expected.prefix(6)).prefix(6).enumerated() {
            try expectClose(logits, small.fixture.output("\(name).logits")[step], relative: 1e-4, "step \(step)")
        }
    }

    @Test("a sequence longer than the position table is refused before it starts")
    func positions() throws {
        let engine = try TensorDecodeEngine(small.model, slots: 1, capacity: 500)
        #expect(throws: T3Error.sequenceTooLong(positions: 231, limit: 160)) {
            try T3Decoder(
                engine: engine, text: small.text, conditioning: small.conditioning, options: .turbo, budget: 200,
                generator: Generator(seed: 1))
        }
    }
}
