import SpeechAudio
import SpeechText
import Torch

/// A spoken text.
public struct Speech: Sendable {
    /// The sound, mono at 24 kHz.
    public let audio: Audio
    /// The seed; with it the text can be spoken in the same way again.
    public let seed: UInt64
    /// Counts and times.
    public let report: SpeechReport
    /// The text's words with their times, if ``SpeechOptions/wordTimes`` is set.
    public let words: [SpokenWord]

    /// The parameters are the properties.
    public init(audio: Audio, seed: UInt64, report: SpeechReport, words: [SpokenWord] = []) {
        self.audio = audio
        self.seed = seed
        self.report = report
        self.words = words
    }
}

/// A piece of speech, delivered when it is ready.
public struct SpeechChunk: Sendable, Hashable {
    /// The sound, mono at 24 kHz, which follows the previous chunk's without a gap; never empty.
    public let audio: Audio
    /// The text that was spoken since the previous chunk; may be empty. With a watermark, the last quarter of a second of its sound is in the next
    /// chunk. With ``SpeechOptions/Delivery/chunks`` it is the text of the utterance that begins in this chunk.
    public let text: String
    /// The work so far, this chunk's included.
    public let report: SpeechReport
    /// The seed of the whole text.
    public let seed: UInt64
    /// Its words with times in seconds from the beginning of the whole speech, if ``SpeechOptions/wordTimes`` is set. In chunks, all words of an
    /// utterance are in its last chunk, because word ends are known only when the utterance is complete.
    public let words: [SpokenWord]
}

/// Counts and times of speaking a text.
public struct SpeechReport: Sendable, Hashable, Codable {
    /// Text tokens, start and stop included.
    public var textTokens = 0
    /// Speech tokens drawn.
    public var speechTokens = 0
    /// Why speech ended; for several pieces, the worst of their ends in the order of ``DecodingEnd``.
    public var end: DecodingEnd?
    /// The pieces of the text that have been spoken.
    public var pieces: [SpokenPiece] = []
    /// The name of the judge; nil without one.
    public internal(set) var judge: String?
    /// What was left out or ignored, each once.
    public var warnings: [SpeechWarning] = []
    /// Whether all of the sound so far contains the watermark.
    public var isWatermarked = false
    /// Seconds of sound.
    public var audioSeconds = 0.0
    /// Seconds from the call until the first sample above −60 dB of full scale was delivered, the first that a listener hears; silence, and samples
    /// that the watermark delays, do not count. 0 if there is no such sample.
    public var firstAudioSeconds = 0.0
    /// Seconds from the call to the last sound.
    public var wallSeconds = 0.0
    /// Seconds spent in each stage.
    public var stages = Stages()

    /// A report of nothing yet.
    public init() {}

    /// The word errors that the judge found in the takes that were kept; nil without a judge.
    public var wordErrors: WordErrors? {
        guard judge != nil else { return nil }
        return pieces.reduce(into: WordErrors()) { sum, piece in piece.keptJudgement.map { sum.add($0.errors) } }
    }

    /// Seconds of audio computed per second; above 1 is faster than real time.
    public var realTimeFactor: Double { wallSeconds > 0 ? audioSeconds / wallSeconds : 0 }

    /// Seconds by stage.
    public struct Stages: Sendable, Hashable, Codable {
        /// S3 tokenizer, in voice conversion.
        public var listening = 0.0
        /// T3's pass over conditions and text.
        public var prefill = 0.0
        /// T3, token by token.
        public var decode = 0.0
        /// Tokens to mel.
        public var flow = 0.0
        /// Mel to waveform.
        public var vocoder = 0.0
        /// Adding the watermark.
        public var watermark = 0.0
        /// Waiting for a judge.
        public var judging = 0.0
    }
}

/// A piece of a text that was spoken.
public struct SpokenPiece: Sendable, Hashable, Codable {
    /// Its number among the pieces, from 1.
    public let number: Int
    /// As it is written, without its markup.
    public let text: String
    /// Seconds from the beginning of the whole speech; the pause after the piece is not included.
    public let start, end: Double
    /// Speech tokens of the take that was kept.
    public let speechTokens: Int
    /// The number of takes, and the number of the take that was kept, from 1.
    public let draws, keptDraw: Int
    /// Why its speech ended.
    public let ending: DecodingEnd?
    /// The judge's result for each take, in order; empty without a judge.
    public var judged: [JudgedTake] = []

    /// The judge's result for the take that was kept.
    public var keptJudgement: JudgedTake? { judged.indices.contains(keptDraw - 1) ? judged[keptDraw - 1] : nil }

    package init(
        number: Int, text: String, start: Double, end: Double, speechTokens: Int, draws: Int, keptDraw: Int, ending: DecodingEnd?,
        judged: [JudgedTake] = []
    ) {
        (self.number, self.text, self.start, self.end) = (number, text, start, end)
        (self.speechTokens, self.draws, self.keptDraw, self.ending) = (speechTokens, draws, keptDraw, ending)
        self.judged = judged
    }
}

/// The progress of a request.
public enum SpeechProgress: Sendable, Hashable {
    /// A piece of the text begins, counted from 1.
    case piece(Int, of: Int, text: String)
    /// The number of speech tokens drawn so far.
    case tokens(Int)
    /// A step of the flow begins.
    case flow(step: Int, of: Int)
    case vocoder
}

/// The results of every stage, under upstream's names; returned by ``Synthesizer/trace(_:voice:options:onProgress:)``.
public typealias SpeechTrace = [String: Tensor]
