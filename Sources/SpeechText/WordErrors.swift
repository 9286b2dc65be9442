import Foundation

/// The number of wrong words in a transcript.
public struct WordErrors: Sendable, Hashable, Codable {
    /// Wrong, missing and additional words.
    public private(set) var wrong = 0
    /// Words of the correct text.
    public private(set) var words = 0

    public init() {}

    /// Those of one sentence.
    public init(expected: String, transcript: String) { add(expected: expected, transcript: transcript) }

    /// Wrong words in percent of the words of the correct text.
    public var percent: Double { words == 0 ? 0 : 100 * Double(wrong) / Double(words) }

    /// Adds a sentence. Capitals and punctuation are ignored; numbers must be written as words.
    public mutating func add(expected: String, transcript: String) {
        let (expected, transcript) = (Self.words(of: expected), Self.words(of: transcript))
        wrong += Self.distance(expected, transcript)
        words += expected.count
    }

    /// Adds those of other sentences.
    public mutating func add(_ other: WordErrors) {
        wrong += other.wrong
        words += other.words
    }

    /// The words of a text; in a script without spaces each character is one.
    static func words(of text: String) -> [String] {
        var words: [String] = [], word = ""
        func end() {
            let trimmed = word.trimmingCharacters(in: ["'"])
            if !trimmed.isEmpty { words.append(trimmed) }
            word = ""
        }
        for character in text.lowercased().replacing("\u{2019}", with: "'") {
            if character.isWithoutSpaces {
                end()
                words.append(String(character))
            } else if character.isLetter || character.isNumber || character == "'" {
                word.append(character)
            } else {
                end()
            }
        }
        end()
        return words
    }

    /// Insertions, deletions and substitutions between two lists (Levenshtein 1966).
    static func distance(_ expected: [String], _ transcript: [String]) -> Int {
        var row = Array(0...transcript.count)
        for (i, word) in expected.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in transcript.enumerated() {
                let replaced = diagonal + (word == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(row[j + 1] + 1, row[j] + 1, replaced)
            }
        }
        return row[transcript.count]
    }
}

extension Character {
    /// Whether the character belongs to a script without spaces between words.
    fileprivate var isWithoutSpaces: Bool {
        guard let scalar = unicodeScalars.first else { return false }
        return switch scalar.value {
        case 0x0E00...0x0E7F, 0x3040...0x30FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
        default: false
        }
    }
}
