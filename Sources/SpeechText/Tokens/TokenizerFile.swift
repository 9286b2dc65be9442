import FileSupport
import Foundation

/// The parts of a byte-pair tokenizer, read from its files.
struct TokenizerFile {
    var vocabulary: [ExactText: Int] = [:]
    /// Pairs in order of precedence.
    var merges: [(ExactText, ExactText)] = []
    /// Tokens that are separated from the text before everything else.
    var added: [ExactText: Int] = [:]
    var unknown: ExactText?

    /// Reads a Hugging Face `tokenizer.json`.
    ///
    /// - Throws: ``TokenizerError`` if the file is missing, is not such JSON, or needs features that are not supported.
    init(_ url: URL) throws {
        func malformed(_ problem: String) -> TokenizerError { .malformed(url, problem: problem) }
        let root = try Self.json(url)
        guard root.members != nil else { throw malformed("not a JSON object") }
        guard let model = root["model"] else { throw malformed("no \"model\"") }
        guard model["type"]?.text == ExactText("BPE") else { throw malformed("its model is not of type BPE") }
        guard let members = model["vocab"]?.members, !members.isEmpty else {
            throw malformed("no \"vocab\" of tokens and numbers")
        }
        try readVocabulary(members, url)
        guard let listed = model["merges"]?.elements else { throw malformed("no \"merges\"") }
        merges = try listed.map { merge in
            let parts = merge.elements?.compactMap(\.text) ?? merge.text.map(Self.pair) ?? []
            guard parts.count == 2 else { throw malformed("a merge that is not a pair") }
            return (parts[0], parts[1])
        }
        unknown = model["unk_token"]?.text
        if let unknown, vocabulary[unknown] == nil {
            throw malformed("its unknown token \"\(unknown.string)\" is not in the vocabulary")
        }
        let splitter = root["pre_tokenizer"]?["type"]?.text?.string
        guard splitter == "Whitespace" else { throw malformed("its pre-tokenizer is \(splitter ?? "missing"), expected Whitespace") }
        for token in root["added_tokens"]?.elements ?? [] {
            guard let text = token["content"]?.text, !text.string.isEmpty, let id = token["id"]?.integer, Self.isToken(id) else {
                throw malformed("an added token without content or number")
            }
            added[text] = id
        }
    }

    /// Reads GPT-2's `vocab.json` and `merges.txt`, and the added tokens from `added_tokens.json` or `tokenizer_config.json`.
    ///
    /// - Throws: as ``init(_:)``.
    init(gpt2 folder: URL) throws {
        let url = folder.appending(path: "vocab.json")
        guard let members = try Self.json(url).members, !members.isEmpty else {
            throw TokenizerError.malformed(url, problem: "not an object of tokens and numbers")
        }
        try readVocabulary(members, url)
        try readMerges(folder.appending(path: "merges.txt"))
        let listed = folder.appending(path: "added_tokens.json"), configured = folder.appending(path: "tokenizer_config.json")
        if FileManager.default.fileExists(atPath: listed.path) {
            for token in try Self.json(listed).members ?? [] { try add(token.name, token.value.integer, listed) }
        } else if FileManager.default.fileExists(atPath: configured.path) {
            for token in try Self.json(configured)["added_tokens_decoder"]?.members ?? [] {
                guard let text = token.value["content"]?.text else {
                    throw TokenizerError.malformed(configured, problem: "an added token without content")
                }
                try add(text, Int(token.name.string), configured)
            }
        }
        let end = ExactText("<|endoftext|>")
        if let id = vocabulary[end] { added[end] = id }
    }

    private mutating func readVocabulary(_ members: [ExactJSON.Member], _ url: URL) throws {
        vocabulary.reserveCapacity(members.count)
        for member in members {
            guard let id = member.value.integer, Self.isToken(id) else {
                throw TokenizerError.malformed(url, problem: "a token's number is out of range")
            }
            vocabulary[member.name] = id
        }
    }

    private mutating func readMerges(_ url: URL) throws {
        let lines = String(decoding: try Self.data(url), as: UTF8.self).unicodeScalars.split { $0 == "\n" || $0 == "\r" }
        for line in lines where !line.starts(with: "#version".unicodeScalars) {
            let parts = Self.pair(ExactText(line))
            guard parts.count == 2 else { throw TokenizerError.malformed(url, problem: "a merge that is not a pair") }
            merges.append((parts[0], parts[1]))
        }
    }

    private mutating func add(_ text: ExactText, _ id: Int?, _ url: URL) throws {
        guard let id, Self.isToken(id), !text.string.isEmpty else {
            throw TokenizerError.malformed(url, problem: "an added token without content or number")
        }
        added[text] = id
    }

    private static func isToken(_ id: Int) -> Bool { (0..<1_000_000).contains(id) }

    private static func pair(_ line: ExactText) -> [ExactText] {
        line.string.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { ExactText($0) }
    }

    private static func data(_ url: URL) throws -> Data {
        do { return try SmallFile.read(url) } catch { throw TokenizerError.unreadable(url, reason: error.reason) }
    }

    private static func json(_ url: URL) throws -> ExactJSON {
        do { return try ExactJSON(data(url)) } catch let problem as ExactJSON.Problem {
            throw TokenizerError.malformed(url, problem: problem.description)
        }
    }
}
