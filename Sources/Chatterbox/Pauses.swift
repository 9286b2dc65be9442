import SpeechText

/// Seconds of silence between pieces of speech, by where the first of them ends; each from 0 to ``longest``.
///
/// A pause that the text asks for, as `[pause:2s]`, is as long as it says.
public struct Pauses: Sendable, Hashable, Encodable {
    /// Within a sentence that is longer than a breath and has no comma.
    public var word: Double
    /// At a comma or its like.
    public var clause: Double
    /// Between sentences.
    public var sentence: Double
    /// Between paragraphs, and after headings and items of lists.
    public var paragraph: Double

    enum CodingKeys: String, CodingKey, CaseIterable { case word, clause, sentence, paragraph }

    /// What a calm reader makes.
    public static let standard = Pauses(
        word: SentenceSplitter.Boundary.word.usualPause, clause: SentenceSplitter.Boundary.clause.usualPause,
        sentence: SentenceSplitter.Boundary.sentence.usualPause, paragraph: SentenceSplitter.Boundary.paragraph.usualPause)
    /// The longest, in seconds.
    public static let longest = SpeechScript.longestPause

    /// Seconds; what is not given is as usual.
    public init(
        word: Double = standard.word, clause: Double = standard.clause, sentence: Double = standard.sentence, paragraph: Double = standard.paragraph
    ) {
        (self.word, self.clause, self.sentence, self.paragraph) = (word, clause, sentence, paragraph)
    }

    /// What lengths are given for, in order.
    public static let names = CodingKeys.allCases.map(\.rawValue)

    /// Lengths by their names; the others are the usual ones.
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

    /// - Throws: ``SpeechOptionsError`` for a length that is out of range.
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
