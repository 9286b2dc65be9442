/// A text divided for a model: what is spoken, and the silences between. Tokens are made when a piece's turn comes, so that a book
/// takes no more memory than its letters.
public struct TextPlan: Sendable {
    public enum Part: Sendable {
        case piece(Piece)
        /// Seconds.
        case silence(Double)
    }

    /// Text for one breath.
    public struct Piece: Sendable {
        /// As it is written, without its markup.
        public let text: String
        /// What the steps changed, from what is written to what is said, the first one's first: markup, sentences that were joined, the
        /// lexicon, numbers as words. A step that changed nothing is not among them.
        public let readings: [SpokenText]
        /// Its place among the pieces, from 1.
        public let number: Int
        /// Seconds of silence that follow it.
        public internal(set) var pause = 0.0
        /// How it is said.
        public internal(set) var manner = MarkedText.Manner()
        /// Where parts meet that are spoken in one breath because they are short.
        public internal(set) var joints: [Joint] = []

        /// As it is said.
        public var spoken: String { readings.last?.text ?? text }

        /// The words as they are written.
        ///
        /// - Parameter words: those of ``spoken`` in order, which have all its characters but spaces.
        public func written(_ words: [String]) -> [WrittenWord] {
            let heard = words.enumerated().map { WrittenWord(text: $1, spoken: $0..<$0 + 1) }
            return readings.reversed().reduce(heard) { later, reading in
                reading.written(later.map(\.text)).map { word in
                    WrittenWord(
                        text: word.text,
                        spoken: later[word.spoken.lowerBound].spoken.lowerBound..<later[word.spoken.upperBound - 1].spoken.upperBound)
                }
            }
        }
    }

    /// A place within a piece where a pause belongs that is longer than the model's own.
    public struct Joint: Sendable, Hashable {
        /// The share of the piece that comes before.
        public let share: Double
        /// Seconds.
        public let pause: Double

        public init(share: Double, pause: Double) { (self.share, self.pause) = (share, pause) }
    }

    public let parts: [Part]
    public let pieceCount: Int
    /// What the text is spoken in.
    public let language: Language
    /// What whoever has it read aloud should know.
    public let notes: [TextNote]
    /// Characters that the model does not know and will not speak, by the scripts that they are of, in the order of their first ones.
    public let unknown: [UnknownScript]
    /// Whether most of the text's letters are of those.
    public let isMostlyUnknown: Bool
    /// What looks like a tag, as `[laugh]`, and is read as text.
    public let unreadTags: [String]
    let pipeline: TextPipeline

    /// Characters that a model does not know, of one script.
    public struct UnknownScript: Sendable, Hashable {
        /// Each once, in order.
        public let characters: [Character]
        /// What they are of, where that can be told.
        public let language: Language?

        public init(characters: [Character], language: Language?) { (self.characters, self.language) = (characters, language) }
    }

    /// All characters that the model does not know.
    public var unknownCharacters: [Character] { unknown.flatMap(\.characters) }

    /// One piece of it alone, without the pause that follows it.
    package func only(_ piece: Piece) -> TextPlan {
        var piece = piece
        piece.pause = 0
        return TextPlan(
            parts: [.piece(piece)], pieceCount: pieceCount, language: language, notes: [], unknown: [], isMostlyUnknown: false, unreadTags: [],
            pipeline: pipeline)
    }

    /// What the network reads of a piece, without start and stop.
    public func tokens(of piece: Piece) -> [Int] { pipeline.tokenize(piece.spoken, in: language).tokens }

    /// How many words of a piece somebody heard otherwise than they were to be said. Figures count as they are said, tags such as
    /// `[laugh]` do not.
    ///
    /// - Parameters:
    ///   - piece: one of this plan's.
    ///   - heard: as a recogniser writes it.
    public func wordErrors(of piece: Piece, heard: String) -> WordErrors {
        WordErrors(expected: pipeline.heard(piece.spoken, in: language), heard: pipeline.heard(heard, in: language))
    }
}
