import Foundation

/// Writes a text as it is spoken: numbers, money, dates, times, measures, signs and abbreviations become words.
///
/// ```swift
/// SpokenForm(language: "en")("At 9:30PM, $5.").text   // At nine thirty PM, five dollars.
/// ```
/// Words are not changed, and every change records the written text (``SpokenText/segments``). English, German, French, Spanish,
/// Portuguese, Italian, Dutch, Polish, Russian, Turkish, Hindi, Chinese, Japanese, Korean and Arabic have dates, times, money, units,
/// ordinals, telephone numbers and abbreviations; the other languages numbers, dates, money and signs.
public struct SpokenForm: Sendable {
    let speller: NumberSpeller
    let words: LanguageWords
    /// Abbreviations by their first word, the longest first.
    let abbreviations: [String: [(written: String, spoken: String)]]
    /// The first characters of all abbreviations.
    let abbreviationStarts: Set<Unicode.Scalar>
    /// Abbreviations of currencies in letters, the longest first.
    let moneyAbbreviations: [String]
    /// "million" and similar words, in all their forms.
    let magnitudeNames: Set<String>
    /// In lower case.
    let months: Set<String>
    var language: String { speller.language }

    /// - Parameter language: an ISO 639-1 code; an unknown one is treated as English.
    public init(language: String) {
        let known = LanguageWords.all[language] == nil ? "en" : language
        speller = NumberSpeller(language: known)
        words = LanguageWords.of(known)
        let sorted = words.abbreviations.sorted { $0.key.count > $1.key.count }.map { (written: $0.key, spoken: $0.value) }
        abbreviations = Dictionary(grouping: sorted) { String($0.written.prefix { $0.isLetter }) }
        abbreviationStarts = Set(sorted.compactMap(\.written.unicodeScalars.first))
        let names = Array(words.money.keys) + Self.codes.keys
        moneyAbbreviations = names.filter { $0.unicodeScalars.first?.properties.isAlphabetic == true }.sorted { $0.count > $1.count }
        months = Set(words.months.map { $0.lowercased() })
        magnitudeNames = Set(
            words.magnitudes.values.flatMap { noun in
                [noun.one, noun.few, noun.many, noun.other].map { String($0.split(separator: " ").last ?? "") }
            })
    }

    public func callAsFunction(_ text: String) -> SpokenText { TextScanner(text, self).run() }
}

/// One pass over a text.
struct TextScanner {
    /// The text, with the digits of all scripts converted to ASCII.
    let scalars: [Unicode.Scalar]
    private let written: [Unicode.Scalar]
    let form: SpokenForm
    var words: LanguageWords { form.words }
    var speller: NumberSpeller { form.speller }
    var isEnglish: Bool { form.language == "en" }

    /// The result of a rule: the end of the text that it replaces, and the spoken replacement.
    struct Match {
        let end: Int
        let spoken: String

        init(_ end: Int, _ spoken: String) { (self.end, self.spoken) = (end, spoken) }
    }

    init(_ text: String, _ form: SpokenForm) {
        written = Array(text.unicodeScalars)
        scalars = text.utf8.allSatisfy { $0 < 0x80 } ? written : written.map(Self.plain)
        self.form = form
    }

    func run() -> SpokenText {
        var segments: [SpokenText.Segment] = []
        var plain = 0, index = 0
        func keep(_ end: Int) {
            guard plain < end else { return }
            let text = original(plain..<end)
            segments.append(.init(written: text, spoken: text))
        }
        while index < scalars.count {
            guard mayBegin(index), let match = match(at: index) else {
                index += 1
                continue
            }
            keep(index)
            var spoken = match.spoken
            // Digits may touch letters; words may not.
            if let first = spoken.unicodeScalars.first, isWord(first) {
                let before = segments.last?.spoken.unicodeScalars.last
                let isJoined = isWideLanguage && isWide(first) || form.language == "ko" && before.map(isHangul) == true && isHangul(first)
                if let before, isWord(before), !isWide(before), !isJoined { spoken = " " + spoken }
            }
            if let last = spoken.unicodeScalars.last, isWord(last), match.end < scalars.count, isWord(scalars[match.end]),
                !isWide(scalars[match.end]), form.language != "ko" || !isHangul(last) || !isHangul(scalars[match.end])
            {
                spoken += " "
            }
            segments.append(.init(written: original(index..<match.end), spoken: spoken))
            index = match.end
            plain = index
        }
        keep(scalars.count)
        return SpokenText(segments: segments)
    }

    // MARK: looking at characters

    /// Converts Arabic, Persian and Devanagari digits to ASCII, and Arabic marks in numbers likewise.
    private static func plain(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0x660...0x669: Unicode.Scalar(scalar.value - 0x660 + 48)!
        case 0x6F0...0x6F9: Unicode.Scalar(scalar.value - 0x6F0 + 48)!
        case 0x966...0x96F: Unicode.Scalar(scalar.value - 0x966 + 48)!
        case 0x66A: "%"
        case 0x66B: "."
        case 0x66C: ","
        default: scalar
        }
    }

    private func original(_ range: Range<Int>) -> String { String(scalars: written[range]) }
    func string(_ range: Range<Int>) -> String { String(scalars: scalars[range]) }
    func scalar(_ index: Int) -> Unicode.Scalar? { scalars.indices.contains(index) ? scalars[index] : nil }
    func isWord(_ scalar: Unicode.Scalar) -> Bool { isDigit(scalar) || isLetter(scalar) }
    func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? (65...90).contains(scalar.value & ~32) : scalar.isAlphabetic
    }
    func isDigit(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { (48...57).contains($0.value) } ?? false }
    /// Scripts without spaces between words.
    func isWide(_ scalar: Unicode.Scalar) -> Bool { (0x2E80...0xFFEF).contains(scalar.value) && !(0xAC00...0xD7AF).contains(scalar.value) }
    private func isHangul(_ scalar: Unicode.Scalar) -> Bool { (0xAC00...0xD7AF).contains(scalar.value) }
    func isSpace(_ scalar: Unicode.Scalar?) -> Bool { scalar == " " || scalar == "\u{A0}" || scalar == "\u{202F}" || scalar == "\u{2009}" }
    /// Whether a word may begin at this index.
    func begins(_ index: Int) -> Bool { index == 0 || !isWord(scalars[index - 1]) }
    /// Whether a word may end before this index.
    func ends(_ index: Int) -> Bool { index >= scalars.count || !isWord(scalars[index]) }

    /// Whether the text occurs at this index.
    func has(_ text: String, at index: Int, ignoringCase: Bool = false) -> Bool {
        var index = index
        for scalar in text.unicodeScalars {
            guard let found = self.scalar(index) else { return false }
            guard found == scalar || ignoringCase && found.properties.lowercaseMapping == scalar.properties.lowercaseMapping else {
                return false
            }
            index += 1
        }
        return true
    }

    /// The digits from this index on.
    func digits(at index: Int, most: Int = .max) -> (text: String, end: Int)? {
        var end = index
        while end - index < most, isDigit(scalar(end)) { end += 1 }
        return end > index ? (string(index..<end), end) : nil
    }

    /// The word that begins at this index.
    func word(at index: Int) -> (text: String, end: Int)? {
        var end = index
        while let scalar = scalar(end), isLetter(scalar) { end += 1 }
        return end > index ? (string(index..<end), end) : nil
    }

    func skippingSpace(_ index: Int) -> Int { isSpace(scalar(index)) ? index + 1 : index }

    /// The word before this index, separated by one space.
    func word(before index: Int) -> String? {
        guard index > 1, isSpace(scalars[index - 1]) else { return nil }
        var start = index - 1
        while start > 0, isLetter(scalars[start - 1]) { start -= 1 }
        return start < index - 1 ? string(start..<index - 1) : nil
    }

    private func mayBegin(_ index: Int) -> Bool {
        let scalar = scalars[index]
        if isDigit(scalar) { return true }
        if scalar == "." { return isDigit(self.scalar(index + 1)) }
        if isLetter(scalar) { return begins(index) }
        if scalar.isASCII { return Self.signs.contains(scalar) }
        return scalar.value >= 0xA2 && scalar.value < 0x3000 || scalar.value >= 0xFFE0 && scalar.value <= 0xFFE6
    }

    private static let signs: Set<Unicode.Scalar> = ["$", "#", "&", "+", "-", "=", "%", "@", "(", "'", "<", ">", "*", "/", "^", "~", "."]

    private func match(at index: Int) -> Match? {
        let scalar = scalars[index]
        if isDigit(scalar) { return numeric(index) }
        if isLetter(scalar) { return wordly(index) }
        return signed(index)
    }
}
