import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Flow training")
struct FlowTrainingTests {
    @Test("loss and gradients are upstream's")
    func lossMatches() throws {
        let flow = try FlowFixture("flow")
        let fixture = flow.fixture
        let watched = fixture.outputs.keys.filter { $0.hasPrefix("loss.gradient.") }
        #expect(!watched.isEmpty)
        for parameter in flow.weights.parameters.values { try parameter.requiresGradient(true) }

        let loss = try flow.tokenToMel.loss(
            tokens: fixture.input("loss.tokens"), mel: fixture.input("loss.mel"),
            speaker: fixture.input("loss.speaker"), prompts: fixture.input("loss.prompts").array(),
            generator: Generator(seed: UInt64(fixture.input("loss_seed").item(Int.self))))
        try expectClose(loss, fixture.output("loss.loss"), relative: tolerance)

        try loss.backward()
        for name in watched {
            let parameter = try #require(flow.weights.parameters[String(name.dropFirst("loss.gradient.".count))])
            let gradient = try parameter.gradient
            try expectClose(#require(gradient), fixture.output(name), relative: tolerance, name)
        }
    }

    /// Two utterances of different lengths, for a model that starts from random weights.
    private func batch(_ configuration: FlowConfiguration) throws -> (tokens: Tensor, mel: Tensor, speaker: Tensor) {
        let generator = try Generator(seed: 3)
        return try (
            Tensor.randint(0..<configuration.tokenCount, [2, 10], generator: generator),
            Tensor.randn([2, configuration.melChannels, 20], generator: generator),
            Tensor.randn([2, configuration.speakerSize], generator: generator)
        )
    }

    @Test("descending the gradient lowers the loss", arguments: ["flow", "flow_mean"])
    func descent(name: String) throws {
        let configuration = try Fixture(name).config(as: FlowConfiguration.self)
        let weights = try Weights(initialising: Generator(seed: 1))
        let model = try TokenToMel(weights, configuration)
        let (tokens, mel, speaker) = try batch(configuration)
        let parameters = try weights.parameters.values.map { try $0.requiresGradient(true) }
        var losses: [Double] = []
        for _ in 0..<40 {
            let loss = try model.loss(
                tokens: tokens, lengths: [10, 6], mel: mel, speaker: speaker, generator: Generator(seed: 5))
            try loss.backward()
            try withoutGradients {
                for parameter in parameters {
                    guard let gradient = try parameter.gradient else { continue }
                    try parameter.add(inPlace: gradient, scale: -0.05)
                    try parameter.clearGradient()
                }
            }
            try losses.append(loss.item())
        }
        #expect(losses.allSatisfy { $0.isFinite })
        #expect(losses.last! < 0.9 * losses.first!, "\(losses)")
    }

    @Test("padding after an utterance's end does not matter")
    func paddingIsInvisible() throws {
        let flow = try FlowFixture("flow")
        let (tokens, mel, speaker) = try batch(flow.configuration)
        func loss(_ tokens: Tensor, _ mel: Tensor) throws -> Tensor {
            try flow.tokenToMel.loss(
                tokens: tokens, lengths: [10, 6], mel: mel, speaker: speaker, prompts: [0, 3],
                generator: Generator(seed: 5))
        }
        let (otherTokens, otherMel) = try (tokens.clone(), mel.clone())
        try otherTokens[1, 6...].fill(4)
        try otherMel[1, .all, 12...].fill(9)
        try expectClose(loss(otherTokens, otherMel), loss(tokens, mel), relative: 1e-6)
    }

    @Test("impossible batches are refused with a reason")
    func refusals() throws {
        let flow = try FlowFixture("flow")
        let (tokens, mel, speaker) = try batch(flow.configuration)
        let generator = try Generator(seed: 5)
        #expect(throws: FlowError.shape("mel", expected: "[2, 80, 20]", found: [2, 80, 19])) {
            try flow.tokenToMel.loss(
                tokens: tokens, mel: mel.narrow(axis: 2, from: 0, count: 19), speaker: speaker, generator: generator)
        }
        #expect(throws: FlowError.shape("lengths", expected: "2 numbers in 1...10", found: [10, 0])) {
            try flow.tokenToMel.loss(
                tokens: tokens, lengths: [10, 0], mel: mel, speaker: speaker, generator: generator)
        }
    }
}
