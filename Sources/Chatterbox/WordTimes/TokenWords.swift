import Foundation

/// Which word of a text each of its tokens belongs to.
///
/// Tokens spell the text after it was normalised, lower-cased, decomposed and perhaps read aloud on paper; what stays is
/// the order of its letters, by whose count tokens find their words.
struct TokenWords: Sendable {
    /// The text's words as they are written.
    let words: [String]
    /// Each token's word; nil for spaces, for punctuation at a word's ends, and for control tokens.
    let owners: [Int?]

    /// - Parameter pieces: what the tokens spell, as their tokenizer writes it: `[SPACE]`, `[cj_k]`, letters.
    init(_ text: String, pieces: [String]) {
        var words = WordSplitter.words(text)
        let isWide = words.contains { $0.text.contains(where: \.standsAlone) }
        let spelled = Self.stretches(pieces, apart: isWide)
        let total = spelled.reduce(0) { $0 + $1.letters }
        var written = words.reduce(0) { $0 + $1.letters }
        if isWide, total != written {
            // Kanji that are read as kana are mostly read as two.
            for index in words.indices { words[index].letters += words[index].text.count(where: \.isIdeograph) }
            written = words.reduce(0) { $0 + $1.letters }
        }
        self.words = words.map(\.text)
        var owners = [Int?](repeating: nil, count: pieces.count)
        var word = 0, end = words.first?.letters ?? 0, before = 0
        for stretch in spelled {
            // A stretch belongs where its middle is.
            let middle = (Double(before) + Double(stretch.letters) / 2) * Double(written) / Double(max(1, total))
            while Double(end) <= middle, word + 1 < words.count {
                word += 1
                end += words[word].letters
            }
            if !words.isEmpty { for token in stretch.tokens { owners[token] = word } }
            before += stretch.letters
        }
        self.owners = owners
    }

    /// Tokens between spaces, without those at either end that have no letters; where characters are words of their own,
    /// each of them for itself.
    private static func stretches(_ pieces: [String], apart: Bool) -> [(tokens: Range<Int>, letters: Int)] {
        var stretches: [(tokens: Range<Int>, letters: Int)] = []
        var first: Int?, last = 0, letters = 0
        func close() {
            if let first, letters > 0 { stretches.append((first..<last + 1, letters)) }
            (first, letters) = (nil, 0)
        }
        for (index, piece) in pieces.enumerated() {
            let spelling = Spelling(piece)
            if spelling == .space { close() }
            guard let count = spelling.letters else { continue }
            first = first ?? index
            last = index
            letters += count
            if apart, count > 0 { close() }
        }
        close()
        return stretches
    }

    /// What a piece is in the text.
    private enum Spelling: Equatable {
        case space, nothing
        /// One of the keys of a character that a later piece ends.
        case key
        case letters(Int)

        init(_ piece: String) {
            let isNamed = piece.count > 1 && piece.hasPrefix("[") && piece.hasSuffix("]")
            self =
                switch piece {
                case "[SPACE]": .space
                case "[UNK]", "[cj_.]": .letters(1)
                case _ where isNamed: piece.hasPrefix("[cj_") ? .key : .nothing
                default: piece.spokenLetters > 0 ? .letters(piece.spokenLetters) : .nothing
                }
        }

        /// Nil where no word is spelled.
        var letters: Int? {
            switch self {
            case .space, .nothing: nil
            case .key: 0
            case .letters(let count): count
            }
        }
    }
}

extension Character {
    fileprivate var isIdeograph: Bool { standsAlone && (unicodeScalars.first?.value ?? 0) >= 0x3400 }
}

/// Cuts a text into the words that a reader sees: at white space, and Chinese and Japanese between characters.
enum WordSplitter {
    struct Word: Hashable {
        var text: String
        /// Letters and other signs that are spoken.
        var letters: Int
    }

    /// The words in order, each with the punctuation at its ends; punctuation that stands alone goes to the word before it,
    /// or in front of the first.
    static func words(_ text: String) -> [Word] {
        var words: [Word] = []
        var leading = ""
        for chunk in text.split(whereSeparator: \.isWhitespace) {
            for (index, part) in parts(chunk).enumerated() {
                let letters = part.spokenLetters
                if letters > 0 {
                    words.append(Word(text: leading + part, letters: letters))
                    leading = ""
                } else if words.isEmpty {
                    leading += part + " "
                } else {
                    words[words.count - 1].text += (index == 0 ? " " : "") + part
                }
            }
        }
        return words
    }

    /// Characters that stand alone, with what follows and is not spoken, and the runs between them.
    private static func parts(_ chunk: Substring) -> [String] {
        var parts: [String] = []
        for character in chunk {
            let isNext =
                character.standsAlone
                || parts.last?.contains(where: \.standsAlone) == true && (character.opens || String(character).spokenLetters > 0)
            if parts.isEmpty || isNext && parts[parts.count - 1].contains(where: { !$0.opens }) {
                parts.append(String(character))
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts
    }
}

extension Character {
    /// Whether it is a word of its own to a reader: ideographs and kana.
    var standsAlone: Bool {
        guard let scalar = unicodeScalars.first, scalar.properties.isAlphabetic else { return false }
        return switch scalar.value {
        case 0x3005...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
        default: false
        }
    }

    /// Whether it is a bracket or quotation mark in front of what it belongs to.
    fileprivate var opens: Bool {
        [.openPunctuation, .initialPunctuation].contains(unicodeScalars.first?.properties.generalCategory)
    }
}

extension String {
    /// Signs that are spoken: letters, numerals and symbols, once the text is in lower case and decomposed.
    var spokenLetters: Int {
        lowercased().decomposedStringWithCompatibilityMapping.unicodeScalars.count { scalar in
            switch scalar.properties.generalCategory {
            case .mathSymbol, .currencySymbol, .otherSymbol: true
            default: scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            }
        }
    }
}
