/// What a language's text goes through between its plain form and its pieces.
enum LanguageStep {
    /// The text, and a warning where the step could not be taken.
    typealias Step = @Sendable (String) throws -> (text: String, warning: SpeechWarning?)

    /// The step of a language; most have none.
    static func of(_ language: Language) -> Step {
        switch language {
        case .korean: { (korean($0), nil) }
        case .chinese: skipped(language, "words and Cangjie codes")
        case .japanese: skipped(language, "kanji to hiragana")
        case .hebrew: skipped(language, "vowel points")
        case .russian: skipped(language, "stress marks")
        default: { ($0, nil) }
        }
    }

    /// Syllables as Jamo. Decomposed text has none left but code points that Unicode has not assigned.
    static func korean(_ text: String) -> String {
        let jamo = text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
            guard (0xAC00...0xD7AF).contains(scalar.value) else { return [scalar] }
            let (syllable, final) = (scalar.value - 0xAC00).quotientAndRemainder(dividingBy: 28)
            let (initial, medial) = syllable.quotientAndRemainder(dividingBy: 21)
            let parts = [0x1100 + initial, 0x1161 + medial] + (final > 0 ? [0x11A7 + final] : [])
            return parts.map { Unicode.Scalar($0)! }
        }
        let isSpace = { (scalar: Unicode.Scalar) in scalar.isPythonSpace }
        return String(String.UnicodeScalarView(jamo.drop(while: isSpace).reversed().drop(while: isSpace).reversed()))
    }

    private static func skipped(_ language: Language, _ step: String) -> Step {
        { text in (text, SpeechWarning(.skippedStep, "\(language.name) is spoken without its step \"\(step)\", which this version lacks")) }
    }
}
