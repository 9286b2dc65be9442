import SpeechAudio
import TestSupport
import Testing

@Suite("Trimming")
struct TrimmingTests {
    @Test("the recording's edges are librosa's") func librosa() throws {
        let fixture = try Fixture("audio")
        let recording = try AudioFile.read(fixturesFolder.appending(path: "recording.flac"))
        let mono = recording.mono()
        var found: [Int] = []
        for (from, to) in [(0, 96_000), (0, 120_000), (30_000, 100_000), (50_000, 51_000)] {
            let part = Audio(samples: Array(mono.samples[from..<to]), sampleRate: 48_000)
            for decibels in [20.0, 40, 10] {
                let range = part.soundingFrames(topDecibels: decibels)
                found += [range.lowerBound, range.upperBound]
                #expect(part.trimmed(topDecibels: decibels).samples == Array(part.samples[range]))
            }
        }
        #expect(try found == fixture.output("trim").array(of: Int.self))
        let stereo = recording.prefix(frames: 96_000).soundingFrames()
        #expect(try [stereo.lowerBound, stereo.upperBound] == fixture.output("trim_stereo").array(of: Int.self))
    }

    @Test("a sound of constant loudness, a short one and an empty one stay unchanged") func unchanged() {
        let sines = SoundBytes.sines(rate: 16_000, channels: 1)
        #expect(sines.trimmed() == sines)
        for count in [0, 1, 100] {
            let short = Audio(samples: [Float](repeating: 0.5, count: count), sampleRate: 16_000)
            #expect(short.trimmed() == short)
        }
    }

    @Test("silence around a sound is removed, to within a frame") func silence() {
        let quiet = [Float](repeating: 0, count: 16_000)
        let sound = SoundBytes.sines(rate: 16_000, channels: 1)
        let range = Audio(samples: quiet + sound.samples + quiet, sampleRate: 16_000).soundingFrames()
        #expect(abs(range.lowerBound - 16_000) <= 2048)
        #expect(abs(range.upperBound - 24_000) <= 2048)
    }
}
