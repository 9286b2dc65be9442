import TestSupport
import Testing

@testable import SpeechText

@Suite("Word errors") struct WordErrorsTests {
    @Test(
        "wrong, missing and additional words count, capitals and punctuation do not",
        arguments: [
            ("Be careful with the basket!", "be careful with the basket", 0, 5), ("Be careful.", "Be very careful", 1, 2),
            ("one two three", "one three", 1, 3),
            ("Isn’t it?", "isn't it", 0, 2), ("one two", "", 2, 2), ("今日は雨。", "今日は雪", 1, 4), ("one two three", "two three four", 2, 3),
        ]) func counting(expected: String, transcript: String, wrong: Int, words: Int)
    {
        var errors = WordErrors()
        errors.add(expected: expected, transcript: transcript)
        #expect((errors.wrong, errors.words) == (wrong, words))
        #expect(errors.percent == 100 * Double(wrong) / Double(words))
    }

    @Test("errors of several sentences add up") func sums() {
        var all = WordErrors(expected: "one two", transcript: "one")
        all.add(WordErrors(expected: "three four five", transcript: "three for five"))
        #expect((all.wrong, all.words) == (2, 5) && all.percent == 40)
    }

    @Test(
        "figures count as they are spoken, tags for sounds do not count",
        arguments: [
            ("At 9:30 PM, $5.", "At nine thirty p m five dollars", 2), ("At 9:30 PM, $5.", "at 9:30 PM $5", 0), ("No. Sixty-two!", "no 62", 0),
            ("Well [laugh] yes.", "well yes", 0), ("Well [laugh] yes.", "well laugh yes", 1), ("Well [sic] yes.", "well yes", 1),
        ]) func spoken(text: String, transcript: String, wrong: Int) throws
    {
        let tokenizer = try GPT2Tokenizer(folder: fixturesFolder.appending(path: "gpt2"))
        let plan = try TextPipeline(tokenizer: tokenizer, normalizer: .turbo, languages: [.english])(text)
        guard plan.parts.count == 1, case .piece(let piece) = plan.parts[0] else {
            Issue.record("\(plan.parts)")
            return
        }
        #expect(plan.wordErrors(of: piece, transcript: transcript).wrong == wrong, "\(piece.spoken)")
    }
}
