import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// The packed networks compared with upstream and with the exact ones.
@Suite("S3Gen with packed weights") struct PackedS3GenTests {
    @Test(
        "the flow gives upstream's mel, as near as the weights are", arguments: ["flow", "flow_mean"],
        [
            (WeightFormat.float32, tolerance), (.int8, 0.04), (.int4, 0.3),
        ])
    func mel(name: String, format: (weights: WeightFormat, tolerance: Double)) throws {
        let flow = try FlowFixture(name)
        let packed = try flow.tokenToMel.packed(format.weights, team: ThreadTeam(threads: 2))
        let mel = try packed(tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator())
        try expectClose(mel, flow.fixture.output("mel"), relative: format.tolerance)
    }

    @Test(
        "the vocoder gives upstream's waveform within the precision of the weights",
        arguments: [
            (WeightFormat.float32, 1e-4), (.int8, 0.05),
        ])
    func waveform(format: WeightFormat, tolerance: Double) throws {
        let exact = try VocoderTests(), fixture = exact.fixture
        let packed = try exact.vocoder.packed(format, team: ThreadTeam(threads: 2))
        let (waveform, source) = try packed(
            fixture.input("longMel"), pitch: fixture.output("longPitch"), generator: Generator(seed: 8))
        try expectClose(exact.every(7, source), fixture.output("longSource"), relative: 1e-4)
        try expectClose(exact.every(5, waveform), fixture.output("longWaveform"), relative: tolerance)
    }

    @Test("the same seed gives the same sound with any number of threads", arguments: [WeightFormat.float32, .int8])
    func reproducible(format: WeightFormat) throws {
        let flow = try FlowFixture("flow"), vocoder = try VocoderTests()
        func sound(threads: Int) throws -> [Float] {
            let team = try ThreadTeam(threads: threads)
            let mel = try flow.tokenToMel.packed(format, team: team)(
                tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator())
            let speech = try vocoder.vocoder.packed(format, team: team)(vocoder.fixture.input("mel"), generator: Generator(seed: 1))
            return try mel.array() + speech.waveform.array()
        }
        let expected = try sound(threads: 1)
        #expect(try sound(threads: 2) == expected)
        #expect(try sound(threads: 3) == expected)
    }

    @Test("an error that the checkpoint throws ends the flow")
    func checkpoint() throws {
        let flow = try FlowFixture("flow_mean")
        let packed = try flow.tokenToMel.packed(.float32, team: ThreadTeam(threads: 1))
        #expect(throws: CancellationError.self) {
            try packed(tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator()) { throw CancellationError() }
        }
    }
}
