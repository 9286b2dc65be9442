import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Voice encoder") struct VoiceEncoderTests {
    let fixture: Fixture
    let encoder: VoiceEncoder

    init() throws {
        fixture = try Fixture("voice_encoder")
        encoder = try VoiceEncoder(fixture.weights, fixture.config(as: VoiceEncoderConfiguration.self))
    }

    @Test("partials give upstream's embeddings") func partials() throws {
        try expectClose(encoder(fixture.input("partials")), fixture.output("partials"), relative: 1e-4)
    }

    @Test("recordings give upstream's embeddings", arguments: ["mel_40", "mel_190", "mel_290", "mel_2700"])
    func recordings(name: String) throws {
        try expectClose(encoder.embedding(ofMel: fixture.input(name)), fixture.output(name), relative: 1e-4, name)
    }

    @Test(
        "a last partial counts if at least four fifths of it are within the recording",
        arguments: [
            (1, 1), (160, 1), (204, 1), (205, 2), (237, 2), (281, 2), (282, 3),
        ])
    func coverage(frames: Int, partials: Int) {
        #expect(encoder.partialCount(frames: frames) == partials)
    }

    @Test("every tensor of the checkpoint is used") func complete() throws {
        let weights = fixture.weights
        _ = try VoiceEncoder(weights, encoder.config)
        try weights.requireAllUsed()
    }
}
