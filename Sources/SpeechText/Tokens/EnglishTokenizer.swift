import Foundation

/// The English model's tokenizer: byte-pair pieces of characters, with `[SPACE]` for a space (upstream: `EnTokenizer`).
public struct EnglishTokenizer: TextTokenizer {
    public static let fileNames = ["tokenizer.json"]

    private let pieces: BPETokenizer
    private let speakable: Set<Int>

    public init(folder: URL, tools: LanguageTools = .none) throws { try self.init(folder.appending(path: Self.fileNames[0])) }

    /// Reads a `tokenizer.json`.
    ///
    /// - Throws: ``TokenizerError``.
    public init(_ url: URL) throws {
        let pieces = try BPETokenizer(url)
        for required in ["[START]", "[STOP]", "[SPACE]"] where pieces.id(of: required) == nil {
            throw TokenizerError.malformed(url, problem: "it has no token \(required)")
        }
        self.pieces = pieces
        speakable = Set(
            (0..<pieces.count).filter { id in
                guard let piece = pieces.piece(of: id), !piece.hasPrefix("[") else { return false }
                return piece.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
            })
    }

    /// One more than the largest token.
    public var count: Int { pieces.count }

    public func piece(of token: Int) -> String? { pieces.piece(of: token) }

    public func encode(_ text: String, language: Language) -> EncodedText {
        let tokens = encode(text)
        return EncodedText(tokens: tokens, hasWords: hasWords(tokens))
    }

    /// The tokens of normalised text, without start and stop.
    public func encode(_ text: String) -> [Int] { pieces.encode(text.replacingScalars(" ", with: "[SPACE]")) }

    /// Text from tokens; start, stop and unknown tokens vanish.
    public func decode(_ tokens: [Int]) -> String {
        tokens.compactMap { pieces.piece(of: $0) }.joined()
            .replacing("[SPACE]", with: " ").replacing("[STOP]", with: "").replacing("[UNK]", with: "").replacing("[START]", with: "")
    }

    /// Whether any token is part of a word.
    public func hasWords(_ tokens: [Int]) -> Bool { tokens.contains { speakable.contains($0) } }

    /// Characters that the model does not know and does not speak, each once, in order.
    public func unknownCharacters(in text: String) -> [Character] { pieces.unknownCharacters(in: text, spelledAs: \.self) }

    public func unknownCharacters(in text: String, _ encoded: EncodedText) -> [Character] {
        encoded.tokens.contains { $0 == pieces.unknown } ? unknownCharacters(in: text) : []
    }
}

extension String {
    /// Replaces scalars instead of characters (grapheme clusters), as Python's `str.replace` does.
    func replacingScalars(_ found: String, with replacement: String) -> String {
        var scalars = Array(unicodeScalars)
        scalars.replaceEach(Array(found.unicodeScalars), with: Array(replacement.unicodeScalars))
        return String(scalars: scalars)
    }
}
