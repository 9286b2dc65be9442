import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Speaker encoder") struct SpeakerEncoderTests {
    let fixture: Fixture
    let encoder: SpeakerEncoder

    init() throws {
        fixture = try Fixture("speaker_encoder")
        encoder = try SpeakerEncoder(fixture.weights, fixture.config(as: SpeakerEncoderConfig.self))
    }

    @Test("recordings give upstream's x-vectors", arguments: ["filterbank_60", "filterbank_463"])
    func recordings(name: String) throws {
        let filterbank = try fixture.input(name).unsqueezed(0), expected = try fixture.output(name)
        try expectClose(encoder(filterbank), expected, relative: 1e-4, name)
        try expectClose(encoder.packed(team: ThreadTeam(threads: 2))(filterbank), expected, relative: 1e-4, "\(name), packed")
    }

    @Test("every tensor of the checkpoint is used") func complete() throws {
        let weights = fixture.weights
        _ = try SpeakerEncoder(weights, encoder.config)
        try weights.requireAllUsed()
    }
}
