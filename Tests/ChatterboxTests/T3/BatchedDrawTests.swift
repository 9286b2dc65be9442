import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Sampling in a batch, as on a GPU")
struct BatchedDrawTests {
    static let styles: [DecodingStyle] = [.chatterbox, .turbo]

    /// All settings of a style, and greedy ones.
    static func settings(_ style: DecodingStyle) -> [SamplingOptions] {
        SpeechTokenSamplerTests.settings.filter { $0.0 == style }.map(\.1) + [try! SamplingOptions(temperature: 0, repetitionPenalty: 1.4)]
    }

    func sampler(_ options: SamplingOptions, _ style: DecodingStyle, _ generator: Generator, isBatched: Bool, vocabulary: Int = 8194) throws
        -> SpeechTokenSampler
    {
        try SpeechTokenSampler(options, style: style, vocabulary: vocabulary, startToken: vocabulary - 1, generator: generator, isBatched: isBatched)
    }

    @Test("requests with all kinds of options get the tokens that libtorch's operations draw for each alone", arguments: styles)
    func likeOperations(style: DecodingStyle) throws {
        let settings = Self.settings(style), source = try Generator(seed: 4)
        let generators = try [false, true].map { _ in try settings.indices.map { try Generator(seed: UInt64($0)) } }
        let alone = try zip(settings, generators[0]).map { try sampler($0, style, $1, isBatched: false) }
        let together = try zip(settings, generators[1]).map { try sampler($0, style, $1, isBatched: true) }
        for step in 0..<60 {
            let rows = try settings.indices.map { index in
                // Flat, peaked and with a few tokens far above the others; with and without guidance.
                let noise = try Tensor.randn([1, 8194], generator: source)
                let logits = try step % 3 == 0 ? noise : step % 3 == 1 ? noise * 4 : (noise + 1).exp() * 1.5
                guard style == .chatterbox, index % 2 == 0 else { return logits }
                return try Tensor.cat([logits, logits + Tensor.randn([1, 8194], generator: source)], axis: 0)
            }
            let ruledOut = settings.indices.map { $0 % 3 == 0 ? 6562 : nil }
            let expected = try settings.indices.map { try alone[$0].draw(from: rows[$0], rulingOut: ruledOut[$0]) }
            let found = try SpeechTokenSampler.draw(settings.indices.map { .init(together[$0], logits: rows[$0], rulingOut: ruledOut[$0]) })
            try #require(found == expected, "step \(step)")
        }
        for (one, other) in zip(generators[0], generators[1]) {
            #expect(try one.state().array(of: UInt8.self) == other.state().array(of: UInt8.self))
        }
    }

    @Test("NaN logits are refused, and the other requests' next tokens are unchanged")
    func unusableLogits() throws {
        func samplers() throws -> [SpeechTokenSampler] {
            try (0..<3).map { try sampler(.chatterbox, .chatterbox, Generator(seed: UInt64($0)), isBatched: true, vocabulary: 300) }
        }
        let (disturbed, undisturbed) = (try samplers(), try samplers()), source = try Generator(seed: 5)
        let logits = try (0..<3).map { _ in try Tensor.randn([1, 300], generator: source) }
        let broken = try Tensor.full([1, 300], .nan)
        #expect(throws: T3Error.unusableLogits) {
            try SpeechTokenSampler.draw([
                .init(disturbed[0], logits: logits[0]), .init(disturbed[1], logits: broken), .init(disturbed[2], logits: logits[2]),
            ])
        }
        for index in [0, 2] {
            #expect(try disturbed[index].draw(from: logits[index]) == undisturbed[index].draw(from: logits[index]))
        }
    }

    @Test("with logits and generator on one device, draws are batched only if requested")
    func choice() throws {
        let generators = try (0..<2).map { _ in try Generator(seed: 3) }
        let logits = try Tensor.randn([1, 300], generator: Generator(seed: 6))
        let usual = try SpeechTokenSampler(.turbo, style: .turbo, vocabulary: 300, startToken: 0, generator: generators[0])
        let batched = try SpeechTokenSampler(.turbo, style: .turbo, vocabulary: 300, startToken: 0, generator: generators[1], isBatched: true)
        #expect(!usual.drawsInBatch && batched.drawsInBatch)
        #expect(try usual.draw(from: logits) == batched.draw(from: logits))
    }
}
