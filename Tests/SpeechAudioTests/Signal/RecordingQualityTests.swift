import Foundation
import Testing

@testable import SpeechAudio

@Suite("What a recording is like")
struct RecordingQualityTests {
    private static let rate = 16_000

    /// Syllables of a buzz: 0.3 s each, with 0.1 s between.
    private static func speech(_ seconds: Double, level: Float = 0.3) -> [Float] {
        (0..<Int(seconds * Double(rate))).map { index in
            let time = Double(index) / Double(rate), syllable = time.truncatingRemainder(dividingBy: 0.4)
            guard syllable < 0.3 else { return 0 }
            return level * Float(sin(syllable / 0.3 * .pi) * sin(2 * .pi * 140 * time))
        }
    }

    private static func noise(_ seconds: Double, level: Float) -> [Float] {
        var state: UInt32 = 1
        return (0..<Int(seconds * Double(rate))).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return level * (Float(state >> 8) / Float(1 << 23) - 1)
        }
    }

    private func audio(_ samples: [Float], channels: Int = 1) -> Audio { Audio(samples: samples, sampleRate: Self.rate, channels: channels) }

    @Test("an ordinary recording is used as it is, and nothing is said of it", arguments: [1.0, 5, 12, 40]) func ordinary(seconds: Double) throws {
        let recording = audio(Self.noise(0.4, level: 1e-4) + Self.speech(seconds) + Self.noise(1, level: 1e-4))
        let reference = try recording.asReference(named: "me.wav")
        #expect(reference.audio == recording && reference.used == nil && reference.notes.isEmpty)
        let tone = audio((0..<Self.rate).map { 0.5 * Float(sin(Double($0) * 0.05)) })
        #expect(try tone.asReference(named: "tone.wav").audio == tone)
        #expect(try tone.asReference(named: "tone.wav").notes.isEmpty)
    }

    @Test("a beginning without a voice is left out", arguments: [Float(0), 1e-3]) func silentBeginning(level: Float) throws {
        let recording = audio(Self.noise(12, level: level) + Self.speech(6))
        let reference = try recording.asReference(named: "me.wav")
        let used = try #require(reference.used)
        #expect(abs(used.lowerBound - 11.8) < 0.1 && used.upperBound == 18)
        #expect(abs(reference.audio.duration - 6.2) < 0.1)
        #expect(reference.notes == [String(format: "it is used from %.1f s on, where the speech is", used.lowerBound)])
    }

    @Test("where a little speech comes early and most of it late, the late part is used") func lateSpeech() throws {
        let recording = audio(Self.speech(1.2) + Self.noise(20, level: 1e-4) + Self.speech(15))
        let used = try #require(try recording.asReference(named: "me.wav").used)
        #expect(abs(used.lowerBound - 21) < 0.3)
    }

    @Test("no voice, and channels that cancel each other, are refused") func refused() {
        #expect(throws: AudioError.self) { try audio(Self.noise(3, level: 0)).asReference(named: "me.wav") }
        let speech = Self.speech(3), mirrored = audio(speech.flatMap { [$0, -$0] }, channels: 2)
        #expect(throws: AudioError.cancelling(name: "me.wav")) { try mirrored.checkedAsReference(named: "me.wav") }
        let half = audio(speech.flatMap { [$0, 0] }, channels: 2)
        #expect(throws: Never.self) { try half.checkedAsReference(named: "me.wav") }
    }

    @Test("level, noise, clipping and offset are measured") func figures() {
        let clean = RecordingQuality(of: audio(Self.noise(1, level: 1e-3) + Self.speech(8) + Self.noise(1, level: 1e-3)))
        #expect(abs(clean.speechSeconds - 8) < 0.3 && abs(clean.level + 17.7) < 1.5 && clean.clipping == 0 && abs(clean.offset) < 0.001)
        #expect(abs((clean.noise ?? 0) + 64.8) < 1 && clean.problems.isEmpty)
        let loud = RecordingQuality(of: audio(Self.speech(5, level: 9).map { max(-1, min(1, $0)) }))
        #expect(loud.clipping > 0.2 && loud.problems.first?.contains("clipped") == true)
        let shifted = RecordingQuality(of: audio(Self.speech(5).map { $0 + 0.4 }))
        #expect(abs(shifted.offset - 0.4) < 0.01 && shifted.problems == ["it has an offset of 0.40"])
        let noisy = RecordingQuality(of: audio(zip(Self.speech(5) + [Float](repeating: 0, count: Self.rate), Self.noise(6, level: 0.06)).map { $0 + $1 }))
        #expect(noisy.problems.first?.contains("noisy") == true)
    }

    @Test("an offset, over-loud and faint recordings are mended, and that is said") func mended() throws {
        let shifted = try audio(Self.speech(5).map { $0 + 0.4 }).asReference(named: "me.wav")
        #expect(abs(shifted.audio.samples.reduce(0, +) / Float(shifted.audio.frames)) < 1e-4 && shifted.notes.count == 1)
        let loud = try audio(Self.speech(5, level: 9)).asReference(named: "me.wav")
        #expect(abs(loud.audio.peak) < 0.3 && loud.notes.contains { $0.contains("beyond full scale") })
        let faint = try audio(Self.speech(5, level: 0.003)).asReference(named: "me.wav")
        #expect(abs(RecordingQuality(of: faint.audio).level + 27) < 1 && faint.notes.contains { $0.contains("quiet") })
    }
}
