/// A tokenizer by its name, as a model's `config.json` names it.
///
/// A tokenizer of one's own gets a name of its own:
///
/// ```swift
/// let variant = Variant(…, tokenizer: TokenizerKind("letters", LetterTokenizer.self), …)
/// ```
public struct TokenizerKind: Sendable, Hashable {
    public let name: String
    /// What reads the tokenizer's files from a model's folder.
    public let type: any TextTokenizer.Type

    public init(_ name: String, _ type: any TextTokenizer.Type) { (self.name, self.type) = (name, type) }

    /// Byte-pair encoding of English letters (``EnglishTokenizer``).
    public static let english = TokenizerKind("english", EnglishTokenizer.self)
    /// Graphemes of 23 languages (``MultilingualTokenizer``).
    public static let multilingual = TokenizerKind("multilingual", MultilingualTokenizer.self)
    /// GPT-2's byte-pair encoding, with tags such as `[laugh]` (``GPT2Tokenizer``).
    public static let gpt2 = TokenizerKind("gpt2", GPT2Tokenizer.self)

    /// Those of this package.
    public static let all = [english, multilingual, gpt2]

    public static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.type == b.type }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension TokenizerKind: Codable {
    /// - Throws: `DecodingError` for a name that is not one of ``all``.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer(), name = try container.decode(String.self)
        guard let known = Self.all.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "the tokenizer \"\(name)\" is not one of \(Self.all.map(\.name).joined(separator: ", ")); a variant with another is given in code"
            )
        }
        self = known
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
