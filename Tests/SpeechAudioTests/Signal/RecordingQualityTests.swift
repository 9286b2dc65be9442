import Foundation
import Testing

@testable import SpeechAudio

@Suite("RecordingQuality")
struct RecordingQualityTests {
    private static let rate = 16_000

    /// Syllables of a buzz with overtones: 0.3 s each, with 0.1 s between them.
    private static func speech(_ seconds: Double, level: Float = 0.3) -> [Float] {
        (0..<Int(seconds * Double(rate))).map { index in
            let time = Double(index) / Double(rate), syllable = time.truncatingRemainder(dividingBy: 0.4)
            guard syllable < 0.3 else { return 0 }
            let buzz = (1...20).reduce(0.0) { $0 + sin(2 * .pi * 140 * Double($1) * time) / Double($1) }
            return level * Float(0.79 * sin(syllable / 0.3 * .pi) * buzz)
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

    @Test("an ordinary recording is used unchanged, without notes", arguments: [1.0, 5, 12, 40]) func ordinary(seconds: Double) throws {
        let recording = audio(Self.noise(0.4, level: 1e-4) + Self.speech(seconds) + Self.noise(1, level: 1e-4))
        let reference = try recording.asReference(named: "me.wav")
        #expect(reference.audio == recording && reference.used == nil && reference.notes.isEmpty)
    }

    /// Brownian noise, the cumulative sum of white noise, sounds like wind and traffic.
    private static func rumble(_ seconds: Double) -> [Float] {
        var sum: Float = 0
        return noise(seconds, level: 0.1).map {
            sum = 0.999 * sum + $0
            return sum * 0.2
        }
    }

    private static func tone(_ seconds: Double, _ frequency: Double, isOn: (Double) -> Bool = { _ in true }) -> [Float] {
        (0..<Int(seconds * Double(rate))).map { index in
            let time = Double(index) / Double(rate)
            return isOn(time) ? 0.3 * Float(sin(2 * .pi * frequency * time)) : 0
        }
    }

    @Test(
        "noise, rumble, hum, tones and beeps are not speech, even between silences",
        arguments: [
            noise(12, level: 0.3), noise(3, level: 1), noise(0.6, level: 0.01), rumble(5), tone(5, 440), tone(3, 50), tone(1, 5000),
            noise(2, level: 0) + tone(1, 440) + noise(2, level: 1e-4), tone(6, 800) { $0.truncatingRemainder(dividingBy: 1) < 0.4 },
            zip(noise(15, level: 0.3), 0...).map { $0 * (0.3 + 0.7 * Float($1) / Float(15 * rate)) },
        ])
    func notSpeech(samples: [Float]) {
        #expect(throws: AudioError.noSpeech(name: "me.wav")) { try audio(samples).asReference(named: "me.wav") }
        #expect(RecordingQuality(of: audio(samples)).speechSeconds == 0)
    }

    @Test("speech with much noise is still speech, and noisy") func speechInNoise() throws {
        let mixed = zip(Self.speech(6), Self.noise(6, level: 0.1)).map { $0 + $1 }
        let reference = try audio(mixed).asReference(named: "me.wav")
        #expect(reference.notes.contains { $0.contains("noisy") }, "\(reference.notes)")
    }

    @Test(
        "of a noisy or clipped beginning and a clean end, or the reverse, the clean part is used", arguments: [true, false], [true, false])
    func cleanStretch(isClipped: Bool, isFirst: Bool) throws {
        // Sentences of 3 s.
        func sentences(_ count: Int) -> [Float] { (0..<count).flatMap { _ in Self.speech(3) + Self.noise(0.5, level: 1e-4) } }
        let bad = isClipped ? sentences(6).map { max(-1, min(1, 8 * $0)) } : zip(sentences(6), Self.noise(21, level: 0.08)).map { $0 + $1 }
        let good = sentences(4)
        let recording = audio(isFirst ? bad + good : good + bad)
        let reference = try recording.asReference(named: "me.wav")
        let used = try #require(reference.used), clean = isFirst ? 21.0...35 : 0.0...14
        #expect(
            used.lowerBound >= clean.lowerBound - 0.5 && used.upperBound <= clean.upperBound + 5 && used.upperBound - used.lowerBound > 9.9, "\(used)"
        )
        #expect(reference.notes.first?.contains("where the speech is clean; elsewhere it is noisy or clipped") == true, "\(reference.notes)")
        if isFirst { #expect(reference.quality.problems.isEmpty, "\(reference.quality.problems)") }
    }

    @Test("a last sentence of one or two seconds counts as good as the rest", arguments: [11.0, 12, 13.5]) func lastSeconds(seconds: Double) throws {
        // It is quieter, in the same room.
        let recording = zip(zip(Self.speech(seconds), 0...).map { $1 < 10 * Self.rate ? $0 : 0.4 * $0 }, Self.noise(seconds, level: 0.03)).map {
            $0 + $1
        }
        let reference = try audio(recording).asReference(named: "me.wav")
        #expect(reference.used == nil && reference.notes.isEmpty, "\(reference.notes)")
    }

    @Test("speech that is quieter than the noise before it is found") func loudNoiseFirst() throws {
        let used = try #require(try audio(Self.noise(8, level: 0.5) + Self.speech(6, level: 0.05)).asReference(named: "me.wav").used)
        #expect(abs(used.lowerBound - 7.8) < 0.3, "\(used)")
    }

    @Test("a beginning without speech is left out", arguments: [Float(0), 1e-3]) func silentBeginning(level: Float) throws {
        let recording = audio(Self.noise(12, level: level) + Self.speech(6))
        let reference = try recording.asReference(named: "me.wav")
        let used = try #require(reference.used)
        #expect(abs(used.lowerBound - 11.8) < 0.1 && used.upperBound == 18)
        #expect(abs(reference.audio.duration - 6.2) < 0.1)
        #expect(reference.notes == [String(format: "it is used from %.1f s on, where the speech is", used.lowerBound)])
    }

    @Test("if a little speech is early and most of it late, the late part is used") func lateSpeech() throws {
        let recording = audio(Self.speech(1.2) + Self.noise(20, level: 1e-4) + Self.speech(15))
        let used = try #require(try recording.asReference(named: "me.wav").used)
        #expect(abs(used.lowerBound - 21) < 0.3)
    }

    @Test("a recording without a voice, and channels that cancel each other, are refused") func refused() {
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
        let noisy = RecordingQuality(
            of: audio(zip(Self.speech(5) + [Float](repeating: 0, count: Self.rate), Self.noise(6, level: 0.06)).map { $0 + $1 }))
        #expect(noisy.problems.first?.contains("noisy") == true)
    }

    @Test("an offset and recordings that are too loud or too quiet are corrected, with a note") func mended() throws {
        let shifted = try audio(Self.speech(5).map { $0 + 0.4 }).asReference(named: "me.wav")
        #expect(abs(shifted.audio.samples.reduce(0, +) / Float(shifted.audio.frames)) < 1e-4 && shifted.notes.count == 1)
        let loud = try audio(Self.speech(5, level: 9)).asReference(named: "me.wav")
        #expect(abs(loud.audio.peak) < 0.3 && loud.notes.contains { $0.contains("beyond full scale") })
        let faint = try audio(Self.speech(5, level: 0.003)).asReference(named: "me.wav")
        #expect(abs(RecordingQuality(of: faint.audio).level + 27) < 1)
        #expect(
            faint.notes == [
                String(format: "it is very quiet (%.0f dB of full scale)", faint.quality.level),
                String(format: "it was made %.0f dB louder", -27 - faint.quality.level),
            ])
        #expect(abs(faint.quality.level + 57.5) < 1.5)
    }
}
