import Foundation

/// The tokenizer of Turbo and Nano: GPT-2's byte pairs, with separate tokens for tags such as `[laugh]`.
public struct GPT2Tokenizer: TextTokenizer {
    public static let fileNames = ["vocab.json", "merges.txt"]
    public static let furtherFileNames = ["added_tokens.json", "tokenizer_config.json"]

    private let pieces: BPETokenizer
    /// The tags, with their square brackets.
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
                    "\(tag) is neither a tag of this model nor a speaker with a voice, and is read as text; tags are \(tags.joined(separator: " "))")
            })
    }

    /// Words in brackets that are not tags, each once, in order.
    public func unknownTags(in text: String) -> [String] {
        text.bracketedWords.filter { !tags.contains($0) }
    }
}

extension String {
    /// Words in brackets, such as `[laugh]`, each once, in order.
    var bracketedWords: [String] { matches(of: /\[\p{L}[\p{L} '_-]{0,39}\]/).map { String($0.output) }.uniqued() }
}

/// How GPT-2 divides text into words, and represents bytes by characters (Radford et al. 2019).
enum GPT2Words {
    /// English endings after an apostrophe; words with a space before them; runs of digits, of other marks, of space.
    ///
    /// The regular expression `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    static func words(_ scalars: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
        var words: [ArraySlice<Unicode.Scalar>] = []
        var rest = scalars
        while !rest.isEmpty {
            let end = rest.startIndex + length(rest)
            words.append(rest[..<end])
            rest = rest[end...]
        }
        return words
    }

    /// The characters that represent a word's bytes in UTF-8.
    static func bytes(of word: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        word.flatMap { UTF8.encode($0)!.map { table[Int($0)] } }
    }

    private enum Kind { case letter, number, space, other }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if scalar.isASCII {
            if (0x61...0x7A).contains(scalar.value | 0x20) { return .letter }
            if (0x30...0x39).contains(scalar.value) { return .number }
            return scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value) ? .space : .other
        }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: scalar.properties.isWhitespace ? .space : .other
        }
    }

    private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }

    /// The number of scalars of the first word.
    private static func length(_ rest: ArraySlice<Unicode.Scalar>) -> Int {
        if rest.first == "'", let ending = endings.first(where: { rest.starts(with: $0) }) { return ending.count }
        let first = rest[rest.startIndex]
        let lead = first == " " && rest.count > 1 && kind(rest[rest.startIndex + 1]) != .space ? 1 : 0
        let body = rest.dropFirst(lead)
        let sort = kind(body[body.startIndex])
        let end = body.firstIndex { kind($0) != sort } ?? body.endIndex
        // The last space of a run belongs to the next word.
        let isBeforeWord = sort == .space && end < body.endIndex && end - body.startIndex > 1
        return end - rest.startIndex - (isBeforeWord ? 1 : 0)
    }

    /// Visible Latin-1 characters represent their own byte, the following characters the other bytes.
    private static let table: [Unicode.Scalar] = {
        let visible = Set(33...126).union(161...172).union(174...255)
        var next: UInt32 = 256
        return (0..<256).map { byte in
            if visible.contains(byte) { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next)!
        }
    }()
}
