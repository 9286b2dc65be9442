import Foundation
import SpeechText
import TestSupport
import Testing

@Suite("GPT-2 tokenizer") struct GPT2TokenizerTests {
    static let cases = try! JSONDecoder().decode(
        [TextTests.Case].self, from: Data(contentsOf: fixturesFolder.appending(path: "gpt2_text.json")))
    let tokenizer = try! GPT2Tokenizer(folder: fixturesFolder.appending(path: "gpt2"))

    @Test("normalisation is upstream's for Turbo") func normalisation() {
        for example in Self.cases where !example.text.isEmpty {
            let normal = TextNormalizer.turbo(example.text)
            #expect(Array(normal.unicodeScalars) == Array(example.normal.unicodeScalars), "\(example.text.debugDescription)")
        }
    }

    @Test("tokens are those of transformers") func tokens() {
        for example in Self.cases {
            #expect(tokenizer.encode(example.normal, language: .english).tokens == example.ids, "\(example.normal.debugDescription)")
            #expect(tokenizer.encode(example.text, language: .english).tokens == example.plain, "\(example.text.debugDescription)")
        }
    }

    @Test("the 19 tags are tokens, in their order") func tags() {
        #expect(tokenizer.tags.count == 19)
        #expect(tokenizer.tags.first == "[angry]" && tokenizer.tags.last == "[laugh]")
        let encoded = tokenizer.encode("[laugh]", language: .english)
        #expect(encoded.tokens == [tokenizer.count - 1])
        #expect(encoded.hasWords && encoded.notes.isEmpty)
    }

    @Test(
        "an unknown tag causes one warning, and brackets that are not a tag cause none",
        arguments: [
            ("[giggle] a [giggle] b [sigh]", ["[giggle]"]), ("[Laugh] and [nod twice]", ["[Laugh]", "[nod twice]"]),
            ("see [1] and [2024]", []), ("a[0] = [", []), ("[laugh] [clear throat]", []),
        ])
    func unknownTags(text: String, expected: [String]) {
        #expect(tokenizer.unknownTags(in: text) == expected)
        let notes = tokenizer.encode(text, language: .english).notes
        #expect(notes.count == expected.count)
        for (note, tag) in zip(notes, expected) {
            #expect(note.kind == .unknownTag)
            #expect(note.description.hasPrefix(tag))
        }
    }

    @Test("punctuation alone cannot be spoken") func nothing() {
        #expect(!tokenizer.encode("... 😀 !?", language: .english).hasWords)
        #expect(tokenizer.encode("5", language: .english).hasWords)
    }

    @Test(
        "files that do not belong together cause an error",
        arguments: [
            ("vocab.json", "[]", "object"), ("vocab.json", #"{"a":-1}"#, "out of range"), ("vocab.json", #"{"a":0}"#, "outside the vocabulary"),
            ("vocab.json", String(repeating: "[", count: 100_000), "nested"), ("merges.txt", "a b c\n", "pair"),
            ("added_tokens.json", #"{"[laugh]":"x"}"#, "number"),
        ])
    func damaged(name: String, content: String, expected: String) throws {
        let folder = try TemporaryFolder()
        for file in ["vocab.json", "merges.txt", "added_tokens.json"] {
            try Data(contentsOf: fixturesFolder.appending(path: "gpt2/\(file)")).write(to: folder.url.appending(path: file))
        }
        try Data(content.utf8).write(to: folder.url.appending(path: name))
        let error = #expect(throws: TokenizerError.self) { try GPT2Tokenizer(folder: folder.url) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
