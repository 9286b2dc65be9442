import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@Suite("Resampling")
struct ResamplingTests {
    let fixture: Fixture
    let recording: Audio

    init() throws {
        fixture = try Fixture("audio")
        recording = try AudioFile.read(fixturesFolder.appending(path: "recording.flac"))
    }

    /// The middle 4000 samples, which are in the fixture.
    private func middle(_ samples: [Float]) throws -> Tensor {
        let start = (samples.count - 4000) / 2
        return try Tensor(Array(samples[start..<start + 4000]))
    }
    /// The recording's beginning as if it had this sample rate.
    private func beginning(_ frames: Int = 40_000, at rate: Int) -> Audio {
        Audio(samples: Array(recording.mono().samples.prefix(frames)), sampleRate: rate)
    }

    @Test("the recording at 24 and at 16 kHz is librosa's") func chain() throws {
        try expectClose(middle(recording.mono().samples), fixture.output("mono"), relative: 1e-7)
        let wide = try recording.mono().resampled(to: 24_000)
        try expectClose(middle(wide.samples), fixture.output("wide"), relative: 1e-6)
        try expectClose(middle(wide.resampled(to: 16_000).samples), fixture.output("narrow"), relative: 1e-6)
    }

    private static let pairs = [(44_100, 16_000), (8000, 24_000), (11_025, 48_000), (22_050, 24_000), (16_000, 44_100), (96_000, 24_000)]

    @Test("other rates also give librosa's result", arguments: pairs) func soxr(given: Int, wanted: Int) throws {
        try expectClose(
            middle(beginning(at: given).resampled(to: wanted).samples), fixture.output("soxr.\(given).\(wanted)"), relative: 1e-6)
    }

    @Test("the number of samples is librosa's") func lengths() throws {
        let found = try Self.pairs.flatMap { given, wanted in
            try [1, 999, 40_000].map { try beginning($0, at: given).resampled(to: wanted).frames }
        }
        #expect(try found == fixture.output("lengths").array(of: Int.self))
    }

    @Test("the windowed sinc is torchaudio's", arguments: [(24_000, 16_000), (16_000, 24_000), (44_100, 16_000), (48_000, 24_000)])
    func sinc(given: Int, wanted: Int) throws {
        let resampled = try WindowedSincResampler(from: given, to: wanted)(beginning(at: given).tensor())
        try expectClose(middle(resampled.array()), fixture.output("sinc.\(given).\(wanted)"), relative: 1e-5)
    }

    @Test("the windowed sinc gives the number of samples of torchaudio") func sincLengths() throws {
        let resampler = try WindowedSincResampler(from: 24_000, to: 16_000)
        let found = try [1, 2, 3, 999, 1000, 1001, 40_000].map { try resampler(beginning($0, at: 24_000).tensor()).size(1) }
        #expect(try found == fixture.output("sinc_lengths").array(of: Int.self))
    }

    @Test("equal rates change nothing") func identity() throws {
        let sound = beginning(1000, at: 24_000)
        #expect(try sound.resampled(to: 24_000) == sound)
        #expect(try WindowedSincResampler(from: 24_000, to: 24_000)(sound.tensor()).array(of: Float.self) == sound.samples)
    }

    @Test("channels are resampled independently") func channels() throws {
        let left = beginning(5000, at: 48_000), right = Audio(samples: left.samples.reversed(), sampleRate: 48_000)
        let both = Audio(samples: zip(left.samples, right.samples).flatMap { [$0, $1] }, sampleRate: 48_000, channels: 2)
        let resampled = try both.resampled(to: 16_000)
        #expect(resampled.channels == 2)
        for (channel, alone) in try [left, right].map({ try $0.resampled(to: 16_000).samples }).enumerated() {
            let found = stride(from: channel, to: resampled.samples.count, by: 2).map { resampled.samples[$0] }
            #expect(zip(found, alone).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test("a sine stays a sine, and one above the new Nyquist frequency vanishes", arguments: [(48_000, 16_000), (16_000, 48_000), (44_100, 24_000)])
    func sine(given: Int, wanted: Int) throws {
        func sine(_ frequency: Double, _ rate: Int) -> [Float] { (0..<rate / 2).map { Float(sin(2 * .pi * frequency * Double($0) / Double(rate))) } }
        func inside(_ samples: [Float]) -> ArraySlice<Float> { samples[samples.count / 4..<samples.count * 3 / 4] }
        let resampled = try Audio(samples: sine(440, given), sampleRate: given).resampled(to: wanted).samples
        #expect(zip(inside(resampled), inside(sine(440, wanted))).allSatisfy { abs($0 - $1) < 1e-4 })
        guard wanted < given else { return }
        let high = try Audio(samples: sine(0.45 * Double(given), given), sampleRate: given).resampled(to: wanted).samples
        #expect(inside(high).allSatisfy { abs($0) < 1e-4 })
    }
}
