import Foundation
import SpeechText
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Joining speech")
struct SpeechJoinerTests {
    private let joiner = SpeechJoiner(sampleRate: 24_000)

    /// A tone between periods of faint noise, in seconds.
    private func piece(before: Double, tone: Double, after: Double) -> [Float] {
        func count(_ seconds: Double) -> Int { Int(seconds * 24_000) }
        let faint = { (index: Int) in Float(index % 7) * 1e-4 }
        return (0..<count(before)).map(faint) + (0..<count(tone)).map { 0.5 * Float(sin(Double($0) * 0.2)) } + (0..<count(after)).map(faint)
    }

    @Test("silence around a piece is cut to the same margins, whatever its length")
    func trimming() {
        let short = joiner.trimmed(piece(before: 0.2, tone: 1, after: 0.3)), long = joiner.trimmed(piece(before: 0.5, tone: 1, after: 1.5))
        #expect(abs(short.count - long.count) <= 480)
        let seconds = Double(short.count) / 24_000
        #expect(abs(seconds - 1.11) < 0.02)
    }

    @Test("cut ends are faded; uncut ends stay unchanged")
    func fades() {
        let cut = joiner.trimmed(piece(before: 0.5, tone: 1, after: 0.5))
        #expect(cut.first == 0 && cut.last == 0)
        let whole = piece(before: 0, tone: 1, after: 0)
        #expect(joiner.trimmed(whole) == whole)
    }

    @Test("sentences spoken together are divided at the silence between them, whatever other silences there are") func joints() {
        // A short sentence, a long one with a comma in it.
        let spoken = piece(before: 0.1, tone: 0.4, after: 0.2) + piece(before: 0, tone: 1, after: 0.15) + piece(before: 0, tone: 1, after: 0.3)
        let cuts = joiner.cuts(of: spoken, at: [TextPlan.Joint(share: 0.15, pause: 0.7)])
        #expect(cuts.count == 1 && abs(cuts[0].sample - 14_400) < 500 && abs(cuts[0].silence - 12_000) < 500)
        let opened = joiner.opened(spoken, at: cuts)
        #expect(opened.count == spoken.count + cuts[0].silence)
        #expect(opened[cuts[0].sample..<cuts[0].sample + cuts[0].silence].allSatisfy { $0 == 0 })
        #expect(opened[cuts[0].sample - 1] == 0)
        // Without a silence nearby, nothing is cut.
        #expect(joiner.cuts(of: piece(before: 0.1, tone: 3, after: 0.1), at: [TextPlan.Joint(share: 0.5, pause: 0.7)]).isEmpty)
        let words = [SpokenWord(text: "No.", start: 0.1, end: 0.6), SpokenWord(text: "He", start: 0.75, end: 1)].map {
            $0.moved(by: cuts, sampleRate: 24_000)
        }
        #expect(abs(words[0].end - 0.6) < 0.01 && abs(words[1].start - 1.25) < 0.05 && abs(words[1].end - words[1].start - 0.25) < 0.01)
    }

    @Test("silence has exactly the requested length, and nothing is left of a piece of silence")
    func silence() {
        #expect(joiner.silence(0.5) == Array(repeating: 0, count: 12_000))
        #expect(joiner.trimmed(joiner.silence(1)).isEmpty)
        #expect(joiner.trimmed([]).isEmpty)
    }

    @Test("a sentence's pause is longer than a clause's, and a paragraph's is the longest")
    func pauses() {
        let pauses = SentenceSplitter.Boundary.allCases.map { Pauses.standard(after: $0) }
        #expect(pauses == pauses.sorted() && Set(pauses).count == pauses.count)
    }
}

@Suite("Loop guard")
struct LoopGuardTests {
    @Test("repetition of any period is detected after several seconds, and one period is kept", arguments: [1, 2, 7, 25])
    func circles(period: Int) {
        let circle = LoopGuard()
        let before = (0..<40).map { 1000 + $0 }
        let tokens = before + (0..<75).map { $0 % period }
        #expect(circle.repeated(in: tokens) == 75 - period)
        #expect(circle.repeated(in: Array(tokens.dropLast())) == 0)
    }

    @Test("tokens that were final are never removed", arguments: 0..<20)
    func risk(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let circle = LoopGuard(), period = Int.random(in: 1...25, using: &random), alphabet = Int.random(in: 2...40, using: &random)
        var tokens: [Int] = [], certain = 0
        let free = Int.random(in: 0...120, using: &random)
        while circle.repeated(in: tokens) == 0 {
            tokens.append(tokens.count < free + period ? Int.random(in: 0..<alphabet, using: &random) : tokens[tokens.count - period])
            certain = max(certain, tokens.count - circle.atRisk(in: tokens))
        }
        #expect(tokens.count - circle.repeated(in: tokens) >= certain)
        #expect(circle.atRisk(in: [1, 2, 3, 4]) == 0 && circle.atRisk(in: []) == 0)
    }

    @Test("speech that only resembles itself continues")
    func speech() {
        var tokens = (0..<400).map { ($0 * $0) % 97 }
        #expect(LoopGuard().repeated(in: tokens) == 0)
        tokens += Array(repeating: 5, count: 50)
        #expect(LoopGuard().repeated(in: tokens) == 0)
    }

    @Test("a longer text has a larger token limit, and figures and wide characters count more")
    func budgets() {
        #expect(speechBudget(for: "Hi.") >= 50)
        #expect(speechBudget(for: "A sentence of ordinary length, to be spoken.") > speechBudget(for: "A sentence."))
        #expect(speechBudget(for: "1789") > speechBudget(for: "abcd"))
        #expect(speechBudget(for: "東京都庁") > speechBudget(for: "abcd"))
    }
}
