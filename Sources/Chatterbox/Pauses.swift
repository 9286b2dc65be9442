import SpeechText

/// Seconds of silence between pieces of speech, by where the first of them ends.
///
/// A pause that the text asks for, as `[pause:2s]`, is as long as it says.
public struct Pauses: Sendable, Hashable {
    /// Within a sentence that is longer than a breath and has no comma.
    public let word: Double
    /// At a comma or its like.
    public let clause: Double
    public let sentence: Double
    /// Between paragraphs, and after headings and items of lists.
    public let paragraph: Double

    /// What a calm reader makes.
    public static let standard = Pauses(
        unchecked: SentenceSplitter.Boundary.word.usualPause, SentenceSplitter.Boundary.clause.usualPause,
        SentenceSplitter.Boundary.sentence.usualPause, SentenceSplitter.Boundary.paragraph.usualPause)
    /// The longest, in seconds.
    public static let longest = SpeechScript.longestPause

    /// - Throws: ``SpeechOptionsError`` for a length that is not from 0 to ``longest``.
    public init(
        word: Double = standard.word, clause: Double = standard.clause, sentence: Double = standard.sentence, paragraph: Double = standard.paragraph
    ) throws {
        for (name, seconds) in [("word", word), ("clause", clause), ("sentence", sentence), ("paragraph", paragraph)]
        where !(0...Self.longest).contains(seconds) {
            throw SpeechOptionsError(option: "pauses", found: "\(name) \(seconds)", allowed: "0 to \(Int(Self.longest)) s")
        }
        self.init(unchecked: word, clause, sentence, paragraph)
    }

    /// What lengths are given for, in order.
    public static let names = ["word", "clause", "sentence", "paragraph"]

    /// Lengths by their names; the others are the usual ones.
    ///
    /// - Throws: ``SpeechOptionsError`` for an unknown name, and as ``init(word:clause:sentence:paragraph:)``.
    public init(_ seconds: [String: Double]) throws {
        if let unknown = seconds.keys.sorted().first(where: { !Self.names.contains($0) }) {
            throw SpeechOptionsError(option: "pauses", found: unknown, allowed: Self.names.joined(separator: ", "))
        }
        let usual = Self.standard
        try self.init(
            word: seconds["word"] ?? usual.word, clause: seconds["clause"] ?? usual.clause, sentence: seconds["sentence"] ?? usual.sentence,
            paragraph: seconds["paragraph"] ?? usual.paragraph)
    }

    private init(unchecked word: Double, _ clause: Double, _ sentence: Double, _ paragraph: Double) {
        (self.word, self.clause, self.sentence, self.paragraph) = (word, clause, sentence, paragraph)
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
