import Foundation

/// The tokenizer of Turbo and Nano: GPT-2's byte pairs, and tags such as `[laugh]` that are tokens of their own.
public struct GPT2Tokenizer: TextTokenizer {
    public static let fileNames = ["vocab.json", "merges.txt"]
    public static let furtherFileNames = ["added_tokens.json", "tokenizer_config.json"]

    private let pieces: BPETokenizer
    /// What may stand in square brackets, with them.
    public let tags: [String]

    public init(folder: URL, tools: LanguageTools = .none) throws {
        let file = try TokenizerFile(gpt2: folder)
        pieces = try BPETokenizer(file, over: .bytes, folder.appending(path: "vocab.json"))
        tags = file.added.sorted { $0.value < $1.value }.map(\.key.string).filter { $0.hasPrefix("[") && $0.hasSuffix("]") }
    }

    public var count: Int { pieces.count }

    public func piece(of token: Int) -> String? { pieces.piece(of: token) }

    public func encode(_ text: String, language: Language) -> EncodedText {
        EncodedText(
            tokens: pieces.encode(text),
            hasWords: text.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil },
            notes: unknownTags(in: text).map { tag in
                TextNote(
                    .unknownTag,
                    "\(tag) is no tag of this model and no speaker with a voice, and is read as text; tags are \(tags.joined(separator: " "))")
            })
    }

    /// What looks like a tag and is none, each once, in order.
    public func unknownTags(in text: String) -> [String] {
        text.bracketedWords.filter { !tags.contains($0) }
    }
}

extension String {
    /// What looks like a tag, as `[laugh]`, each once, in order.
    var bracketedWords: [String] { matches(of: /\[\p{L}[\p{L} '_-]{0,39}\]/).map { String($0.output) }.uniqued() }
}
