import Foundation

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
