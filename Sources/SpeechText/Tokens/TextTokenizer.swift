import FileSupport
import Foundation

/// Turns normalised text into T3's tokens.
public protocol TextTokenizer: Sendable {
    /// Reads the tokenizer's files from a model's folder.
    ///
    /// - Parameters:
    ///   - folder: the model's, with the files of ``fileNames``.
    ///   - tools: programs that prepare text of some languages.
    /// - Throws: ``TokenizerError``.
    init(folder: URL, tools: LanguageTools) throws

    /// The files that must be in a model's folder.
    static var fileNames: [String] { get }
    /// Optional files that it also reads.
    static var furtherFileNames: [String] { get }

    /// The largest token, plus one.
    var count: Int { get }

    /// The tokens of normalised text, without start and stop.
    ///
    /// - Parameters:
    ///   - text: as the model's ``TextNormalizer`` gives it.
    ///   - language: one of the model's.
    func encode(_ text: String, language: Language) -> EncodedText

    /// Characters of a text that the model does not know and does not speak, each once, in order.
    ///
    /// - Parameters:
    ///   - text: that was encoded.
    ///   - encoded: its tokens.
    func unknownCharacters(in text: String, _ encoded: EncodedText) -> [Character]

    /// A token's text, as in the tokenizer's file; control tokens are in square brackets.
    func piece(of token: Int) -> String?
}

extension TextTokenizer {
    public static var furtherFileNames: [String] { [] }
    public func unknownCharacters(in text: String, _ encoded: EncodedText) -> [Character] { [] }
}

/// A text as tokens.
public struct EncodedText: Sendable, Hashable {
    public var tokens: [Int]
    /// Whether it contains a word to speak.
    public var hasWords: Bool
    /// Notes about tags that are spoken as text, and about steps of the language that were left out.
    public var notes: [TextNote] = []

    public init(tokens: [Int], hasWords: Bool, notes: [TextNote] = []) {
        self.tokens = tokens
        self.hasWords = hasWords
        self.notes = notes
    }
}

/// A kind of tokenizer, with its name in a model's `config.json`.
///
/// Give your own tokenizer its own name:
///
/// ```swift
/// let variant = Variant(…, tokenizer: TokenizerKind("letters", LetterTokenizer.self), …)
/// ```
public struct TokenizerKind: Sendable, Hashable {
    public let name: String
    /// The type that reads the tokenizer's files from a model's folder.
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

/// A tokenizer file that cannot be used.
public enum TokenizerError: Error, CustomStringConvertible {
    case unreadable(URL, reason: String)
    case malformed(URL, problem: String)

    public var description: String {
        switch self {
        case .unreadable(let url, let reason): "\(url.path): cannot be read (\(reason)); check the path"
        case .malformed(let url, let problem):
            "\(url.path): not a tokenizer this model can use: \(problem.shown(limit: 200)); download it again"
        }
    }
}
