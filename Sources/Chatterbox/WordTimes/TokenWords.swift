import Foundation

/// The word of a text to which each token belongs.
///
/// Tokens spell the text after normalising, lower-casing, decomposing and possibly transcribing it; the order of its letters does not change, so
/// tokens are assigned to words by counting letters.
struct TokenWords: Sendable {
    /// The text's words, as they are written.
    let words: [String]
    /// The word of each token; nil for spaces, for punctuation at a word's ends, and for control tokens.
    let owners: [Int?]

    /// - Parameter pieces: the tokens' text, as their tokenizer writes it: `[SPACE]`, `[cj_k]`, letters.
    init(_ text: String, pieces: [String]) {
        var words = WordSplitter.words(text)
        let isWide = words.contains { $0.text.contains(where: \.standsAlone) }
        let spelled = Self.stretches(pieces, apart: isWide)
        let total = spelled.reduce(0) { $0 + $1.letters }
        var written = words.reduce(0) { $0 + $1.letters }
        if isWide, total != written {
            // Most kanji that are transcribed as kana become two.
            for index in words.indices { words[index].letters += words[index].text.count(where: \.isIdeograph) }
            written = words.reduce(0) { $0 + $1.letters }
        }
        self.words = words.map(\.text)
        var owners = [Int?](repeating: nil, count: pieces.count)
        var word = 0, end = words.first?.letters ?? 0, before = 0
        for stretch in spelled {
            // A group of tokens belongs to the word at its middle.
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

    /// Groups of tokens between spaces, without tokens at either end that have no letters; in scripts in which characters are words, each token is a
    /// group.
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

    /// What a token spells.
    private enum Spelling: Equatable {
        case space, nothing
        /// One of several keys of a character, whose end is a later token.
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

        /// nil if the token is not part of a word.
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

/// Splits a text into words as a reader sees them: at white space, and between Chinese and Japanese characters.
enum WordSplitter {
    struct Word: Hashable {
        var text: String
        /// The number of letters and other spoken signs.
        var letters: Int
    }

    /// The words in order, each with the punctuation at its ends; separate punctuation belongs to the word before it, or to the first word.
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

    /// Characters that are words by themselves, with following characters that are not spoken, and the runs between them.
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
    /// Whether the character is a word by itself for a reader: ideographs and kana.
    var standsAlone: Bool {
        guard let scalar = unicodeScalars.first, scalar.properties.isAlphabetic else { return false }
        return switch scalar.value {
        case 0x3005...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
        default: false
        }
    }

    /// Whether the character is a bracket or quotation mark at the beginning of what it encloses.
    fileprivate var opens: Bool {
        [.openPunctuation, .initialPunctuation].contains(unicodeScalars.first?.properties.generalCategory)
    }
}

extension String {
    /// The number of spoken signs: letters, numerals and symbols, after lower-casing and decomposing.
    var spokenLetters: Int {
        lowercased().decomposedStringWithCompatibilityMapping.unicodeScalars.count { scalar in
            switch scalar.properties.generalCategory {
            case .mathSymbol, .currencySymbol, .otherSymbol: true
            default: scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            }
        }
    }
}
