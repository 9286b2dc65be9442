import SpeechText
import TestSupport
import Testing

@Suite("Chapters of a text") struct TextChapterTests {
    private func titles(_ text: String) -> [String?] { TextChapter.chapters(of: text).map(\.title) }

    @Test(
        "headings of each kind begin chapters, and the chapters together are the text",
        arguments: [
            ("# One\nText.\n\n# Two #\nMore.", ["One", "Two"]),
            // Of two levels, the one that occurs several times, and those above.
            ("# The Book\nBy me.\n\n## First *day*\nText.\n\n### Noon\nText.\n\n## Second\nText.", ["The Book", "First day", "Second"]),
            ("One\n===\nText.\n\nTwo\n===\nText.", ["One", "Two"]),
            ("Chapter 1\n\nText.\n\nChapter 2. The Storm\n\nText.", ["Chapter 1", "Chapter 2. The Storm"]),
            ("CHAPTER I\n\nText.\n\nCHAPTER THE SECOND\n\nText.\n\nEpilogue\n\nText.", ["CHAPTER I", "CHAPTER THE SECOND", "Epilogue"]),
            ("Section I\n\nText.\n\nSection twenty-one\n\nText.", ["Section I", "Section twenty-one"]),
            ("Kapitel IV\n\nText.\n\nChapitre premier\n\nText.\n\nГлава 3\n\nText.", ["Kapitel IV", "Chapitre premier", "Глава 3"]),
            ("第一章 起点\n\n文。\n\n第二章\n\n文。\n\n제3장\n\n글.", ["第一章 起点", "第二章", "제3장"]),
            ("I\n\nText.\n\nII.\n\nText.\n\nIII\n\nText.", ["I", "II", "III"]),
            ("1\n\nText.\n\n2\n\nText.\n\n1969\n\nText.", ["1", "2"]),
            ("THE STORM\n\nText.\n\nAFTER IT\n\nText.\n\nTHE END", ["THE STORM", "AFTER IT"]),
            ("PROLOGUE\r\n\r\nText.\r\n\r\nCHAPTER 1\r\n\r\nText.", ["PROLOGUE", "CHAPTER 1"]),
        ] as [(String, [String])]) func kinds(text: String, expected: [String])
    {
        let chapters = TextChapter.chapters(of: text)
        #expect(chapters.map(\.title) == expected)
        #expect(chapters.map { String($0.text) }.joined() == text)
    }

    @Test(
        "lines that only look like headings are text",
        arguments: [
            "Chapter one was long. It had many words.\n\nPart two of the plan was simple.\n\nMore.",
            "He said:\n\n\"STOP!\"\n\nand went.", "I\nam here.\n\nV\nis five.", "```\n# One\n# Two\n```\n\nText.", "#hashtag\n\nText.",
            "<speak>\n\nChapter 1\n\nText.\n\nChapter 2\n\nText.</speak>", "Act now, or never.\n\nBook us a room.\n\nText.", "",
        ]) func none(text: String)
    {
        let chapters = TextChapter.chapters(of: text)
        #expect(chapters.count == 1 && chapters[0].title == nil && chapters[0].text == text, "\(chapters)")
    }

    @Test("text before the first heading is a chapter without a title; blank lines are not") func beginning() {
        #expect(titles("By me.\n\nChapter 1\n\nText.\n\nChapter 2\n\nText.") == [nil, "Chapter 1", "Chapter 2"])
        #expect(titles("\n \nChapter 1\n\nText.\n\nChapter 2\n\nText.") == ["Chapter 1", "Chapter 2"])
    }

    @Test("a table of contents belongs to the first chapter") func contents() {
        let text = "CONTENTS\n\nChapter 1\n\nChapter 2\n\nChapter 1\n\nIt began.\n\nChapter 2\n\nIt ended."
        #expect(titles(text) == [nil, "Chapter 1", "Chapter 2"])
        #expect(TextChapter.chapters(of: text).map { String($0.text) }.joined() == text)
    }

    @Test("no random text loses characters", arguments: 0..<50) func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let lines = ["# A", "## B", "", "", "Chapter 3", "IV", "TEXT", "Some words.", "```", "===", "\r\n", "第二章", "1", "2"]
        let text = (0..<40).map { _ in lines.randomElement(using: &random)! }.joined(separator: "\n")
        #expect(TextChapter.chapters(of: text).map { String($0.text) }.joined() == text)
    }
}
