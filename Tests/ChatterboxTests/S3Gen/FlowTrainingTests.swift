import Testing
import TestSupport
import Torch

@testable import Chatterbox

@Suite("Flow training")
struct FlowTrainingTests {
    @Test("loss and gradients are upstream's")
    func lossMatches() throws {
        let fixture = try Fixture("flow")
        let configuration = try fixture.config(as: FlowConfiguration.self)
        let weights = fixture.weights
        let watched = fixture.outputNames.filter { $0.hasPrefix("loss.gradient.") }
        #expect(!watched.isEmpty)
        let tokenToMel = try TokenToMel(weights, configuration)
        for parameter in weights.parameters.values { try parameter.requiresGradient(true) }

        let loss = try tokenToMel.loss(
            tokens: fixture.input("loss.tokens"), mel: fixture.input("loss.mel"),
            speaker: fixture.input("loss.speaker"), prompts: fixture.input("loss.prompts").array(),
            generator: Generator(seed: UInt64(fixture.input("loss_seed").item(of: Int.self))))
        try expectClose(loss, fixture.output("loss.loss"), relative: 1e-5)

        try loss.backward()
        for name in watched {
            let parameter = try #require(weights.parameters[String(name.dropFirst("loss.gradient.".count))])
            try expectClose(#require(parameter.gradient), fixture.output(name), relative: 1e-4)
        }
    }
}
