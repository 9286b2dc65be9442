import Testing
import TestSupport
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
        try expectClose(loss, fixture.output("loss.loss"), relative: 1e-5)

        try loss.backward()
        for name in watched {
            let parameter = try #require(flow.weights.parameters[String(name.dropFirst("loss.gradient.".count))])
            let gradient = try parameter.gradient
            try expectClose(#require(gradient), fixture.output(name), relative: 1e-4, name)
        }
    }
}
