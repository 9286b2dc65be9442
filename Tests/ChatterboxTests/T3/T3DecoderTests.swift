import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Decoding speech tokens")
struct T3DecoderTests {
    let small: SmallT3

    init() throws { small = try SmallT3() }

    /// The options, seed and token limit of one of the fixture's cases.
    func request(_ name: String) throws -> (options: SamplingOptions, seed: UInt64, budget: Int) {
        let values = try small.fixture.input("\(name).options").array(of: Double.self)
        let options = try SamplingOptions(
            temperature: values[0], topP: values[1], minP: values[2], repetitionPenalty: values[3], guidance: values[4])
        return (options, UInt64(values[5]), Int(values[6]))
    }

    func decoder(_ name: String, engine: any DecodeEngine, budget: Int? = nil) throws -> T3Decoder {
        let request = try request(name)
        return try T3Decoder(
            engine: engine, text: small.text, conditioning: small.conditioning, options: request.options,
            budget: budget ?? request.budget, generator: Generator(seed: request.seed))
    }

    /// Upstream's tokens, which end with the stop token when it was drawn.
    func expected(_ name: String) throws -> (tokens: [Int], end: DecodingEnd) {
        let tokens = try small.fixture.output("\(name).tokens").array(of: Int.self)
        let stop = small.model.configuration.stopSpeech
        return tokens.last == stop ? (tokens.dropLast(), .stop) : (tokens, .budget)
    }

    static let cases = ["default", "unguided", "nucleus", "strict", "stopping"]

    @Test("every token is upstream's", arguments: cases)
    func tokens(name: String) throws {
        let engine = try TensorDecodeEngine(small.model, capacity: 140)
        let decoder = try decoder(name, engine: engine)
        var tokens: [Int] = []
        while let token = try decoder.next() { tokens.append(token) }
        let expected = try expected(name)
        #expect(tokens == expected.tokens)
        #expect(decoder.tokens == tokens)
        #expect(decoder.end == expected.end)
        #expect(try decoder.next() == nil)
    }

    @Test("a stop token is not drawn before the earliest position") func earliestStop() throws {
        let engine = try TensorDecodeEngine(small.model, capacity: 140)
        let expected = try expected("stopping"), request = try request("stopping")
        #expect(expected.end == .stop)
        func decoder(earliestStop: Int) throws -> T3Decoder {
            let decoder = try T3Decoder(
                engine: engine, text: small.text, conditioning: small.conditioning, options: request.options, budget: request.budget,
                earliestStop: earliestStop, generator: Generator(seed: request.seed))
            while try decoder.next() != nil {}
            return decoder
        }
        let count = expected.tokens.count
        #expect(try decoder(earliestStop: count).tokens == expected.tokens)
        let later = try decoder(earliestStop: count + 1).tokens
        #expect(later.count > count && Array(later.prefix(count)) == expected.tokens)
        #expect(!later.contains(small.model.configuration.stopSpeech))
    }

    @Test("excluded tokens are never drawn") func excludedTokens() throws {
        func tokens(excluding excluded: Range<Int>?) throws -> [Int] {
            let decoder = try decoder("default", engine: TensorDecodeEngine(small.model, capacity: 140))
            decoder.excludedTokens = excluded
            while try decoder.next() != nil {}
            return decoder.tokens
        }
        let half = small.model.configuration.speechVocabulary / 2
        #expect(try tokens(excluding: nil).contains { $0 >= half })
        #expect(try tokens(excluding: half..<2 * half).allSatisfy { $0 < half })
    }

    @Test("prefill and step logits are upstream's", arguments: cases)
    func logits(name: String) throws {
        let engine = try TensorDecodeEngine(small.model, capacity: 140)
        let expectedLogits = try small.fixture.output("\(name).logits")
        let guidance = try request(name).options.guidance > 0
        let rows = guidance ? 2 : 1
        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: guidance)
        for (step, logits) in try engine.logits(after: prompt, of: expected(name).tokens.prefix(6)).prefix(6).enumerated() {
            try expectClose(logits, expectedLogits[step, 0..<rows], relative: 1e-4, "step \(step)")
        }
    }

    @Test("steps with a cache give the logits of the whole sequence")
    func cachedIsExact() throws {
        let engine = try TensorDecodeEngine(small.model, slots: 1, capacity: 140)
        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: false)
        let tokens = try expected("default").tokens.prefix(20)
        let steps = try Array(engine.logits(after: prompt, of: tokens).dropFirst())
        let start = small.model.configuration.startSpeech
        // The prompt ends with two start tokens; without the first of them and the last step, speech follows as in training.
        let speech = try small.model.embedded(speech: Tensor([start] + tokens, shape: [1, 21]), from: [0])
        let inputs = try Tensor.cat([prompt.narrow(axis: 1, from: 0, count: prompt.shape[1] - 1), speech], axis: 1)
        let hidden = try small.model.backbone(inputs, memory: WholeSequence())
        let whole = try small.model.speechHead(hidden.narrow(axis: 1, from: prompt.shape[1], count: 20))
        try expectClose(Tensor.stack(steps, axis: 1), whole, relative: 1e-5)
    }

    @Test("requests of different lengths and options give the same tokens together as alone")
    func together() throws {
        let engine = try TensorDecodeEngine(small.model, slots: 7, capacity: 140)
        let names = ["default", "unguided", "nucleus", "stopping"]
        let late = names.count - 1
        var decoders: [T3Decoder] = []
        for round in 0..<80 {
            if round == 0 { decoders = try names[..<late].map { try decoder($0, engine: engine) } }
            if round == 5 { decoders.append(try decoder(names[late], engine: engine)) }
            try T3Decoder.advance(decoders)
            for decoder in decoders { _ = try decoder.next() }
        }
        for (name, decoder) in zip(names, decoders) {
            let expected = try expected(name)
            #expect(decoder.tokens == expected.tokens, "\(name)")
            #expect(decoder.end == expected.end, "\(name)")
        }
    }

    @Test("slots are free after the end, after a request is released, and after a refusal")
    func slots() throws {
        let engine = try TensorDecodeEngine(small.model, capacity: 110)
        let first = try decoder("default", engine: engine, budget: 2)
        #expect(throws: T3Error.noFreeSlots(wanted: 1, free: 0)) { try decoder("default", engine: engine) }
        while try first.next() != nil {}
        var second: T3Decoder? = try decoder("default", engine: engine)
        _ = try second?.next()
        second = nil
        #expect(throws: T3Error.sequenceTooLong(positions: 130, limit: 110)) {
            try decoder("default", engine: engine, budget: 100)
        }
        let sequences = try (0..<2).map { _ in try engine.begin() }
        #expect(throws: T3Error.noFreeSlots(wanted: 1, free: 0)) { try engine.begin() }
        withExtendedLifetime((first, sequences)) {}
    }

    @Test("a cancelled task draws no further tokens")
    func cancellation() async throws {
        let task = Task {
            let tests = try T3DecoderTests()
            let decoder = try tests.decoder("default", engine: TensorDecodeEngine(tests.small.model, capacity: 140))
            withUnsafeCurrentTask { $0?.cancel() }
            return try decoder.next()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test(
        "requests that exceed the model's limits are refused",
        arguments: [
            ([], 10, T3Error.emptyText),
            ([25, 3], 10, .unframedText(start: 25, stop: 0)),
            ([25, 60, 0], 10, .unknownToken(60, of: "text", vocabulary: 60)),
            ([25] + Array(repeating: 3, count: 49) + [0], 10, .textTooLong(tokens: 51, limit: 50)),
            ([25, 3, 0], 101, .budgetOutOfRange(tokens: 101, limit: 100)),
            ([25, 3, 0], 0, .budgetOutOfRange(tokens: 0, limit: 100)),
        ] as [([Int], Int, T3Error)])
    func refusals(text: [Int], budget: Int, error: T3Error) throws {
        let engine = try TensorDecodeEngine(small.model, capacity: 300)
        #expect(throws: error) {
            try T3Decoder(
                engine: engine, text: text, conditioning: small.conditioning, budget: budget,
                generator: Generator(seed: 1))
        }
    }

    @Test("a prompt with tokens of another vocabulary is refused")
    func unknownPrompt() throws {
        let engine = try TensorDecodeEngine(small.model, capacity: 300)
        let conditioning = try T3Conditioning(speaker: small.fixture.input("speaker"), prompt: [3, 200])
        #expect(throws: T3Error.unknownToken(200, of: "prompt", vocabulary: 200)) {
            try T3Decoder(
                engine: engine, text: small.text, conditioning: conditioning, budget: 10, generator: Generator(seed: 1))
        }
    }
}
