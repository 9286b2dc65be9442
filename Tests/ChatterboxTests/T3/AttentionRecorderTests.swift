import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Recorded attention")
struct AttentionRecorderTests {
    let exact: T3DecoderTests
    var small: SmallT3 { exact.small }
    private let heads = [AttentionHead(layer: 2, head: 3), AttentionHead(layer: 0, head: 0), AttentionHead(layer: 2, head: 1)]

    init() throws { exact = try T3DecoderTests() }

    private func packed(_ format: WeightFormat, rows: Int = 256) throws -> PackedDecodeEngine {
        let packed = try PackedT3(small.model, format: format, team: ThreadTeam(threads: 2))
        return try PackedDecodeEngine(packed, capacity: 140, rows: rows)
    }

    private func decoder(_ name: String, _ engine: any DecodeEngine, recording: Bool = true) throws -> T3Decoder {
        let request = try exact.request(name)
        return try T3Decoder(
            engine: engine, text: small.text, conditioning: small.conditioning, options: request.options, budget: request.budget,
            recording: recording ? heads : [], generator: Generator(seed: request.seed))
    }

    private func weights(_ decoder: T3Decoder) throws -> Tensor {
        let attention = try #require(decoder.attention)
        return try Tensor(
            (0..<attention.steps).flatMap { attention.weights(at: $0) }, shape: [attention.steps, heads.count, attention.positions.count])
    }

    @Test(
        "it equals the attention of the whole sequence, with one step for each token and one for the stop",
        arguments: ["default", "unguided", "stopping"])
    func wholeSequence(name: String) throws {
        let decoder = try decoder(name, TensorDecodeEngine(small.model, capacity: 140))
        while try decoder.next() != nil {}
        let recorded = try weights(decoder)
        #expect(recorded.size(0) == decoder.tokens.count + (decoder.end == .stop ? 1 : 0))
        let all = try small.model.attention(text: small.text, speech: decoder.tokens, conditioning: small.conditioning)
        let expected = try Tensor.stack(heads.map { try all[$0.layer].select(axis: 0, $0.head) }, axis: 1)
        try expectClose(recorded.narrow(axis: 0, from: 0, count: decoder.tokens.count), expected, relative: 1e-4)
    }

    @Test(
        "the packed engine records the same as the exact one, up to rounding of the weights",
        arguments: [
            (WeightFormat.float32, 1e-5), (.int8, 0.02), (.int4, 0.15),
        ])
    func packed(format: WeightFormat, tolerance: Double) throws {
        func recorded(_ engine: any DecodeEngine) throws -> Tensor {
            let prompt = try small.model.prompt(text: small.text, conditioning: small.conditioning, guidance: true)
            let end = prompt.size(1) - small.model.configuration.startTokens
            let recorder = AttentionRecorder(heads, positions: end - small.text.count..<end)
            let sequences = try (0..<2).map { _ in try engine.begin() }
            sequences[0].recorder = recorder
            _ = try engine.logits(after: prompt, of: [5, 17, 120, 3], in: sequences)
            #expect(recorder.steps == 5)
            return try Tensor((0..<5).flatMap { recorder.weights(at: $0) }, shape: [5, heads.count, small.text.count])
        }
        let expected = try recorded(TensorDecodeEngine(small.model, capacity: 140))
        try expectClose(recorded(packed(format)), expected, relative: tolerance)
        try expectClose(recorded(packed(format, rows: 7)), expected, relative: tolerance, "in small parts")
    }

    @Test("recording does not change tokens, and each request has its own recorder")
    func together() throws {
        for engine: any DecodeEngine in [try TensorDecodeEngine(small.model, slots: 5, capacity: 140), try packed(.float32)] {
            let alone = try ["default", "unguided"].map { name in
                let decoder = try decoder(name, engine)
                while try decoder.next() != nil {}
                #expect(try decoder.tokens == exact.expected(name).tokens)
                return try weights(decoder)
            }
            let decoders = [
                try decoder("nucleus", engine, recording: false), try decoder("default", engine), try decoder("unguided", engine),
            ]
            for _ in 0..<80 {
                try T3Decoder.advance(decoders)
                for decoder in decoders { _ = try decoder.next() }
            }
            #expect(decoders[0].attention == nil)
            for (decoder, expected) in zip(decoders[1...], alone) { try expectClose(weights(decoder), expected, relative: 1e-5) }
        }
    }
}
