import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// The tolerance could be zero on the processor that made the fixtures; others round differently.
let tolerance = 1e-4

/// A fixture of the whole flow and the networks made from it.
struct FlowFixture {
    let fixture: Fixture
    let weights: Weights
    let configuration: FlowConfiguration
    let tokenToMel: TokenToMel

    init(_ name: String) throws {
        fixture = try Fixture(name)
        configuration = try fixture.config(as: FlowConfiguration.self)
        weights = fixture.weights
        tokenToMel = try TokenToMel(weights, configuration)
    }

    var tokens: Tensor { get throws { try fixture.input("token") } }

    var prompt: SpeechPrompt {
        get throws {
            try SpeechPrompt(
                tokens: fixture.input("prompt_token"), mel: fixture.input("prompt_feat"),
                speaker: fixture.input("embedding"))
        }
    }

    func generator(_ seed: String = "seed") throws -> Generator {
        try Generator(seed: UInt64(fixture.input(seed).item(Int.self)))
    }
}

@Suite("Flow from tokens to mel")
struct FlowTests {
    @Test("every tensor of upstream's flow is used", arguments: ["flow", "flow_mean"])
    func everyTensorIsUsed(name: String) throws {
        try FlowFixture(name).weights.requireAllUsed()
    }

    @Test("the estimator gives upstream's velocity for a padded batch", arguments: ["flow", "flow_mean"])
    func velocityMatches(name: String) throws {
        let flow = try FlowFixture(name)
        let input = { try flow.fixture.input("estimator.\($0)") } as (String) throws -> Tensor
        let estimator = try FlowEstimator(flow.weights["decoder"]["estimator"], flow.configuration)
        func rows(_ name: String) throws -> Tensor { try input(name).transposed(1, 2).contiguous() }
        let conditions = try estimator.joined(.init(mean: rows("mu"), speaker: input("speaker"), prompt: rows("condition")))
        let velocity = try estimator(
            FrameBatch(rows("x"), mask: rows("mask").to(.bool)), conditions: conditions, times: estimator.stageTimes(input("t"), end: input("r")))
        try expectClose(velocity.transposed(1, 2), flow.fixture.output("estimator.velocity"), relative: tolerance)
    }

    @Test("the same seed gives upstream's mel", arguments: ["flow", "flow_mean"])
    func melMatches(name: String) throws {
        let flow = try FlowFixture(name)
        let mel = try flow.tokenToMel(tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator())
        try expectClose(mel, flow.fixture.output("mel"), relative: tolerance)
    }

    @Test("noise given by the caller is used instead of the generator's")
    func noiseMayBeGiven() throws {
        let flow = try FlowFixture("flow")
        let frames = try 2 * (flow.tokens.shape[1] + flow.prompt.tokens.shape[1])
        let noise = try Tensor.randn([1, 80, frames], generator: flow.generator())
        let longer = try noise.padded([0, 5])
        let mel = try flow.tokenToMel(
            tokens: flow.tokens, prompt: flow.prompt, noise: longer, generator: Generator(seed: 99))
        try expectClose(mel, flow.fixture.output("mel"), relative: tolerance)
    }

    @Test("a prompt that ends in the middle of a token keeps its last frame")
    func oddPrompt() throws {
        let flow = try FlowFixture("flow")
        let prompt = try SpeechPrompt(
            tokens: flow.prompt.tokens, mel: flow.prompt.mel.padded([0, 0, 0, 1]), speaker: flow.prompt.speaker)
        let mel = try flow.tokenToMel(tokens: flow.tokens, prompt: prompt, generator: flow.generator())
        #expect(try mel.shape == [1, 80, 2 * flow.tokens.shape[1] - 1])
    }

    @Test("a voice without a recording works")
    func emptyPrompt() throws {
        let flow = try FlowFixture("flow")
        let prompt = try SpeechPrompt(
            tokens: .zeros([1, 0], dtype: .int64), mel: .zeros([1, 0, 80]), speaker: flow.prompt.speaker)
        let mel = try flow.tokenToMel(tokens: flow.tokens, prompt: prompt, generator: flow.generator())
        #expect(try mel.shape == [1, 80, 2 * flow.tokens.shape[1]])
        #expect(try mel.isFinite().all().item(Bool.self))
    }

    @Test("bfloat16 weights give nearly the same mel")
    func lowPrecision() throws {
        let flow = try FlowFixture("flow")
        let tensors = try flow.weights.parameters.mapValues { try $0.to(.bfloat16) }
        let rounded = try TokenToMel(Weights(tensors: tensors, named: "bfloat16"), flow.configuration)
        let mel = try rounded(tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator())
        #expect(mel.dtype == .float32)
        try expectClose(mel, flow.fixture.output("mel"), relative: 0.1)
    }

    @Test("the checkpoint is called before every step and can end the flow")
    func cancellation() throws {
        struct Stop: Error {}
        let flow = try FlowFixture("flow")
        var steps = 0
        _ = try flow.tokenToMel(
            tokens: flow.tokens, prompt: flow.prompt, steps: 4, generator: flow.generator(), checkpoint: { steps += 1 })
        #expect(steps == 4)
        #expect(throws: Stop.self) {
            try flow.tokenToMel(
                tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator(), checkpoint: { throw Stop() })
        }
    }

    @Test("invalid input is refused with a reason")
    func refusals() throws {
        let flow = try FlowFixture("flow")
        let generator = try flow.generator()
        let (tokens, prompt) = try (flow.tokens, flow.prompt)
        func expect(_ error: FlowError, _ body: () throws -> Tensor) {
            #expect(throws: error) { _ = try body() }
        }
        expect(.tokenOutOfRange(61, limit: 61)) {
            try flow.tokenToMel(tokens: Tensor([3, 61], shape: [1, 2]), prompt: prompt, generator: generator)
        }
        expect(.tokenOutOfRange(-1, limit: 61)) {
            try flow.tokenToMel(tokens: Tensor([-1], shape: [1, 1]), prompt: prompt, generator: generator)
        }
        expect(.noTokens) {
            try flow.tokenToMel(tokens: .zeros([1, 0], dtype: .int64), prompt: prompt, generator: generator)
        }
        expect(.promptLength(tokens: 9, frames: 17, framesPerToken: 2)) {
            let short = try SpeechPrompt(
                tokens: prompt.tokens, mel: prompt.mel.narrow(axis: 1, from: 0, count: 17), speaker: prompt.speaker)
            return try flow.tokenToMel(tokens: tokens, prompt: short, generator: generator)
        }
        expect(.steps(0)) {
            try flow.tokenToMel(tokens: tokens, prompt: prompt, steps: 0, generator: generator)
        }
        var configuration = flow.configuration
        configuration.encoder.headCount = 3
        #expect(throws: FlowError.self) { try TokenToMel(flow.weights, configuration) }
    }

    @Test("a configuration is the same after encoding as JSON and decoding")
    func configurationRoundTrip() throws {
        let data = try JSONEncoder().encode(FlowConfiguration.meanFlow)
        #expect(try JSONDecoder().decode(FlowConfiguration.self, from: data) == .meanFlow)
    }
}
