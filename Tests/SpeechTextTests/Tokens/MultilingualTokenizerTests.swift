import Foundation
import TestSupport
import Testing

@testable import SpeechText

@Suite("Multilingual tokenizer") struct MultilingualTokenizerTests {
    struct Case: Decodable, Sendable {
        let language: Language
        let text, normal: String
        let ids: [Int]
        /// The helper's answer for the language, if there is one.
        let helper: String?
    }

    static let folder = fixturesFolder.appending(path: "multilingual")
    static let cases = try! JSONDecoder().decode(
        [Case].self, from: Data(contentsOf: fixturesFolder.appending(path: "multilingual_text.json")))
    let tokenizer = try! MultilingualTokenizer(folder: Self.folder, tools: .none)

    /// A helper that gives the same answer to everything.
    private func helper(answering text: String) throws -> LanguageTools {
        let answer = String(decoding: try JSONEncoder().encode(["text": text]), as: UTF8.self)
        return LanguageTools(helper: ["sh", "-c", "while read -r line; do printf '%s\\n' \"$0\"; done", answer])
    }

    @Test("normalisation is upstream's") func normalisation() {
        for example in Self.cases where !example.text.isEmpty {
            let normal = TextNormalizer.multilingual(example.text)
            #expect(Array(normal.unicodeScalars) == Array(example.normal.unicodeScalars), "\(example.text.debugDescription)")
        }
    }

    @Test("tokens are upstream's in every language", arguments: Language.allCases)
    func tokens(language: Language) throws {
        let cases = Self.cases.filter { $0.language == language }
        #expect(!cases.isEmpty)
        for example in cases {
            let tokenizer = try example.helper.map { try MultilingualTokenizer(folder: Self.folder, tools: helper(answering: $0)) } ?? tokenizer
            let encoded = tokenizer.encode(example.normal, language: language)
            #expect(encoded.tokens == example.ids, "\(language.code) \(example.normal.debugDescription)")
        }
    }

    @Test(
        "a step that is left out causes a warning",
        arguments: [
            (Language.chinese, "你好", 1), (.japanese, "母", 1), (.japanese, "ひらがな", 0), (.hebrew, "שלום", 1), (.russian, "мир", 1),
            (.korean, "값", 0), (.hindi, "नमस्ते", 0), (.english, "ship", 0),
        ])
    func notes(language: Language, text: String, count: Int) {
        let encoded = tokenizer.encode(text, language: language)
        #expect(encoded.notes.count == count)
        #expect(encoded.notes.allSatisfy { $0.kind == .skippedStep && $0.description.contains(language.name) })
        #expect(encoded.hasWords)
    }

    @Test("beside an unknown sign, Chinese characters with Cangjie keys are known") func unknownSign() throws {
        let folder = try TemporaryFolder(), name = MultilingualTokenizer.fileNames[0]
        try FileManager.default.copyItem(at: Self.folder.appending(path: name), to: folder.url.appending(path: name))
        try Data(#"["龘\tabc"]"#.utf8).write(to: folder.url.appending(path: CangjieTable.fileName))
        let tokenizer = try MultilingualTokenizer(folder: folder.url, tools: .none)
        func unknown(_ text: String, _ language: Language) -> [Character] {
            tokenizer.unknownCharacters(in: text, tokenizer.encode(text, language: language))
        }
        #expect(unknown("龘", .chinese).isEmpty)
        #expect(unknown("龘\u{E000}龘", .chinese) == ["\u{E000}"])
        // In a language without that step it is not known.
        #expect(unknown("龘\u{E000}龘", .english) == ["龘", "\u{E000}"])
    }

    @Test("a folder without Cangjie keys causes a warning") func noTable() throws {
        let folder = try TemporaryFolder()
        let name = MultilingualTokenizer.fileNames[0]
        try FileManager.default.copyItem(at: Self.folder.appending(path: name), to: folder.url.appending(path: name))
        let notes = try MultilingualTokenizer(folder: folder.url, tools: .none).encode("你好", language: .chinese).notes
        #expect(notes.contains { $0.description.contains("Cangjie5_TC.json") })
    }

    @Test(
        "if a helper fails the text is not changed, and the reason is reported",
        arguments: [
            (["sh", "-c", "exit 1"], "ended"), (["sh", "-c", "read line; echo oops"], "not JSON"),
            (["/nowhere/at/all"], "ended"), (["sh", "-c", "read line; echo '{\"error\": \"no dictionary\"}'"], "no dictionary"),
        ])
    func failingHelper(command: [String], reason: String) throws {
        let tokenizer = try MultilingualTokenizer(folder: Self.folder, tools: LanguageTools(helper: command))
        for _ in 0..<2 {
            let encoded = tokenizer.encode("мир", language: .russian)
            #expect(encoded.tokens == self.tokenizer.encode("мир", language: .russian).tokens)
            #expect(encoded.notes.count == 1)
            #expect(encoded.notes[0].description.contains(reason), "\(encoded.notes[0])")
        }
    }

    @Test("a helper that does not answer is ended") func silentHelper() {
        let helper = LanguageHelper(["sh", "-c", "read line; read line; read line"], patience: 1)
        #expect(throws: LanguageToolError.silent(command: "sh", seconds: 1)) { try helper.processed("мир", .russian) }
    }

    @Test("a helper answers several texts") func patientHelper() throws {
        let helper = LanguageHelper(["sh", "-c", "n=0; while read -r line; do n=$((n+1)); echo \"{\\\"text\\\": \\\"$n\\\"}\"; done"])
        for number in 1...3 { #expect(try helper.processed("мир", .russian) == "\(number)") }
    }

    @Test("MeCab's words with kanji become hiragana") func mecab() {
        let words = "母\tハハ\nは\tハ\n台所\tダイドコロ\nで\tデ\nYouTube\t\nを\tヲ\n見る\tミル\n。\t。\n\n"
        #expect(JapaneseReader.joined(words, as: "母は台所で YouTube を見る。") == " ははは" + "だいどころで YouTube をみる。")
        #expect(JapaneseReader.joined("鷗\t\n\n", as: "鷗") == "鷗")
    }

    @Test(
        "a capital sigma at the end of a word becomes ς",
        arguments: [
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"), ("Σ", "σ"), ("ΑΣ.", "ας."), ("ΑΣ'Α", "ασ'α"), ("Α\u{301}Σ", "α\u{301}ς"), ("İ", "i\u{307}"),
        ])
    func sigma(text: String, lower: String) {
        #expect(Array(text.lowercasedByContext().unicodeScalars) == Array(lower.unicodeScalars))
    }

    @Test("tokens that are canonically equivalent stay distinct") func equivalents() throws {
        let json = try ExactJSON(Data(#"{"é": 1, "e\u0301": 2, "é": 3}"#.utf8))
        #expect(json.members?.map { $0.value.integer } == [1, 2, 3])
        #expect(ExactText("\u{e9}") != ExactText("e\u{301}"))
        #expect("\u{e9}" == "e\u{301}")
    }

    struct Words: Decodable {
        let text: String
        let words: [String]
    }

    @Test("Chinese words are jieba's") func chineseWords() throws {
        let segmenter = ChineseSegmenter(fixturesFolder.appending(path: "chinese_words.txt"))
        let cases = try JSONDecoder().decode([Words].self, from: Data(contentsOf: fixturesFolder.appending(path: "chinese_words.json")))
        for example in cases { #expect(try segmenter.words(example.text) == example.words, "\(example.text)") }
    }

    @Test("without a helper words are found with a dictionary, and a missing one causes a warning") func dictionary() throws {
        let words = fixturesFolder.appending(path: "chinese_words.txt")
        let tools = LanguageTools(chineseWords: words),
            space = try #require(BPETokenizer(Self.folder.appending(path: MultilingualTokenizer.fileNames[0])).id(of: "[SPACE]"))
        let encoded = try MultilingualTokenizer(folder: Self.folder, tools: tools).encode("你好世界", language: .chinese)
        #expect(encoded.notes.isEmpty)
        #expect(encoded.tokens.contains(space))
        let lost = LanguageTools(chineseWords: words.appendingPathExtension("lost"))
        let notes = try MultilingualTokenizer(folder: Self.folder, tools: lost).encode("你好世界", language: .chinese).notes
        #expect(notes.count == 1 && notes[0].description.contains("lost"))
    }

    @Test("an error says what is wrong with a damaged Cangjie table", arguments: [("{}", "list"), ("[\"a\"]", "tab"), ("[", "JSON")])
    func damagedTable(content: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: CangjieTable.fileName)
        try Data(content.utf8).write(to: url)
        let error = #expect(throws: TokenizerError.self) { try CangjieTable(url) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
