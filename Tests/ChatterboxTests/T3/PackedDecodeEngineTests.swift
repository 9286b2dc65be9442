import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Decoding with packed weights")
struct PackedDecodeEngineTests {
    let exact: T3DecoderTests
    var small: SmallT3 { exact.small }

    init() throws { exact = try T3DecoderTests() }

    func engine(
        _ format: WeightFormat, of model: T3? = nil, threads: Int = 2, capacity: Int? = 140, rows: Int = 256
    ) throws -> PackedDecodeEngine {
        let packed = try PackedT3(model ?? small.model, format: format, team: ThreadTeam(threads: threads))
        return try PackedDecodeEngine(packed, capacity: capacity, rows: rows)
    }

    /// Logits of the prompt, and of some tokens after it, `[steps, rows, vocabulary]`.
    func logits(_ engine: any DecodeEngine, guidance: Bool = true, of small: SmallT3? = nil) throws -> Tensor {
        let small = small ?? self.small
        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: guidance)
        return try Tensor.stack(engine.logits(after: prompt, of: [5, 17, 120, 3, 3, 44, 9, 151]))
    }

    @Test("in float32 every token is upstream's", arguments: T3DecoderTests.cases)
    func tokens(name: String) throws {
        let decoder = try exact.decoder(name, engine: engine(.float32))
        while try decoder.next() != nil {}
        let expected = try exact.expected(name)
        #expect(decoder.tokens == expected.tokens)
        #expect(decoder.end == expected.end)
    }

    @Test(
        "logits equal the exact engine's up to rounding of the weights",
        arguments: [
            (WeightFormat.float32, 1e-5), (.int8, 0.025), (.int4, 0.2),
        ])
    func logits(format: WeightFormat, tolerance: Double) throws {
        let expected = try logits(TensorDecodeEngine(small.model, capacity: 140))
        try expectClose(logits(engine(format)), expected, relative: tolerance, "\(format)")
    }

    @Test("GPT-2's logits are those of the exact engine", arguments: [(WeightFormat.float32, 1e-5), (.int8, 0.025), (.int4, 0.2)])
    func gpt2(format: WeightFormat, tolerance: Double) throws {
        let gpt2 = try SmallT3("gpt2")
        let expected = try logits(TensorDecodeEngine(gpt2.model, capacity: 140), guidance: false, of: gpt2)
        try expectClose(logits(engine(format, of: gpt2.model), guidance: false, of: gpt2), expected, relative: tolerance, "\(format)")
    }

    @Test(
        "logits with adapters equal the exact engine's up to rounding of the weights",
        arguments: [
            // With adapters as large as the weights, rounding errors of 8 bits grow from layer to layer.
            ("t3", ["style": 0.7, "voice": 0.7], WeightFormat.float32, 2e-5), ("t3", ["style": 0.15], .int8, 0.04),
            ("gpt2", ["turbo": 0.7], .float32, 2e-5), ("gpt2", ["turbo": 0.15], .int8, 0.04),
        ] as [(String, [String: Double], WeightFormat, Double)])
    func adapters(model: String, weights: [String: Double], format: WeightFormat, tolerance: Double) throws {
        let small = try SmallT3(model), guidance = model == "t3"
        let adapted = try small.model.adapted(
            by: weights.sorted { $0.key < $1.key }.map { name, weight in
                AdapterUse(try Adapter.load(from: fixturesFolder.appending(path: "adapters/\(name)")), weight: weight)
            })
        let expected = try logits(TensorDecodeEngine(adapted, capacity: 140), guidance: guidance, of: small)
        let engine = try engine(format, of: small.model), adaptation = try engine.packed.adaptation(of: adapted)
        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: guidance)
        let sequences = try (0..<prompt.size(0)).map { _ in try engine.begin(with: adaptation) }
        let found = try Tensor.stack(engine.logits(after: prompt, of: [5, 17, 120, 3, 3, 44, 9, 151], in: sequences))
        try expectClose(found, expected, relative: tolerance)
        let plain = try logits(engine, guidance: guidance, of: small)
        #expect(try (plain - expected).abs().max().item(Double.self) > 0.1 * expected.abs().max().item(Double.self))
    }

    @Test("results depend neither on the threads nor on the number of positions in a call", arguments: WeightFormat.allCases)
    func reproducible(format: WeightFormat) throws {
        let expected = try logits(engine(format, threads: 1)).array(of: Float.self)
        #expect(try logits(engine(format, threads: 3)).array(of: Float.self) == expected)
        #expect(try logits(engine(format, rows: 7)).array(of: Float.self) == expected)
    }

    @Test("requests of different lengths and options give the same tokens together as alone", arguments: WeightFormat.allCases)
    func together(format: WeightFormat) throws {
        let engine = try engine(format)
        let names = ["default", "unguided", "nucleus", "stopping"]
        let alone = try names.map { name in
            let decoder = try exact.decoder(name, engine: engine)
            while try decoder.next() != nil {}
            return decoder.tokens
        }
        var decoders = try names[..<3].map { try exact.decoder($0, engine: engine) }
        for round in 0..<80 {
            if round == 5 { decoders.append(try exact.decoder(names[3], engine: engine)) }
            try T3Decoder.advance(decoders)
            for decoder in decoders { _ = try decoder.next() }
        }
        #expect(decoders.map(\.tokens) == alone)
    }

    @Test("a sequence that exceeds the capacity causes the exact engine's error")
    func refusals() throws {
        let engine = try engine(.float32, capacity: 30)
        let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: false)
        let sequence = try engine.begin()
        #expect(throws: T3Error.sequenceTooLong(positions: prompt.size(1), limit: 30)) {
            try engine.forward([DecodeStretch(sequence, .embedded(prompt.select(axis: 0, 0)))])
        }
        #expect(sequence.length == 0)
    }

    @Test(
        "sequences that continue a voice's stored rows give the same logits as those that compute them", arguments: ["t3", "gpt2"],
        WeightFormat.allCases)
    func sharedPrefix(name: String, format: WeightFormat) throws {
        let small = try SmallT3(name), engine = try engine(format, of: small.model, rows: 16)
        let guidance = name == "t3", tokens = [5, 17, 120, 3, 3, 44]
        let whole = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: guidance)
        let expected = try Tensor.stack(engine.logits(after: whole, of: tokens)).array(of: Float.self)
        let prefix = try #require(try engine.prefix(of: small.conditioning))
        while let stretch = try prefix.next(5) { _ = try engine.forward([stretch]) }
        let prompt = try small.model.prompt(text: small.text, guidance: guidance)
        #expect(prefix.length + prompt.size(1) == whole.size(1))
        for _ in 0..<2 {
            let sequences = try (0..<prompt.size(0)).map { _ in try engine.begin(after: prefix) }
            let found = try Tensor.stack(engine.logits(after: prompt, of: tokens, in: sequences)).array(of: Float.self)
            #expect(found == expected)
        }
        #expect(try engine.prefix(of: small.conditioning) === prefix)
        let other = try T3Conditioning(speaker: small.fixture.input("speaker"), prompt: [3, 4], exaggeration: 0.7)
        #expect(try engine.prefix(of: other) !== prefix)
    }

    @Test("at temperature 0 tokens are those of the exact engine, whatever the seed") func greedy() throws {
        func tokens(_ engine: any DecodeEngine, seed: UInt64) throws -> [Int] {
            let decoder = try T3Decoder(
                engine: engine, text: small.text, conditioning: small.conditioning, options: SamplingOptions(temperature: 0), budget: 30,
                generator: Generator(seed: seed))
            while try decoder.next() != nil {}
            return decoder.tokens
        }
        let expected = try tokens(TensorDecodeEngine(small.model, capacity: 140), seed: 1)
        #expect(!expected.isEmpty)
        #expect(try tokens(engine(.float32), seed: 1) == expected)
        #expect(try tokens(engine(.float32), seed: 2) == expected)
    }

    // MARK: reading beyond a table

    @Test("a token outside the vocabulary is refused", arguments: [-1, 200, 1 << 40]) func unknownToken(token: Int) throws {
        let engine = try engine(.float32), sequence = try engine.begin()
        #expect(throws: T3Error.unknownToken(token, of: "speech", vocabulary: small.model.configuration.speechVocabulary)) {
            try engine.forward([DecodeStretch(sequence, .token(token, position: 1))])
        }
    }

    @Test("a position outside the table is refused", arguments: [-1, 1 << 40]) func unknownPosition(position: Int) throws {
        let engine = try engine(.float32), sequence = try engine.begin()
        let limit = try #require(small.model.speechPositions).count
        #expect(throws: T3Error.sequenceTooLong(positions: position + 1, limit: limit)) {
            try engine.forward([DecodeStretch(sequence, .token(3, position: position))])
        }
    }

    @Test("sequences are limited to the number of rotations, whatever the requested capacity") func capacity() throws {
        let engine = try engine(.float32, capacity: 100_000), sequence = try engine.begin()
        #expect(engine.capacity == small.model.configuration.longestSequence)
        #expect(engine.packed.transformer.rotatedPositions == engine.capacity)
        let inputs = try Tensor.zeros([engine.capacity + 1, small.model.configuration.backbone.hiddenSize])
        #expect(throws: T3Error.sequenceTooLong(positions: engine.capacity + 1, limit: engine.capacity)) {
            try engine.forward([DecodeStretch(sequence, .embedded(inputs))])
        }
    }

    @Test("two stretches of one sequence in a call are a programming error") func twoStretches() async {
        await #expect(processExitsWith: .failure) {
            let tests = try PackedDecodeEngineTests()
            let engine = try tests.engine(.float32), sequence = try engine.begin()
            _ = try engine.forward([
                DecodeStretch(sequence, .token(3, position: 1)), DecodeStretch(sequence, .token(4, position: 1)),
            ])
        }
    }

    @Test("the size of packed weights is that of their format")
    func bytes() throws {
        let team = try ThreadTeam(threads: 1)
        let sizes = try WeightFormat.allCases.map { try PackedT3(small.model, format: $0, team: team).bytesPerStep }
        #expect(sizes == sizes.sorted(by: >))
    }
}
