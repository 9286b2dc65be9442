/// Properties of a scalar. Looking them up in Unicode's tables is slow, so they are looked up once for most scripts.
struct ScalarKind: OptionSet, Sendable {
    let rawValue: UInt8

    /// Unicode's Alphabetic.
    static let alphabetic = ScalarKind(rawValue: 1)
    /// Unicode's White_Space.
    static let space = ScalarKind(rawValue: 2)
    /// `\w` of regular expressions: letters, marks, decimal digits, connecting punctuation, joiners.
    static let word = ScalarKind(rawValue: 4)
    /// Unicode's Changes_When_Lowercased.
    static let capital = ScalarKind(rawValue: 8)

    /// All scalars up to those of Japanese.
    private static let table: [ScalarKind] = (0..<ideographs).map { ScalarKind(of: Unicode.Scalar($0)) }
    private static let ideographs: UInt16 = 0x3400
    private static let letter: ScalarKind = [.alphabetic, .word]

    /// By Unicode's properties.
    init(of scalar: Unicode.Scalar?) {
        self = []
        guard let properties = scalar?.properties else { return }
        if properties.isAlphabetic { insert(.alphabetic) }
        if properties.isWhitespace { insert(.space) }
        if properties.changesWhenLowercased { insert(.capital) }
        if properties.isAlphabetic || properties.isJoinControl { insert(.word) }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: insert(.word)
        default: break
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    static func kind(_ scalar: Unicode.Scalar) -> ScalarKind {
        switch scalar.value {
        case 0..<UInt32(ideographs): table[Int(scalar.value)]
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3: letter
        default: ScalarKind(of: scalar)
        }
    }
}

extension Unicode.Scalar {
    var isAlphabetic: Bool { ScalarKind.kind(self).contains(.alphabetic) }
    var isWhiteSpace: Bool { ScalarKind.kind(self).contains(.space) }
    /// `\w` of Unicode regular expressions.
    var isWordCharacter: Bool { ScalarKind.kind(self).contains(.word) }
}

/// The International Phonetic Alphabet, which no model can read.
enum PhoneticSigns {
    /// Signs that no supported language uses.
    static let all = Set("ɪəʃʒɔʌʊɛɑɒɜɐɡɹɾʔɲʁɸɣʎˈˌːʰʲɚɝɨʉɯɤɵɘɞɶɱɳɴɽʀɬɮʋɻɭʟɰʍɥʜʢʡɕʑɧɟʄɠʛɓɗ".unicodeScalars)

    /// Words in the phonetic alphabet, such as `/ˈnuːjɛn/`, each once, in order.
    static func words(in text: String) -> [String] {
        guard text.unicodeScalars.contains(where: all.contains) else { return [] }
        return text.split(whereSeparator: \.isWhitespace).filter { $0.unicodeScalars.contains(where: all.contains) }.map { word in
            var word = word
            while let last = word.last, ".,;:!?()[]\"'“”".contains(last) { word.removeLast() }
            while let first = word.first, "()[]\"'“”".contains(first) { word.removeFirst() }
            return String(word)
        }.uniqued()
    }

    /// - Returns: nil if the text contains no such word.
    static func note(on text: String) -> TextNote? {
        let words = words(in: text)
        guard !words.isEmpty else { return nil }
        let shown = words.prefix(5).joined(separator: " ") + (words.count > 5 ? " and \(words.count - 5) more" : "")
        return TextNote(
            .signs,
            "\(shown) \(words.count == 1 ? "is" : "are") in phonetic signs, which the model reads as letters or not at all: spell it as it sounds, as Win for Nguyen"
        )
    }
}

/// Letters with more accents than a model knows, as in "Z̷̪͛a̴͍͋lgo": the unknown accents are removed.
struct StackedMarks {
    /// The text without them.
    let text: String
    /// Letters from which accents were removed, each once, in order.
    let changed: [Character]

    /// Marks that can be combined with any letter, such as accents.
    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x300...0x36F, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE20...0xFE2F: true
        default: false
        }
    }

    /// - Parameters:
    ///   - text: composed text (NFC).
    ///   - isKnown: whether the model speaks a character.
    init(_ text: String, isKnown: (Character) -> Bool) {
        guard text.unicodeScalars.contains(where: Self.isMark) else {
            (self.text, changed) = (text, [])
            return
        }
        var changed: [Character] = [], result = "", kept: [Character: String] = [:]
        for character in text {
            // A character with one mark is not changed, whatever its language is.
            guard character.unicodeScalars.last.map(Self.isMark) == true,
                String(character).decomposedStringWithCanonicalMapping.unicodeScalars.count(where: Self.isMark) > 1
            else {
                result.append(character)
                continue
            }
            let known = kept[character] ?? Self.reduced(character, isKnown)
            if known != String(character), !changed.contains(character) { changed.append(character) }
            kept[character] = known
            result += known
        }
        (self.text, self.changed) = (result, changed)
    }

    /// The letter with as many of its first marks, at most two, as the model knows; with one if it does not know the letter at all.
    private static func reduced(_ character: Character, _ isKnown: (Character) -> Bool) -> String {
        let scalars = Array(String(character).decomposedStringWithCanonicalMapping.unicodeScalars)
        guard let first = scalars.firstIndex(where: isMark) else { return String(character) }
        let letter = scalars[..<first], marks = scalars[first...].filter(isMark)
        // In Unicode's order marks below a letter come first; those that languages use are above it.
        let sorted =
            marks.filter { $0.properties.canonicalCombiningClass == .above } + marks.filter { $0.properties.canonicalCombiningClass != .above }
        for count in [2, 1, 0] {
            let candidate = String(scalars: letter + sorted.prefix(count)).precomposedStringWithCanonicalMapping
            if candidate.count == 1, isKnown(Character(candidate)) { return candidate }
        }
        return String(scalars: letter + sorted.prefix(1)).precomposedStringWithCanonicalMapping
    }
}
