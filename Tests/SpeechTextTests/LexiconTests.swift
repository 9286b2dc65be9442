import Testing

@testable import SpeechText

@Suite("Lexicon")
struct LexiconTests {
    static let lexicon =
        "# names\nNguyen\tWin\nSQL\tsequel\n\nNew York\tNoo York\nYork\tYorick\nlead\tled\nзамок\tза\u{301}мок\n东京\t東のみやこ\nAda\tEi-da\n"

    @Test(
        "whole words are replaced as in the lexicon",
        arguments: [
            ("Nguyen's SQL.", "Win's sequel."), ("MySQL and SQLite", "MySQL and SQLite"), ("in New York, York", "in Noo York, Yorick"),
            ("Lead the lead.", "Led the led."),
            ("LEAD nguyen", "LEAD nguyen"), ("Старый замок.", "Старый за\u{301}мок."), ("замо\u{301}к замок", "замо\u{301}к за\u{301}мок"),
            ("我在东京。", "我在東のみやこ。"), ("Ada's", "Ei-da's"), ("", ""),
        ]) func words(written: String, spoken: String) throws
    {
        let said = try Lexicon(tsv: Self.lexicon)(written)
        #expect(said.text.unicodeScalars.elementsEqual(spoken.unicodeScalars))
        #expect(said.written == written)
    }

    @Test(
        "an invalid line is refused with its number",
        arguments: [
            ("one", LexiconError(line: 1, problem: .fields(1))), ("a\tb\na\tb\tc", LexiconError(line: 2, problem: .fields(3))),
            ("\n\tb", LexiconError(line: 2, problem: .noWord)),
            ("a\t ", LexiconError(line: 1, problem: .nothingSaid("a"))), ("a\tb\n\na\tc", LexiconError(line: 3, problem: .twice("a", line: 1))),
            ("Ada\t/ˈeɪdə/", LexiconError(line: 1, problem: .phonetic("/ˈeɪdə/", sign: "ˈ"))),
        ]) func refused(tsv: String, error: LexiconError)
    { #expect(throws: error) { try Lexicon(tsv: tsv) } }

    @Test("a table with Windows line ends is read") func windows() throws {
        let lexicon = try Lexicon(tsv: "\u{FEFF}SQL\tsequel\r\nAda\tEida\r\n")
        #expect(lexicon.count == 2 && lexicon("SQL Ada").text == "sequel Eida")
    }
}

@Suite("Parts of a spoken text")
struct SpokenTextSlicesTests {
    @Test("parts are cut at the ends of their characters, ignoring spaces") func cut() {
        let text = SpokenText(segments: [
            .init(written: "**", spoken: ""), .init(written: "Bold", spoken: "Bold"), .init(written: "**", spoken: ""),
            .init(written: " text. ", spoken: " text. "),
            .init(written: "WWW", spoken: "World Wide Web"), .init(written: " end.", spoken: " end."),
        ])
        var slices = SpokenTextSlices(text)
        let first = slices.next("Bold text.".inkedScalars)
        #expect(first.text == "Bold text. " && first.written == "**Bold** text. ")
        let second = slices.next("World".inkedScalars)
        #expect(second.text == "World " && second.written == "WWW")
        let third = slices.next("Wide Web end.".inkedScalars)
        #expect(third.text == "Wide Web end." && third.written == " end.")
        #expect(slices.next(5).segments.isEmpty)
    }
}
