import Foundation

/// The multilingual models' tokenizer: byte-pair pieces of graphemes, with the language's code in front (upstream:
/// `MTLTokenizer`).
///
/// Text is lower-cased and decomposed (NFKD), prepared by its language's own step, and gets the prefix `[xx]`.
public struct MultilingualTokenizer: TextTokenizer {
    public static let fileNames = ["grapheme_mtl_merged_expanded_v1.json"]
    public static let furtherFileNames = [CangjieTable.fileName]

    private let pieces: BPETokenizer
    private let speakable: Set<Int>
    private let steps: LanguageSteps

    public init(folder: URL, tools: LanguageTools) throws {
        let url = folder.appending(path: Self.fileNames[0])
        let pieces = try BPETokenizer(url)
        for required in ["[START]", "[STOP]", "[SPACE]"] where pieces.id(of: required) == nil {
            throw TokenizerError.malformed(url, problem: "it has no token \(required)")
        }
        self.pieces = pieces
        let table = folder.appending(path: CangjieTable.fileName)
        steps = LanguageSteps(
            cangjie: FileManager.default.fileExists(atPath: table.path) ? try CangjieTable(table) : nil,
            helper: tools.helper.map { LanguageHelper($0) }, japanese: tools.mecab.map(JapaneseReader.init),
            segmenter: tools.chineseWords.map { ChineseSegmenter($0) })
        speakable = Set(
            (0..<pieces.count).filter { id in
                guard let piece = pieces.piece(of: id) else { return false }
                return piece.hasPrefix("[") ? piece.hasPrefix("[cj_") : piece.hasWordScalar
            })
    }

    public var count: Int { pieces.count }

    public func piece(of token: Int) -> String? { pieces.piece(of: token) }

    public func encode(_ text: String, language: Language) -> EncodedText {
        let (spoken, notes) = steps(Self.plain(text), language)
        let tokens = pieces.encode("[\(language.code)]\(spoken)".replacingScalars(" ", with: "[SPACE]"))
        return EncodedText(tokens: tokens, hasWords: tokens.contains { speakable.contains($0) }, notes: notes)
    }

    private static func plain(_ text: String) -> String {
        text.isASCII ? text.lowercased() : CompatibleForm.of(text.lowercasedByContext())
    }

    public func unknownCharacters(in text: String, _ encoded: EncodedText) -> [Character] {
        guard let unknown = pieces.unknown, encoded.tokens.contains(unknown) else { return [] }
        // The first token is the language's, such as [zh]. The language's step may spell a character with characters that have tokens: Chinese ones
        // by their Cangjie keys, Japanese ones by their reading.
        let code = encoded.tokens.first.flatMap(pieces.piece) ?? "", language = Language(code: String(code.dropFirst().dropLast()))
        return pieces.unknownCharacters(in: text, spelledAs: Self.plain).filter { character in
            guard let language else { return true }
            return pieces.encode(steps(Self.plain(String(character)), language).0).contains(unknown)
        }
    }
}

extension String {
    /// Whether any scalar is a letter or a numeral.
    var hasWordScalar: Bool { unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil } }

    /// Lower case as in Python's `str.lower`: a capital sigma at the end of a word becomes ς.
    func lowercasedByContext() -> String {
        let scalars = Array(unicodeScalars)
        var lower: [Unicode.Scalar] = []
        lower.reserveCapacity(scalars.count)
        for (index, scalar) in scalars.enumerated() {
            if scalar.isASCII {
                lower.append((65...90).contains(scalar.value) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar)
            } else if scalar == "Σ" {
                let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
                let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
                lower.append(before?.properties.isCased == true && after?.properties.isCased != true ? "ς" : "σ")
            } else if !ScalarKind.kind(scalar).contains(.capital) {
                lower.append(scalar)
            } else {
                lower.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(scalars: lower)
    }
}
