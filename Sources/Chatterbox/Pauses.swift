import SpeechText

/// Seconds of silence between two pieces of speech, depending on where the text is divided; each from 0 to ``longest``.
///
/// A pause in the text, such as `[pause:2s]`, has the length that it states.
public struct Pauses: Sendable, Hashable, Encodable {
    /// Within a sentence that is too long for one piece and has no comma.
    public var word: Double
    /// At a comma or similar punctuation.
    public var clause: Double
    /// Between sentences.
    public var sentence: Double
    /// Between paragraphs, and after headings and items of lists.
    public var paragraph: Double

    enum CodingKeys: String, CodingKey, CaseIterable { case word, clause, sentence, paragraph }

    /// The default pauses, those of a calm reader.
    public static let standard = Pauses(
        word: SentenceSplitter.Boundary.word.usualPause, clause: SentenceSplitter.Boundary.clause.usualPause,
        sentence: SentenceSplitter.Boundary.sentence.usualPause, paragraph: SentenceSplitter.Boundary.paragraph.usualPause)
    /// The longest, in seconds.
    public static let longest = SpeechScript.longestPause

    /// Seconds; the others have their defaults.
    public init(
        word: Double = standard.word, clause: Double = standard.clause, sentence: Double = standard.sentence, paragraph: Double = standard.paragraph
    ) {
        (self.word, self.clause, self.sentence, self.paragraph) = (word, clause, sentence, paragraph)
    }

    /// The names of the lengths, in order.
    public static let names = CodingKeys.allCases.map(\.rawValue)

    /// Lengths by their names; the others have their defaults.
    ///
    /// - Throws: ``SpeechOptionsError`` for an unknown name.
    public init(_ seconds: [String: Double]) throws(SpeechOptionsError) {
        if let unknown = seconds.keys.sorted().first(where: { !Self.names.contains($0) }) {
            throw SpeechOptionsError(option: "pauses", found: unknown, allowed: Self.names.joined(separator: ", "))
        }
        let usual = Self.standard
        self.init(
            word: seconds["word"] ?? usual.word, clause: seconds["clause"] ?? usual.clause, sentence: seconds["sentence"] ?? usual.sentence,
            paragraph: seconds["paragraph"] ?? usual.paragraph)
    }

    /// - Throws: ``SpeechOptionsError`` for a value that is out of range.
    func check() throws(SpeechOptionsError) {
        for (name, seconds) in [("word", word), ("clause", clause), ("sentence", sentence), ("paragraph", paragraph)]
        where !(0...Self.longest).contains(seconds) {
            throw SpeechOptionsError(option: "pauses", found: "\(name) \(seconds)", allowed: "0 to \(Int(Self.longest)) s")
        }
    }

    package func callAsFunction(after boundary: SentenceSplitter.Boundary) -> Double {
        switch boundary {
        case .word: word
        case .clause: clause
        case .sentence: sentence
        case .paragraph: paragraph
        }
    }
}
