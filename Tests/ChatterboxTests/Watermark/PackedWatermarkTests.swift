import Kernels
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// The packed way to mark against the exact one, which follows upstream.
@Suite("Watermark with packed weights") struct PackedWatermarkTests {
    let exact, packed: Watermarker
    let recording: Audio

    init() throws {
        let tests = try WatermarkerTests()
        (exact, recording) = (tests.watermarker, tests.recording)
        packed = exact.packed(team: try ThreadTeam(threads: 2))
    }

    @Test("what it adds is what the exact way adds, within 1e-6 of full scale", arguments: [16_000, 24_000, 32_000, 48_000])
    func mark(rate: Int) throws {
        // Between silences, for a resampler does not hear what was cut off.
        let silence = [Float](repeating: 0, count: 2000)
        let sound = Audio(samples: silence + recording.samples + silence, sampleRate: rate)
        // The exact way marks what comes back from the networks' rate.
        let heard = try sound.resampled(to: exact.configuration.sampleRate).resampled(to: rate).prefix(frames: sound.frames)
        let expected = try exact.markedAtOnce(sound).tensor() - heard.tensor()
        let added = try packed.markedAtOnce(sound).tensor() - sound.tensor()
        #expect(try expected.abs().max().item(Float.self) > 1e-3)
        #expect(try (added - expected).abs().max().item(Float.self) < 1e-6)
    }

    @Test("its mark is found as surely") func detection() throws {
        let expected = try exact.confidence(in: exact.marked(recording))
        #expect(abs(try exact.confidence(in: packed.marked(recording)) - expected) < 1e-3)
    }

    @Test("at a rate at which the window is no whole number of samples it marks the exact way", arguments: [22_050, 44_100])
    func otherRates(rate: Int) throws {
        let sound = Audio(samples: recording.samples, sampleRate: rate)
        #expect(try packed.marked(sound) == exact.marked(sound))
    }

    @Test("speech marked in pieces is speech marked at once, with any number of threads") func stream() throws {
        let long = Audio(samples: (0..<36).flatMap { _ in recording.samples }, sampleRate: 24_000)
        #expect(long.duration > Double(2 * packed.longestStretch))
        let marked = try packed.marked(long)
        try expectClose(marked.tensor(), packed.markedAtOnce(long).tensor(), relative: 1e-5)
        #expect(try exact.packed(team: ThreadTeam(threads: 1)).marked(long) == marked)
    }
}
