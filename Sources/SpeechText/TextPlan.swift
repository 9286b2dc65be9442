/// A text divided for a model into pieces and silences. A piece is tokenized only when it is needed, so that a book needs little more memory than its
/// text.
public struct TextPlan: Sendable {
    public enum Part: Sendable {
        case piece(Piece)
        /// Seconds.
        case silence(Double)
    }

    /// A piece of text that is spoken as one utterance.
    public struct Piece: Sendable {
        /// As it is written, without its markup.
        public let text: String
        /// The changes by each step, in order: markup, joined sentences, the lexicon, numbers as words. Steps that changed nothing are not
        /// included.
        public let readings: [SpokenText]
        /// Its number among the pieces, from 1.
        public let number: Int
        /// Seconds of silence that follow it.
        public internal(set) var pause = 0.0
        /// The manner in which it is spoken.
        public internal(set) var manner = MarkedText.Manner()
        /// Where short parts that are spoken together meet.
        public internal(set) var joints: [Joint] = []

        /// The spoken text.
        public var spoken: String { readings.last?.text ?? text }

        /// The words as they are written.
        ///
        /// - Parameter words: the words of ``spoken`` in order, with all its characters except spaces.
        public func written(_ words: [String]) -> [WrittenWord] {
            let spokenWords = words.enumerated().map { WrittenWord(text: $1, spoken: $0..<$0 + 1) }
            return readings.reversed().reduce(spokenWords) { later, reading in
                reading.written(later.map(\.text)).map { word in
                    WrittenWord(
                        text: word.text,
                        spoken: later[word.spoken.lowerBound].spoken.lowerBound..<later[word.spoken.upperBound - 1].spoken.upperBound)
                }
            }
        }
    }

    /// A place within a piece for a pause that is longer than the model's own.
    public struct Joint: Sendable, Hashable {
        /// The share of the piece that comes before.
        public let share: Double
        /// Seconds.
        public let pause: Double

        public init(share: Double, pause: Double) { (self.share, self.pause) = (share, pause) }
    }

    public let parts: [Part]
    public let pieceCount: Int
    /// The text's language.
    public let language: Language
    /// Notes about the text.
    public let notes: [TextNote]
    /// Characters that the model does not know and does not speak, grouped by script, in the order in which the scripts first occur.
    public let unknown: [UnknownScript]
    /// Whether most of the text's letters are unknown.
    public let isMostlyUnknown: Bool
    /// Words in brackets that look like tags, such as `[laugh]`, but are spoken as text.
    public let unreadTags: [String]
    let pipeline: TextPipeline

    /// Characters that a model does not know, of one script.
    public struct UnknownScript: Sendable, Hashable {
        /// Each once, in order.
        public let characters: [Character]
        /// The language of the script, if known.
        public let language: Language?

        public init(characters: [Character], language: Language?) { (self.characters, self.language) = (characters, language) }
    }

    /// All characters that the model does not know.
    public var unknownCharacters: [Character] { unknown.flatMap(\.characters) }

    /// A plan with only one of the pieces, without the pause after it.
    package func only(_ piece: Piece) -> TextPlan {
        var piece = piece
        piece.pause = 0
        return TextPlan(
            parts: [.piece(piece)], pieceCount: pieceCount, language: language, notes: [], unknown: [], isMostlyUnknown: false, unreadTags: [],
            pipeline: pipeline)
    }

    /// The tokens of a piece, without start and stop.
    public func tokens(of piece: Piece) -> [Int] { pipeline.tokenize(piece.spoken, in: language).tokens }

    /// The word errors in a transcript of a piece. Figures are compared as they are spoken; tags such as `[laugh]` are ignored.
    ///
    /// - Parameters:
    ///   - piece: one of this plan's.
    ///   - transcript: the recogniser's transcript.
    public func wordErrors(of piece: Piece, transcript: String) -> WordErrors {
        WordErrors(expected: pipeline.transcript(of: piece.spoken, in: language), transcript: pipeline.transcript(of: transcript, in: language))
    }
}
