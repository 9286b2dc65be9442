import SpeechAudio
import SpeechText
import Torch

/// A spoken text.
public struct Speech: Sendable {
    /// The sound, mono at 24 kHz.
    public let audio: Audio
    /// The seed to speak it the same way again.
    public let seed: UInt64
    /// What the work came to.
    public let report: SpeechReport
    /// The text's words and when each is heard, where ``SpeechOptions/wordTimes`` are asked for.
    public let words: [SpokenWord]

    /// Each part as its property says.
    public init(audio: Audio, seed: UInt64, report: SpeechReport, words: [SpokenWord] = []) {
        self.audio = audio
        self.seed = seed
        self.report = report
        self.words = words
    }
}

/// A piece of speech as it becomes ready.
public struct SpeechChunk: Sendable, Hashable {
    /// The sound, mono at 24 kHz, which follows the previous chunk's without a gap; never empty.
    public let audio: Audio
    /// The text that has been spoken since the previous chunk; empty where there was none. With a watermark, its last
    /// quarter of a second is in the next chunk. With ``SpeechOptions/Delivery/chunks`` it is the text that begins here.
    public let text: String
    /// The work so far, this chunk's included.
    public let report: SpeechReport
    /// The seed of the whole text.
    public let seed: UInt64
    /// Its words, in seconds from the beginning of the whole speech, where ``SpeechOptions/wordTimes`` are asked for. An
    /// utterance in chunks has them all in its last one: where a word ends is known when all are spoken.
    public let words: [SpokenWord]
}

/// Counts and times of speaking a text.
public struct SpeechReport: Sendable, Hashable, Codable {
    /// Text tokens, start and stop included.
    public var textTokens = 0
    /// Speech tokens drawn.
    public var speechTokens = 0
    /// Why speech ended; of several pieces the one that ended worst.
    public var end: DecodingEnd?
    /// The pieces that the text was spoken in, as far as they are done.
    public var pieces: [SpokenPiece] = []
    /// The judge of the pieces' draws; nil without one.
    public internal(set) var judge: String?
    /// What was left out or ignored; each once.
    public var warnings: [SpeechWarning] = []
    /// Whether all of the sound so far carries the watermark.
    public var isWatermarked = false
    /// Seconds of sound.
    public var audioSeconds = 0.0
    /// Seconds from the call until a sample louder than −60 dB of full scale was ready, the first that a listener hears:
    /// silence, and what the watermark still holds back, do not count. 0 where there is none.
    public var firstAudioSeconds = 0.0
    /// Seconds from the call to the last sound.
    public var wallSeconds = 0.0
    /// Seconds spent in each stage.
    public var stages = Stages()

    /// A report of nothing yet.
    public init() {}

    /// Words that the judge did not hear as they were to be said, in the draws that were kept; nil without a judge.
    public var wordErrors: WordErrors? {
        guard judge != nil else { return nil }
        return pieces.reduce(into: WordErrors()) { sum, piece in piece.keptJudgement.map { sum.add($0.errors) } }
    }

    /// Seconds of audio made in a second; above 1 is faster than speech.
    public var realTimeFactor: Double { wallSeconds > 0 ? audioSeconds / wallSeconds : 0 }

    /// Seconds by stage.
    public struct Stages: Sendable, Hashable, Codable {
        /// A recording to speech tokens, where one is converted.
        public var listening = 0.0
        /// T3 over conditions and text.
        public var prefill = 0.0
        /// T3, token by token.
        public var decode = 0.0
        /// Tokens to mel.
        public var flow = 0.0
        /// Mel to waveform.
        public var vocoder = 0.0
        /// Waveform to marked waveform.
        public var watermark = 0.0
        /// Waiting for a judge.
        public var judging = 0.0
    }
}

/// A piece of a text as it was spoken.
public struct SpokenPiece: Sendable, Hashable, Codable {
    /// Its place among the pieces, from 1.
    public let number: Int
    /// As it is written, without its markup.
    public let text: String
    /// Seconds of the whole speech; the pause behind it is not part of it.
    public let start, end: Double
    /// Speech tokens of the draw that was kept.
    public let speechTokens: Int
    /// How often it was drawn, and which draw was kept, from 1.
    public let draws, keptDraw: Int
    /// Why its speech ended.
    public let ending: DecodingEnd?
    /// What a judge heard in each draw, in order; empty without a judge.
    public var judged: [JudgedTake] = []

    /// What it heard in the draw that was kept.
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

/// Where speaking stands.
public enum SpeechProgress: Sendable, Hashable {
    /// A piece of the text begins, counted from 1.
    case piece(Int, of: Int, text: String)
    /// So many speech tokens are drawn.
    case tokens(Int)
    /// A step of the flow begins.
    case flow(step: Int, of: Int)
    case vocoder
}

/// What every stage computed, under upstream's names; made by ``Synthesizer/trace(_:voice:options:onProgress:)``.
public typealias SpeechTrace = [String: Tensor]
