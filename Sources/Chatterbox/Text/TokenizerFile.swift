import Foundation
import Torch

/// The parts of a Hugging Face `tokenizer.json` that a byte-pair tokenizer over characters needs.
struct TokenizerFile {
    let vocabulary: [String: Int]
    /// Pairs in order of precedence.
    let merges: [(String, String)]
    /// Tokens that are cut out of the text before anything else.
    let added: [String: Int]
    let unknown: String?

    /// - Throws: ``TokenizerError`` where the file is missing, is not JSON of this kind, or needs what is not done here.
    init(_ url: URL) throws {
        func malformed(_ problem: String) -> TokenizerError { .malformed(url, problem: problem) }
        let data: Data
        do { data = try SmallFile.read(url) } catch { throw TokenizerError.unreadable(url, reason: error.reason) }
        guard JSONOutline(data, limit: 64).depth <= 64 else { throw malformed("its JSON is nested too deep") }
        guard let root = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else { throw malformed("not a JSON object") }
        guard let model = root["model"] as? [String: Any] else { throw malformed("no \"model\"") }
        guard model["type"] as? String == "BPE" else { throw malformed("its model is not of type BPE") }
        guard let vocabulary = model["vocab"] as? [String: Int], !vocabulary.isEmpty else {
            throw malformed("no \"vocab\" of tokens and numbers")
        }
        guard vocabulary.values.allSatisfy({ (0..<1_000_000).contains($0) }) else { throw malformed("a token's number is out of range") }
        guard Set(vocabulary.values).count == vocabulary.count else { throw malformed("two tokens have the same number") }
        self.vocabulary = vocabulary
        guard let listed = model["merges"] as? [Any] else { throw malformed("no \"merges\"") }
        merges = try listed.map { merge in
            if let pair = merge as? [String], pair.count == 2 { return (pair[0], pair[1]) }
            let parts = (merge as? String)?.split(separator: " ", omittingEmptySubsequences: false) ?? []
            guard parts.count == 2 else { throw malformed("a merge that is not a pair") }
            return (String(parts[0]), String(parts[1]))
        }
        unknown = model["unk_token"] as? String
        if let unknown, vocabulary[unknown] == nil { throw malformed("its unknown token \"\(unknown)\" is not in the vocabulary") }
        let splitter = (root["pre_tokenizer"] as? [String: Any])?["type"] as? String
        guard splitter == "Whitespace" else { throw malformed("its pre-tokenizer is \(splitter ?? "missing"), expected Whitespace") }
        var added: [String: Int] = [:]
        for token in root["added_tokens"] as? [[String: Any]] ?? [] {
            guard let text = token["content"] as? String, !text.isEmpty, let id = token["id"] as? Int, (0..<1_000_000).contains(id) else {
                throw malformed("an added token without content or number")
            }
            added[text] = id
        }
        self.added = added
    }
}
