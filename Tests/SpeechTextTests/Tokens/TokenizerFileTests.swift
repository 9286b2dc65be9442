import Foundation
import TestSupport
import Testing

@testable import SpeechText

/// Errors in a `tokenizer.json`.
@Suite("TokenizerFile")
struct TokenizerFileTests {
    let folder: TemporaryFolder
    var url: URL { folder.url.appending(path: "tokenizer.json") }

    init() throws { folder = try TemporaryFolder() }

    /// A tokenizer of a few letters with every feature of such a file.
    static let valid = """
        {"version": "1.0", "added_tokens": [{"id": 0, "content": "[STOP]", "special": true}, {"id": 1, "content": "[START]"}, {"id": 2, "content": "[UNK]"}, {"id": 3, "content": "[SPACE]"}],
         "pre_tokenizer": {"type": "Whitespace"}, "normalizer": null,
         "model": {"type": "BPE", "unk_token": "[UNK]", "vocab": {"[STOP]": 0, "[START]": 1, "[UNK]": 2, "[SPACE]": 3, "a": 4, "b": 5, "ab": 6, "c": 7, "abc": 8, "cab": 9, "aa": 10},
          "merges": ["a b", "ab c", "c ab", ["a", "a"]]}}
        """

    @Test("the example is a valid tokenizer") func example() throws {
        try Data(Self.valid.utf8).write(to: url)
        let tokenizer = try EnglishTokenizer(url)
        #expect(tokenizer.encode("abc cab z") == [8, 3, 9, 3, 2])
        #expect(tokenizer.decode([8, 3, 9]) == "abc cab")
    }

    @Test(
        "an error says what is wrong with a file",
        arguments: [
            ("\"type\": \"BPE\"", "\"type\": \"Unigram\"", "not of type BPE"),
            ("\"a b\"", "\"a z\"", "outside the vocabulary"),
            ("\"a b\"", "\"b a\"", "outside the vocabulary"),
            ("\"a b\"", "\"ab\"", "not a pair"),
            ("\"a b\"", "[\"a\"]", "not a pair"),
            ("\"a b\"", "7", "not a pair"),
            ("\"a\": 4", "\"a\": -4", "out of range"),
            ("\"a\": 4", "\"a\": 1000000000", "out of range"),
            ("\"a\": 4", "\"a\": 4.5", "out of range"),
            ("\"a\": 4", "\"a\": \"4\"", "out of range"),
            ("\"unk_token\": \"[UNK]\"", "\"unk_token\": \"[NONE]\"", "unknown token"),
            ("\"Whitespace\"", "\"ByteLevel\"", "pre-tokenizer is ByteLevel"),
            ("\"pre_tokenizer\"", "\"pre\"", "pre-tokenizer is missing"),
            ("\"content\": \"[SPACE]\"", "\"content\": \"\"", "added token without content"),
            ("\"[SPACE]\"", "\"[BLANK]\"", "no token [SPACE]"),
            ("\"merges\"", "\"merged\"", "no \"merges\""),
            ("\"model\"", "\"modal\"", "no \"model\""),
            ("\"version\"", "version", "not JSON"),
        ]) func faults(found: String, replacement: String, message: String) throws
    {
        try Data(Self.valid.replacing(found, with: replacement).utf8).write(to: url)
        let error = #expect(throws: TokenizerError.self) { try EnglishTokenizer(url) }
        #expect("\(error as Any)".contains(message), "\(error as Any)")
        #expect("\(error as Any)".contains("tokenizer.json"))
    }

    @Test("a file that is not a tokenizer is refused") func others() throws {
        let deep = Data(String(repeating: "[", count: 1_000_000).utf8)
        for bytes in [Data(), Data("[]".utf8), Data("null".utf8), Data([0xFF, 0xFE]), deep, Data(Self.valid.utf8).dropLast(3)] {
            try bytes.write(to: url)
            #expect(throws: TokenizerError.self) { try EnglishTokenizer(url) }
        }
        for place in [folder.url, folder.url.appending(path: "none.json"), URL(filePath: "/dev/zero")] {
            let error = #expect(throws: TokenizerError.self) { try EnglishTokenizer(place) }
            #expect("\(error as Any)".contains("cannot be read"))
        }
    }

    @Test("a tokenizer with random contents either decodes its tokens or is refused") func damaged() {
        let text = "abc cab [STOP] " + String(repeating: "aab", count: 40)
        search(rounds: 150) { random in
            let bytes = random.below(3) == 0 ? Data(Self.valid.utf8).damaged(using: &random) : Data(Self.valid.damagedJSON(using: &random).utf8)
            try expectReadOrRefused(bytes, at: url, [TokenizerError.self]) { url in
                let tokenizer = try EnglishTokenizer(url)
                let tokens = tokenizer.encode(text)
                guard tokens.allSatisfy({ (0..<tokenizer.count).contains($0) }) else { throw PoorMessage(description: "a token out of range") }
                _ = tokenizer.decode(tokens)
            }
        }
    }

    @Test("GPT-2's and the multilingual models' files with random contents decode their tokens or are refused") func otherFiles() throws {
        let gpt2 = folder.url.appending(path: "gpt2"), multilingual = folder.url.appending(path: "multilingual")
        try FileManager.default.copyItem(at: fixturesFolder.appending(path: "gpt2"), to: gpt2)
        try FileManager.default.copyItem(at: fixturesFolder.appending(path: "multilingual"), to: multilingual)
        let small = [
            gpt2.appending(path: "added_tokens.json"), gpt2.appending(path: "merges.txt"), multilingual.appending(path: "Cangjie5_TC.json"),
        ]
        for file in small {
            let whole = try Data(contentsOf: file)
            search(rounds: 15) { random in
                let damaged =
                    random.below(2) == 0
                    ? whole.damaged(using: &random) : Data(String(decoding: whole.prefix(4000), as: UTF8.self).damagedJSON(using: &random).utf8)
                try expectReadOrRefused(damaged, at: file, [TokenizerError.self, OtherFile.self]) { _ in
                    do {
                        _ = try GPT2Tokenizer(folder: gpt2).encode("Hello [laugh] 你好", language: .english)
                        _ = try MultilingualTokenizer(folder: multilingual, tools: .none).encode("你好 hello", language: .chinese)
                    } catch let error as TokenizerError where !"\(error)".contains(file.lastPathComponent) {
                        // Merges are compared with the vocabulary, which the error then names.
                        throw OtherFile(description: "\(file.lastPathComponent): \(error)")
                    }
                }
            }
            try whole.write(to: file)
        }
    }
    private struct OtherFile: Error, CustomStringConvertible { let description: String }

    @Test("the fast merging gives the result of the slow one") func queue() throws {
        // Words longer than 64 letters are merged by another algorithm; divided where no merge crosses, both must agree.
        try Data(Self.valid.utf8).write(to: url)
        let tokenizer = try BPETokenizer(url)
        search(rounds: 40) { random in
            let words = (0..<12).map { _ in String((0..<random.below(12)).map { _ in "abc".randomElement(using: &random)! }) }
            // No token contains the unknown letter, so nothing merges across it.
            let whole = tokenizer.encode(words.joined(separator: "x")),
                parts = words.map { tokenizer.encode($0) }.joined(separator: tokenizer.encode("x"))
            guard whole == Array(parts) else { throw PoorMessage(description: "\(words) gives \(whole)") }
        }
    }
}
