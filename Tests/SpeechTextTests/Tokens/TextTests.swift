import Foundation
import SpeechText
import TestSupport
import Testing

@Suite("Text")
struct TextTests {
    struct Case: Decodable, Sendable {
        let text, normal: String
        let ids, plain: [Int]
    }

    static let cases: [Case] = try! JSONDecoder().decode([Case].self, from: Data(contentsOf: fixturesFolder.appending(path: "text.json")))
    static let tokenizerFile = fixturesFolder.appending(path: "tokenizer.json")
    let tokenizer = try! EnglishTokenizer(TextTests.tokenizerFile)

    @Test("normalisation is upstream's")
    func normalisation() {
        for example in Self.cases {
            #expect(
                Array(TextNormalizer.english(example.text).unicodeScalars) == Array(example.normal.unicodeScalars), "\(example.text.debugDescription)"
            )
        }
    }

    @Test("tokens are upstream's")
    func tokens() {
        for example in Self.cases {
            #expect(tokenizer.encode(example.normal) == example.ids, "\(example.normal.debugDescription)")
            #expect(tokenizer.encode(example.text) == example.plain, "\(example.text.debugDescription)")
        }
    }

    @Test("decoding gives the lower-case words")
    func decoding() {
        #expect(tokenizer.decode(tokenizer.encode("the ship was here, then gone.")) == "the ship was here, then gone.")
    }

    @Test("a long word merges like short ones, and long text is fast")
    func longText() {
        let word = String(repeating: "thering", count: 5)
        #expect(tokenizer.encode(word + word).count > 0)
        let long = String(repeating: "thereandthering", count: 7000)
        let pieces = tokenizer.encode(long)
        #expect(tokenizer.decode(pieces) == long)
    }

    @Test("emoji and punctuation are not words")
    func words() {
        #expect(tokenizer.hasWords(tokenizer.encode("Hi.")))
        #expect(!tokenizer.hasWords(tokenizer.encode(TextNormalizer.english("😀 🎉!"))))
        #expect(!tokenizer.hasWords(tokenizer.encode("...")))
        #expect(tokenizer.unknownCharacters(in: "Hi 😀 日 😀") == ["😀", "日"])
    }

    @Test(
        "an error says what is wrong with a damaged tokenizer file",
        arguments: [
            ("", "JSON"), ("[]", "JSON object"), ("{}", "model"), (#"{"model":{"type":"WordPiece"}}"#, "BPE"),
            (#"{"model":{"type":"BPE","vocab":{}}}"#, "vocab"), (#"{"model":{"type":"BPE","vocab":{"a":0}}}"#, "merges"),
            (#"{"model":{"type":"BPE","vocab":{"a":-4},"merges":[]}}"#, "out of range"),
            (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}"#, "pair"),
            (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]},"pre_tokenizer":{"type":"Whitespace"}}"#, "outside the vocabulary"),
            (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Whitespace"}}"#, "[START]"),
            (String(repeating: "[", count: 200_000), "nested"),
        ])
    func damagedTokenizer(json: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "tokenizer.json")
        try Data(json.utf8).write(to: url)
        let error = #expect(throws: TokenizerError.self) { try EnglishTokenizer(url) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }

    @Test("a randomly damaged tokenizer file causes an error or gives a tokenizer, never a crash")
    func mutatedTokenizer() throws {
        let valid = try Data(contentsOf: Self.tokenizerFile)
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "tokenizer.json")
        var random = SystemRandomNumberGenerator()
        for round in 0..<120 {
            var bytes = round % 4 == 0 ? valid.prefix(Int.random(in: 0..<valid.count, using: &random)) : valid
            for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try bytes.write(to: url)
            if let tokenizer = try? EnglishTokenizer(url) { _ = tokenizer.encode("The ship was here.") }
        }
    }
}
