import Foundation
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Silence around speech that is still being computed") struct SilenceGateTests {
    private let rate = 24_000

    private func tone(_ seconds: Double, level: Float = 0.5) -> [Float] {
        (0..<Int(seconds * Double(rate))).map { level * Float(sin(Double($0) * 0.2)) }
    }

    private func quiet(_ seconds: Double) -> [Float] { (0..<Int(seconds * Double(rate))).map { Float($0 % 7) * 1e-4 } }

    private func through(_ samples: [Float], pieces: [Int]) -> [Float] {
        var gate = SilenceGate(sampleRate: rate), rest = samples[...], result: [Float] = []
        for count in pieces {
            result += gate(Array(rest.prefix(count)), isLast: false)
            rest = rest.dropFirst(count)
        }
        result += gate(Array(rest), isLast: true)
        #expect(gate.kept.count == result.count)
        return result
    }

    @Test("it keeps the same part as trimming the whole", arguments: [0, 0.02, 0.5], [0, 0.05, 0.5]) func whole(before: Double, after: Double) {
        let speech = quiet(before) + tone(0.4) + quiet(0.3) + tone(0.4) + quiet(after)
        #expect(through(speech, pieces: [480, 9600, 4800]) == SpeechJoiner(sampleRate: rate).trimmed(speech))
    }

    @Test("samples do not depend on how the sound is divided") func pieces() {
        let speech = quiet(0.21) + tone(0.1, level: 0.01) + quiet(0.4) + tone(0.3) + tone(0.2, level: 0.002) + quiet(0.3)
        let whole = through(speech, pieces: [])
        var random = SeededRandom(seed: 3)
        for _ in 0..<20 {
            #expect(through(speech, pieces: (0..<60).map { _ in Int.random(in: 0...1200, using: &random) }) == whole)
        }
    }

    @Test("a quiet beginning is speech, because the later loudness is not known") func faintBeginning() {
        let speech = tone(0.3, level: 0.005) + tone(0.3)
        #expect(through(speech, pieces: [4800]) == speech)
    }

    @Test("speech is returned at once, except its last hundredth of a second") func atOnce() {
        var gate = SilenceGate(sampleRate: rate)
        let speech = tone(0.5)
        #expect(gate(speech, isLast: false) == Array(speech.dropLast(240)))
        #expect(gate([], isLast: true) == Array(speech.suffix(240)))
    }

    @Test("of silence only nothing is returned, and nothing is stored") func silence() {
        #expect(through(quiet(2), pieces: Array(repeating: 480, count: 50)).isEmpty)
        #expect(through([], pieces: []).isEmpty)
    }
}
