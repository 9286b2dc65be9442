/// Words that are spoken differently from their spelling: names, special abbreviations, words with marked stress.
///
/// ```swift
/// let lexicon = try Lexicon(tsv: "Nguyen\tWin\nSQL\tsequel\n")
/// print(lexicon("Nguyen's SQL").text)   // Win's sequel
/// ```
/// Entries match whole words; of several entries that match, the longest is used. An entry matches as it is written; an entry in lower case also
/// matches with an initial capital, and its replacement then gets one. In scripts without spaces between words an entry matches anywhere.
public struct Lexicon: Sendable, Hashable {
    private struct Entry: Hashable {
        let written: [Unicode.Scalar]
        let spoken: String
    }

    /// Entries by their first scalar, the longest first.
    private let entries: [Unicode.Scalar: [Entry]]
    /// The replacement for each written word.
    public let words: [String: String]
    /// The number of entries.
    public var count: Int { words.count }

    /// Reads a table: on each line a word, a tab and its replacement. Blank lines and lines that begin with `#` are ignored.
    ///
    /// - Throws: ``LexiconError`` with the line.
    public init(tsv: String) throws {
        var words: [String: (spoken: String, line: Int)] = [:]
        var number = 0
        for line in tsv.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let line = number == 1 && line.first == "\u{FEFF}" ? line.dropFirst() : line
            guard !line.allSatisfy(\.isWhitespace), line.first != "#" else { continue }
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { $0.trimmingWhitespace() }
            guard fields.count == 2 || fields.count > 2 && fields[2...].allSatisfy(\.isEmpty) else {
                throw LexiconError(line: number, problem: .fields(fields.count))
            }
            guard !fields[0].isEmpty else { throw LexiconError(line: number, problem: .noWord) }
            guard !fields[1].isEmpty else { throw LexiconError(line: number, problem: .nothingSaid(fields[0])) }
            if let sign = Self.phoneticSign(in: fields[1]) { throw LexiconError(line: number, problem: .phonetic(fields[1], sign: sign)) }
            if let before = words[fields[0]], before.spoken != fields[1] {
                throw LexiconError(line: number, problem: .twice(fields[0], line: before.line))
            }
            words[fields[0]] = (fields[1], number)
        }
        self.init(words.mapValues(\.spoken))
    }

    /// - Parameter words: written words, and their replacements.
    public init(_ words: [String: String]) {
        let sorted = words.sorted { ($0.key.unicodeScalars.count, $1.key) > ($1.key.unicodeScalars.count, $0.key) }
        var entries: [Unicode.Scalar: [Entry]] = [:]
        for (written, spoken) in sorted {
            guard let first = written.unicodeScalars.first else { continue }
            entries[first, default: []].append(Entry(written: Array(written.unicodeScalars), spoken: spoken))
            let capital = first.properties.titlecaseMapping.unicodeScalars
            guard written == written.lowercased(), capital.count == 1, let capital = capital.first, capital != first else { continue }
            let said = spoken.prefix(1).uppercased() + spoken.dropFirst()
            let capitalised = [capital] + written.unicodeScalars.dropFirst()
            guard words[String(String.UnicodeScalarView(capitalised))] == nil else { continue }
            entries[capital, default: []].append(Entry(written: capitalised, spoken: said))
        }
        self.entries = entries.mapValues { $0.sorted { $0.written.count > $1.written.count } }
        self.words = words
    }

    private static func phoneticSign(in text: String) -> Unicode.Scalar? { text.unicodeScalars.first(where: PhoneticSigns.all.contains) }

    /// The text with the replacements.
    public func callAsFunction(_ text: String) -> SpokenText {
        guard !entries.isEmpty else { return SpokenText(unchanged: text) }
        let scalars = Array(text.unicodeScalars)
        func string(_ range: Range<Int>) -> String { String(scalars: scalars[range]) }
        func isWord(_ index: Int) -> Bool {
            guard scalars.indices.contains(index) else { return false }
            let properties = scalars[index].properties
            return properties.isAlphabetic || properties.numericType != nil || properties.generalCategory == .nonspacingMark
        }
        func isWide(_ index: Int) -> Bool {
            (0x2E80...0xABFF).contains(scalars[index].value) || (0xF900...0xFFEF).contains(scalars[index].value)
        }
        func meets(_ index: Int) -> Bool {
            index > 0 && index < scalars.count && isWord(index - 1) && isWord(index) && !(isWide(index - 1) || isWide(index))
        }
        var segments: [SpokenText.Segment] = [], plain = 0, index = 0
        func keep(_ end: Int) {
            guard plain < end else { return }
            segments.append(.init(written: string(plain..<end), spoken: string(plain..<end)))
        }
        while index < scalars.count {
            let found =
                meets(index)
                ? nil
                : entries[scalars[index]]?.first { entry in
                    let end = index + entry.written.count
                    return end <= scalars.count && scalars[index..<end].elementsEqual(entry.written) && !meets(end)
                        && !(end < scalars.count && isMark(scalars[end]))
                }
            guard let found else {
                index += 1
                continue
            }
            keep(index)
            segments.append(.init(written: string(index..<index + found.written.count), spoken: found.spoken))
            index += found.written.count
            plain = index
        }
        keep(scalars.count)
        return SpokenText(segments: segments)
    }

    private func isMark(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .nonspacingMark }
}

/// In JSON an object from the written word to its replacement.
extension Lexicon: Codable {
    /// - Throws: `DecodingError` if this is not such an object, a word or a replacement is empty, or a replacement contains phonetic signs.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer(), words = try container.decode([String: String].self)
        for (written, spoken) in words.sorted(by: { $0.key < $1.key }) {
            let sign = Self.phoneticSign(in: spoken)
            let problem: LexiconError.Problem? =
                written.trimmingWhitespace().isEmpty
                ? .noWord : spoken.trimmingWhitespace().isEmpty ? .nothingSaid(written) : sign.map { .phonetic(spoken, sign: $0) }
            if let problem { throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(problem)") }
        }
        self.init(words)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(words)
    }
}

/// An invalid line of a lexicon.
public struct LexiconError: Error, Hashable, CustomStringConvertible {
    public enum Problem: Sendable, Hashable, CustomStringConvertible {
        /// The line does not have two fields.
        case fields(Int)
        case noWord
        case nothingSaid(String)
        /// The replacement contains a phonetic sign, which no model reads.
        case phonetic(String, sign: Unicode.Scalar)
        /// A word for which an earlier line has another replacement.
        case twice(String, line: Int)

        public var description: String {
            switch self {
            case .fields(let count): "found \(count) field\(count == 1 ? "" : "s"), expected a word, a tab and the text to speak instead"
            case .noWord: "there is no word before the text to speak"
            case .nothingSaid(let word): "there is no text to speak for \"\(word)\""
            case .phonetic(let text, let sign):
                "\"\(text)\" has the phonetic sign \(sign), and the models read letters: spell it as it sounds, as \"Win\" for \"Nguyen\""
            case .twice(let word, let line): "\"\(word)\" is also on line \(line), with another text"
            }
        }
    }

    /// Counted from 1.
    public let line: Int
    public let problem: Problem

    public var description: String { "line \(line): \(problem)" }
}
