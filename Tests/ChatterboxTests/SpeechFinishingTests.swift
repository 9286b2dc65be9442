import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import Chatterbox

@Suite("The last steps of speech", .standInModel) struct SpeechFinishingTests {
    private func finishing(sampleRate: Int = 1000, speed: Double = 1, loudness: Double? = nil) throws -> SpeechFinishing {
        try SpeechFinishing(
            try Model.load(StandInModel.folder), sampleRate: sampleRate, options: SpeechOptions(watermark: false, speed: speed, loudness: loudness),
            since: .now)
    }

    @Test("the end of a silence is held back, so that a request that ends in silence still ends with samples and its last report") func held() throws
    {
        var finishing = try finishing()
        let silence = [Float](repeating: 0, count: 400)
        #expect(try finishing([1, 1] + silence, isLast: false) == [1, 1] + silence.prefix(150))
        #expect(try finishing([], isLast: false).isEmpty)
        #expect(finishing.report.audioSeconds == 0.152)
        #expect(try finishing([], isLast: true) == Array(silence.prefix(250)))
        #expect(finishing.report.audioSeconds == 0.402)
    }

    @Test("sound is delivered at once, with the silence before it") func immediate() throws {
        var finishing = try finishing()
        #expect(try finishing([0, 0, 0], isLast: false).isEmpty)
        #expect(try finishing([0, 0.5], isLast: false) == [0, 0, 0, 0, 0.5])
        #expect(try finishing([0.25], isLast: true) == [0.25])
    }

    @Test("at another speed speech has another duration, and is delivered before its end") func speed() throws {
        var finishing = try finishing(sampleRate: 24_000, speed: 2)
        let second = (0..<24_000).map { 0.4 * sin(Float($0) / 30) }
        let first = try finishing(second, isLast: false), rest = try finishing(second, isLast: true)
        #expect(first.count > 10_000 && first.count + rest.count == 24_000)
        #expect(finishing.report.audioSeconds == 1)
    }

    @Test("speech has the requested loudness, in one piece at the end") func loudness() throws {
        var finishing = try finishing(sampleRate: 24_000, loudness: -20)
        let second = (0..<24_000).map { 0.01 * sin(Float($0) / 8) }
        #expect(try finishing(second, isLast: false).isEmpty)
        let whole = try finishing(second, isLast: true)
        #expect(whole.count == 48_000)
        #expect(try abs(#require(try Audio(samples: whole, sampleRate: 24_000).loudness()) + 20) < 0.01)
        #expect(finishing.report.warnings.isEmpty)
    }

    @Test("loudness is limited by the peaks, with a warning") func peaks() throws {
        var finishing = try finishing(sampleRate: 24_000, loudness: -5)
        var speech = (0..<48_000).map { 0.01 * sin(Float($0) / 8) }
        speech[20_000] = 0.9
        let peak = try finishing(speech, isLast: true).map(abs).max()!
        #expect(abs(peak - Float(pow(10, -1.0 / 20))) < 1e-4)
        #expect(finishing.report.warnings.map(\.kind) == [.loudnessLimited])
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
