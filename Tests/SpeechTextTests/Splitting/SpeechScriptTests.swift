import TestSupport
import Testing

@testable import SpeechText

@Suite("Speech script")
struct SpeechScriptTests {
    @Test(
        "sentences do not end at abbreviations, decimals and initials",
        arguments: [
            ("Dr. Brown met J. S. Bach at 7.30 in St. Ives. He paid.", 50, ["Dr. Brown met J. S. Bach at 7.30 in St. Ives.", "He paid."]),
            ("\"Stop!\" she cried. Nobody did, of course, nobody.", 40, ["\"Stop!\" she cried.", "Nobody did, of course, nobody."]),
            ("今日は晴れです。明日はきっと雨が降るでしょう。傘を持って行ってくださいね。", 70, ["今日は晴れです。明日はきっと雨が降るでしょう。", "傘を持って行ってくださいね。"]),
        ])
    func sentences(text: String, limit: Int, pieces: [String]) {
        #expect(SentenceSplitter(limit: limit)(text).map(\.text) == pieces)
    }

    @Test(
        "sentences end at the marks of every script that the models support",
        arguments: [
            ("यह पहला वाक्य है। यह दूसरा है।", 20, ["यह पहला वाक्य है।", "यह दूसरा है।"]), ("هل أنت هنا؟ نعم أنا هنا.", 15, ["هل أنت هنا؟", "نعم أنا هنا."]),
            ("「いいえ。」彼は言った。", 18, ["「いいえ。」", "彼は言った。"]),
            ("共有2024！还有ABC？好。", 18, ["共有2024！", "还有ABC？好。"]),
        ])
    func scripts(text: String, limit: Int, pieces: [String]) {
        #expect(SentenceSplitter(limit: limit)(text).map(\.text) == pieces)
    }

    @Test("Chinese, Japanese and Korean pieces take as long as others, and nothing is lost", arguments: ["汉", "か", "한"])
    func wideScripts(character: String) {
        let text = (0..<38).map { _ in String(repeating: character, count: 9) + "，" }.joined() + "。"
        let pieces = SentenceSplitter()(text)
        #expect(pieces.allSatisfy { $0.text.count <= 100 })
        #expect(pieces.map(\.text).joined() == text)
        let unbroken = String(repeating: character, count: 300)
        #expect(SentenceSplitter()(unbroken).map(\.text).joined() == unbroken)
    }

    /// Letters, ends of sentences and clauses, and closing marks of each supported script.
    private static let alphabets: [(letters: String, ends: [String])] = [
        ("abcdefghijklm", [". ", "! ", "? ", "… ", ", ", "; ", ".” ", "!’ "]), ("äöüßéñçåøœřłğıã", [". ", "? ", ", ", ".» ", "!› "]),
        ("абвгдежзийклмё", [". ", "! ", "? ", "… ", ", ", ".» "]), ("αβγδεζηθικλμ", [". ", "! ", "· ", ", ", ".» "]),
        ("אבגדהוזחטיכלם", [". ", "? ", ", ", ".\" "]), ("ابتثجحخدذرزسش", [". ", "؟ ", "، ", "؛ ", "۔ "]),
        ("अआइईउऊएऐकखगघङ", ["। ", "॥ ", ", ", "? "]), ("日月火水木金土曜年時分", ["。", "！", "？", "，", "、", "；", "。」", "！』", "？”"]),
        ("あいうえおかきくけこ", ["。", "！", "、", "。」"]), ("アイウエオカキクケコ", ["。", "？", "、", "。』"]), ("가나다라마바사아자차", [". ", "? ", ", ", ".” "]),
    ]

    @Test("in texts of every script every letter is in one piece, in order, and no piece exceeds the limit", arguments: 0..<60)
    func everyScript(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let limit = [1, 3, 20, 80, 280].randomElement(using: &random)!, splitter = SentenceSplitter(limit: max(3, limit))
        var text = ""
        for _ in 0..<Int.random(in: 1...150, using: &random) {
            let (letters, ends) = Self.alphabets.randomElement(using: &random)!
            text += String((0..<Int.random(in: 1...40, using: &random)).map { _ in letters.randomElement(using: &random)! })
            text +=
                Bool.random(using: &random) ? ends.randomElement(using: &random)! : [" ", " ", "\n", "\n\n", " \n \n"].randomElement(using: &random)!
        }
        let pieces = splitter(text)
        #expect(pieces.flatMap { $0.text.filter { !$0.isWhitespace } } == Array(text.filter { !$0.isWhitespace }))
        #expect(pieces.allSatisfy { splitter.length($0.text) <= splitter.limit && !$0.text.isEmpty })
    }

    @Test("a sentence ends after the closing marks of every script", arguments: alphabets) func closingMarks(letters: String, ends: [String]) {
        for end in ends where end.contains(where: SentenceSplitter.ends.contains) {
            let sentence = letters + end.trimmingSpaces(), text = sentence + (end.hasSuffix(" ") ? " " : "") + letters
            #expect(SentenceSplitter().sentences(text).map(\.text) == [sentence, letters], "\(end)")
        }
    }

    @Test("a line with only spaces ends a paragraph, too")
    func blankLines() {
        let pieces = SentenceSplitter()("Chapter One\n \t\nIt was a dark night.")
        #expect(pieces.map(\.text) == ["Chapter One", "It was a dark night."])
        #expect(pieces.map(\.boundary) == [.paragraph, .sentence])
    }

    @Test("a pause without a length is half a second")
    func usualPause() throws {
        #expect(try SpeechScript("One. [pause] Two.").parts == [.speech("One.", .sentence), .silence(0.5), .speech("Two.", .sentence)])
    }

    @Test("the end of a paragraph divides even short sentences")
    func paragraphs() {
        let pieces = SentenceSplitter()("One.\n\nTwo. Three.")
        #expect(pieces.map(\.text) == ["One.", "Two. Three."])
        #expect(pieces.map(\.boundary) == [.paragraph, .sentence])
    }

    @Test("a long sentence is divided at a comma, otherwise between words, and no word is lost")
    func longSentences() {
        let text = "word ".repeated(30) + "and, at long last, the end of it all"
        let pieces = SentenceSplitter(limit: 60)(text)
        #expect(pieces.allSatisfy { $0.text.count <= 60 })
        #expect(pieces.flatMap { $0.text.split(separator: " ") } == text.split(separator: " "))
        #expect(pieces.contains { $0.boundary == .word })
        #expect(pieces.last?.boundary == .sentence)
    }

    @Test("pauses are exact and are where they are written")
    func pauses() throws {
        let script = try SpeechScript("One. [pause:0.5s]Two.[PAUSE: 250ms ] [pause:0s]")
        #expect(script.parts == [.speech("One.", .sentence), .silence(0.5), .speech("Two.", .sentence), .silence(0.25), .silence(0)])
    }

    @Test("an invalid pause is refused, with a valid example", arguments: ["", "1", "-1s", "61s", "soon", "nans"])
    func badPauses(length: String) {
        let error = #expect(throws: TextError.self) { try SpeechScript("One [pause:\(length)] two.") }
        #expect(error == .pause(length))
        #expect(error?.description.contains("[pause:0.5s]") == true)
    }
}

extension String {
    fileprivate func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}
