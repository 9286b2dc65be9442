import SpeechAudio
import SpeechText

/// How a text is spoken. What is nil is the model's to say.
public struct SpeechOptions: Sendable, Hashable {
    /// What to draw speech tokens by, otherwise than the model's ``Variant/sampling``.
    public let sampling: SamplingChanges
    /// Liveliness: 0.25 is flat, 0.5 neutral and the default, 2 theatrical. Not for Turbo and Nano.
    public let exaggeration: Double?
    /// The language of the text; nil takes the model's first.
    public let language: Language?
    /// Steps of the flow's solver; nil takes the model's number.
    public let steps: Int?
    /// Most speech tokens for one piece of text, 25 a second.
    public let maximumTokens: Int
    /// How often a piece of text is drawn at most: one whose speech reached its limit, repeated itself or is far too short or long for
    /// its text is drawn again with another seed, and the best is kept. 1 draws nothing again, and neither is anything in one
    /// breath, the exact way, and in chunks, where sound has gone out. By default 2; where ``maximumTokens`` are given it is 1,
    /// and a warning says so to whoever asked for more.
    public let takes: Int
    /// Whether ``takes`` were given: then the model's attention is recorded, where it has alignment heads, to see whether all words
    /// were spoken.
    let weighsWords: Bool
    /// What every random number follows from; nil draws a seed, which the result tells.
    public private(set) var seed: UInt64?
    /// Whether speech carries PerTh's inaudible mark, where the model has a ``Watermarker``.
    public private(set) var watermark: Bool
    /// Whether a text is spoken sentence by sentence, or in one breath as upstream does.
    public private(set) var splitting: Splitting
    /// Whether markup is read (`MarkedText`), numbers, signs and abbreviations become words (`SpokenForm`), and characters that look
    /// or sound alike the same ones; nil does so but where parity with upstream is asked for: in one breath, and where the model was
    /// loaded the exact way.
    public let normalizes: Bool?
    /// How words are said that are not said as they are written.
    public let lexicon: Lexicon?
    /// The silence between pieces.
    public let pauses: Pauses
    /// Whether to tell when each word is heard, for which the model's attention is recorded.
    public let wordTimes: Bool
    /// Whether sound comes sentence by sentence or while a sentence is still being made.
    public private(set) var delivery: Delivery
    /// Where chunks end. For measuring.
    package var chunkSizes = ChunkSizes.standard
    /// Times as fast, 0.25 to 4, at the same pitch.
    public private(set) var speed: Double
    /// The loudness of the whole in LUFS (ITU-R BS.1770-4), as far as no peak exceeds −1 dB of full scale; nil leaves it as the
    /// model speaks. The sound then comes in one piece when all of it has been made.
    public private(set) var loudness: Double?
    /// Whether only tokens that make sound are drawn, never the stop token, so that `maximumTokens` tokens become as many
    /// twenty-fifths of a second. For measuring speed.
    package var drawsOnlySound = false

    /// How a text is divided before it is spoken.
    public enum Splitting: String, Sendable, Hashable, CaseIterable {
        case none, sentences
    }

    /// When sound is given out.
    ///
    /// The words are the same and so are the speech tokens; the noise that flow and vocoder begin with is not, and so no
    /// sample is.
    public enum Delivery: String, Sendable, Hashable, CaseIterable {
        /// Each utterance whole, upstream's way: for files.
        case utterances
        /// Some tokens' sound at a time while later tokens are drawn, the first after about a second's worth: for listeners.
        /// Models whose flow takes many steps give utterances all the same (``Model/speaksInChunks(_:)``).
        case chunks
    }

    /// - Throws: ``SpeechOptionsError`` naming the option that is out of range.
    public init(
        sampling: SamplingChanges = .none, exaggeration: Double? = nil, language: Language? = nil, steps: Int? = nil,
        maximumTokens: Int? = nil, seed: UInt64? = nil, watermark: Bool = true, splitting: Splitting = .sentences,
        wordTimes: Bool = false, delivery: Delivery = .utterances, speed: Double = 1, loudness: Double? = nil,
        normalizes: Bool? = nil, takes: Int? = nil, lexicon: Lexicon? = nil, pauses: Pauses = .standard
    ) throws {
        if let exaggeration, !(exaggeration.isFinite && (0...10).contains(exaggeration)) {
            throw SpeechOptionsError(option: "exaggeration", found: "\(exaggeration)", allowed: "0 to 10, usually 0.25 to 2")
        }
        if let steps, !(1...1000).contains(steps) {
            throw SpeechOptionsError(option: "steps", found: "\(steps)", allowed: "1 to 1000")
        }
        if let maximumTokens, !(1...4096).contains(maximumTokens) {
            throw SpeechOptionsError(option: "maximumTokens", found: "\(maximumTokens)", allowed: "1 to 4096, 25 a second")
        }
        if let takes, !(1...10).contains(takes) { throw SpeechOptionsError(option: "takes", found: "\(takes)", allowed: "1 to 10") }
        guard TempoStream.speeds.contains(speed) else {
            throw SpeechOptionsError(option: "speed", found: "\(speed)", allowed: "0.25 to 4")
        }
        if let loudness, !(-50...(-5)).contains(loudness) {
            throw SpeechOptionsError(option: "loudness", found: "\(loudness)", allowed: "-50 to -5 LUFS, usually -23 to -16")
        }
        self.init(
            unchecked: sampling, exaggeration: exaggeration, language: language, steps: steps, maximumTokens: maximumTokens,
            seed: seed, watermark: watermark, splitting: splitting, wordTimes: wordTimes, delivery: delivery, speed: speed, loudness: loudness,
            normalizes: normalizes, takes: takes, lexicon: lexicon, pauses: pauses)
    }

    private init(
        unchecked sampling: SamplingChanges, exaggeration: Double?, language: Language?, steps: Int?, maximumTokens: Int?,
        seed: UInt64?, watermark: Bool, splitting: Splitting, wordTimes: Bool, delivery: Delivery, speed: Double, loudness: Double?,
        normalizes: Bool?, takes: Int?, lexicon: Lexicon?, pauses: Pauses
    ) {
        self.sampling = sampling
        self.exaggeration = exaggeration
        self.language = language
        self.steps = steps
        self.maximumTokens = maximumTokens ?? 1000
        self.takes = maximumTokens == nil ? takes ?? 2 : 1
        weighsWords = (takes ?? 1) > 1
        self.lexicon = lexicon
        self.pauses = pauses
        self.seed = seed
        self.watermark = watermark
        self.splitting = splitting
        self.wordTimes = wordTimes
        self.delivery = delivery
        self.speed = speed
        self.loudness = loudness
        self.normalizes = normalizes
    }

    /// The model's own defaults, sentence by sentence.
    public static let standard = SpeechOptions(
        unchecked: .none, exaggeration: nil, language: nil, steps: nil, maximumTokens: nil, seed: nil, watermark: true,
        splitting: .sentences, wordTimes: false, delivery: .utterances, speed: 1, loudness: nil, normalizes: nil, takes: nil,
        lexicon: nil, pauses: .standard)

    /// What no peak exceeds where a loudness is asked for, in decibels of full scale: what a lossy format adds has room above it.
    package static let loudnessCeiling = -1.0

    /// The same, but delivered otherwise.
    func delivered(in delivery: Delivery) -> SpeechOptions {
        var options = self
        options.delivery = delivery
        return options
    }

    /// The same for one utterance, of which speed, loudness and watermark are changed when it is joined to others.
    func ofUtterance(seed: UInt64) -> SpeechOptions {
        var options = delivered(in: .utterances)
        (options.seed, options.watermark, options.speed, options.loudness) = (seed, false, 1, nil)
        return options
    }

    /// The same, but in one breath and whole.
    var inOneBreath: SpeechOptions {
        var options = delivered(in: .utterances)
        options.splitting = .none
        return options
    }
}

/// An option of speaking that is out of range.
public struct SpeechOptionsError: Error, Hashable, CustomStringConvertible {
    /// The property of ``SpeechOptions``.
    public let option: String
    public let found, allowed: String

    public var description: String { "\(option) is \(found); allowed is \(allowed)" }
}
