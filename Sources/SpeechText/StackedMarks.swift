/// Letters with more accents than a model knows, as "Z̷̪͛a̴͍͋lgo" is written: those that it does not know are dropped.
struct StackedMarks {
    /// The text without them.
    let text: String
    /// Letters that lost marks, each once, in order.
    let changed: [Character]

    /// Marks that any letter may have, as accents are.
    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x300...0x36F, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE20...0xFE2F: true
        default: false
        }
    }

    /// - Parameters:
    ///   - text: composed.
    ///   - isKnown: whether the model speaks a character.
    init(_ text: String, isKnown: (Character) -> Bool) {
        guard text.unicodeScalars.contains(where: Self.isMark) else {
            (self.text, changed) = (text, [])
            return
        }
        var changed: [Character] = [], result = "", kept: [Character: String] = [:]
        for character in text {
            // What has one mark, of whatever language, is as it is written.
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

    /// The letter with as many of its first marks, two at most, as the model knows it with; with one where it knows not even the letter.
    private static func reduced(_ character: Character, _ isKnown: (Character) -> Bool) -> String {
        let scalars = Array(String(character).decomposedStringWithCanonicalMapping.unicodeScalars)
        guard let first = scalars.firstIndex(where: isMark) else { return String(character) }
        let letter = scalars[..<first], marks = scalars[first...].filter(isMark)
        // Unicode's order of marks has those below a letter first; languages have theirs above.
        let sorted =
            marks.filter { $0.properties.canonicalCombiningClass == .above } + marks.filter { $0.properties.canonicalCombiningClass != .above }
        for count in [2, 1, 0] {
            let candidate = String(scalars: letter + sorted.prefix(count)).precomposedStringWithCanonicalMapping
            if candidate.count == 1, isKnown(Character(candidate)) { return candidate }
        }
        return String(scalars: letter + sorted.prefix(1)).precomposedStringWithCanonicalMapping
    }
}
