import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Loudness")
struct LoudnessTests {
    /// The sounds of the fixture, in its order.
    private func sounds() throws -> [Audio] {
        let recording = try AudioFile.read(fixturesFolder.appending(path: "recording.flac"))
        let mono = recording.mono()
        let wide = try mono.resampled(to: 24_000)
        let quiet = Audio(samples: mono.samples + mono.samples.map { $0 * 0.003 } + mono.samples.prefix(30_000), sampleRate: 48_000)
        return [
            mono, wide, try wide.resampled(to: 16_000), Audio(samples: mono.samples, sampleRate: 44_100), recording, wide.prefix(frames: 24_000),
            quiet, Audio(samples: wide.samples.map { $0 * 0.01 }, sampleRate: 24_000),
        ]
    }

    @Test("the recording's loudness is pyloudnorm's, and the gain to −27 LUFS is the same within 1e-4") func pyloudnorm() throws {
        let expected = try Fixture("audio").output("loudness").array(of: Double.self)
        for (sound, expected) in zip(try sounds(), expected) {
            let loudness = try #require(try sound.loudness())
            // 1e-4 of a gain are 0.00087 dB.
            #expect(abs(loudness - expected) < 0.00087, "\(sound.channels) channels at \(sound.sampleRate) Hz: \(loudness), expected \(expected)")
        }
    }

    @Test("a sound has the loudness to which it was scaled") func normalised() throws {
        for sound in try sounds().prefix(3) {
            let loudness = try #require(try sound.normalised(toLUFS: -27).loudness())
            #expect(abs(loudness + 27) < 1e-3)
        }
    }

    @Test("twice the amplitude is 6.02 LU more") func amplitude() throws {
        let sound = SoundBytes.sines(rate: 48_000, channels: 1, seconds: 2)
        let half = Audio(samples: sound.samples.map { $0 / 2 }, sampleRate: 48_000)
        let difference = try #require(try sound.loudness()) - #require(try half.loudness())
        #expect(abs(difference - 20 * log10(2)) < 1e-6)
    }

    @Test("a full-scale sine of 997 Hz has −3.01 LUFS: the standard's own calibration") func calibration() throws {
        let samples = (0..<48_000 * 4).map { Float(sin(2 * .pi * 997 * Double($0) / 48_000)) }
        #expect(try abs(#require(try Audio(samples: samples, sampleRate: 48_000).loudness()) + 3.01) < 0.05)
    }

    @Test("a meter gives the same loudness and gain for sound in pieces") func meter() throws {
        for sound in try sounds() where sound.channels == 1 {
            var meter = LoudnessMeter(sampleRate: sound.sampleRate), random = SeededRandom(seed: 1), rest = sound.samples[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...30_000, using: &random))
                meter.take(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let (loudness, expected) = (try #require(meter.loudness), try #require(try sound.loudness()))
            #expect(abs(loudness - expected) < 1e-9)
            #expect(try abs(#require(meter.gain(toLUFS: -5, ceiling: -1)) - #require(try sound.gain(toLUFS: -5, ceiling: -1))) < 1e-9)
        }
        var silent = LoudnessMeter(sampleRate: 24_000)
        #expect(silent.loudness == nil && silent.gain(toLUFS: -16, ceiling: -1) == nil)
        silent.take([Float](repeating: 0, count: 48_000))
        #expect(silent.loudness == nil && silent.peak == -.infinity)
    }

    @Test("silence, and less than 0.4 s, has no loudness and stays unchanged") func undefined() throws {
        let silent = Audio(samples: [Float](repeating: 0, count: 48_000), sampleRate: 48_000)
        #expect(try silent.loudness() == nil)
        #expect(try silent.normalised(toLUFS: -27) == silent)
        #expect(try SoundBytes.sines(rate: 24_000, channels: 1, seconds: 0.39).loudness() == nil)
        #expect(throws: AudioError.self) { try SoundBytes.sines(rate: 8000, channels: 6).loudness() }
    }
}
