import SpeechAudio
import TestSupport
import Testing

@testable import Chatterbox

@Suite("The last steps of speech", .standInModel) struct SpeechFinishingTests {
    private func finishing(warnings: [SpeechWarning] = []) throws -> SpeechFinishing {
        SpeechFinishing(try Model.load(StandInModel.folder), sampleRate: 1000, watermark: false, warnings: warnings, since: .now)
    }

    @Test("the end of a silence waits, so that a request that ends in nothing ends with samples and its last report") func held() throws {
        var finishing = try finishing()
        let silence = [Float](repeating: 0, count: 400)
        #expect(try finishing([1, 1] + silence, isLast: false) == [1, 1] + silence.prefix(150))
        #expect(try finishing([], isLast: false).isEmpty)
        #expect(finishing.report.audioSeconds == 0.152)
        #expect(try finishing([], isLast: true) == Array(silence.prefix(250)))
        #expect(finishing.report.audioSeconds == 0.402)
    }

    @Test("sound goes on at once, with the silence before it") func immediate() throws {
        var finishing = try finishing()
        #expect(try finishing([0, 0, 0], isLast: false).isEmpty)
        #expect(try finishing([0, 0.5], isLast: false) == [0, 0, 0, 0, 0.5])
        #expect(try finishing([0.25], isLast: true) == [0.25])
    }

    @Test("the first sound is the first above -60 dB") func audible() throws {
        var finishing = try finishing()
        _ = try finishing([0, 0.0009, -0.0009], isLast: false)
        #expect(finishing.report.firstAudioSeconds == 0)
        _ = try finishing([-0.0011], isLast: false)
        let first = finishing.report.firstAudioSeconds
        #expect(first > 0 && first == finishing.report.wallSeconds)
        _ = try finishing([1], isLast: true)
        #expect(finishing.report.firstAudioSeconds == first)
    }
}
