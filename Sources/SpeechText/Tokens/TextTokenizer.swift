import Foundation

/// Turns normalised text into the numbers that a T3 reads.
public protocol TextTokenizer: Sendable {
    /// Reads the tokenizer's files from a model's folder.
    ///
    /// - Parameters:
    ///   - folder: the model's, with the files of ``fileNames``.
    ///   - tools: programs that take steps of some languages.
    /// - Throws: ``TokenizerError``.
    init(folder: URL, tools: LanguageTools) throws

    /// The files that must be in a model's folder.
    static var fileNames: [String] { get }
    /// Files that it also reads where they are there.
    static var furtherFileNames: [String] { get }

    /// The largest token, plus one.
    var count: Int { get }

    /// The tokens of normalised text, without start and stop.
    ///
    /// - Parameters:
    ///   - text: as the model's ``TextNormalizer`` gives it.
    ///   - language: one of the model's.
    func encode(_ text: String, language: Language) -> EncodedText

    /// Characters of a text that the model has never seen and will not speak, each once, in order.
    ///
    /// - Parameters:
    ///   - text: that was encoded.
    ///   - encoded: its tokens.
    func unknownCharacters(in text: String, _ encoded: EncodedText) -> [Character]

    /// What a token spells, as the tokenizer's file writes it; control tokens stand in square brackets.
    func piece(of token: Int) -> String?
}

extension TextTokenizer {
    public static var furtherFileNames: [String] { [] }
    public func unknownCharacters(in text: String, _ encoded: EncodedText) -> [Character] { [] }
}

/// A text as tokens.
public struct EncodedText: Sendable, Hashable {
    public var tokens: [Int]
    /// Whether there is anything to say in it.
    public var hasWords: Bool
    /// Tags that are read as text, steps of the language that were left out.
    public var notes: [TextNote] = []

    public init(tokens: [Int], hasWords: Bool, notes: [TextNote] = []) {
        self.tokens = tokens
        self.hasWords = hasWords
        self.notes = notes
    }
}
