import SpeechAudio
import SpeechText

/// How a text is spoken. What is nil is the model's to say.
///
/// Any value may be set; a request is refused when it is made where one is out of range (``check()``). In JSON the options are an object with
/// these names; <doc:Options> has the table.
public struct SpeechOptions: Sendable, Hashable, Encodable {
    /// What to draw speech tokens by, otherwise than the model's ``Variant/sampling``.
    public var sampling: SamplingChanges
    /// Liveliness, 0 to 10: 0.25 is flat, 0.5 neutral and the default, 2 theatrical. Not for Turbo and Nano.
    public var exaggeration: Double?
    /// The language of the text; nil takes the model's first.
    public var language: Language?
    /// Steps of the flow's solver, 1 to 1000; nil takes the model's number.
    public var steps: Int?
    /// Most speech tokens for one piece of text, 25 a second, 1 to 4096; nil takes 1000.
    public var maximumTokens: Int?
    /// How often a piece of text is drawn at most, 1 to 10: one whose speech reached its limit, repeated itself or is far too short or long
    /// for its text is drawn again with another seed, and the best is kept. 1 draws nothing again, and neither is anything in one
    /// breath, the exact way, and in chunks, where sound has gone out. nil is 2; where ``maximumTokens`` are given nothing is drawn
    /// again, and a warning says so to whoever asked for more.
    ///
    /// Where takes are given, and the model has alignment heads, its attention is recorded to see whether all words were spoken.
    public var takes: Int?
    /// What every random number follows from; nil draws a seed, which the result tells.
    public var seed: UInt64?
    /// Whether speech carries PerTh's inaudible mark, where the model has a ``Watermarker``.
    public var watermark: Bool
    /// Whether a text is spoken sentence by sentence, or in one breath as upstream does.
    public var splitting: Splitting
    /// Whether markup is read (`MarkedText`), numbers, signs and abbreviations become words (`SpokenForm`), and characters that look
    /// or sound alike the same ones; nil does so but where parity with upstream is asked for: in one breath, and where the model was
    /// loaded the exact way.
    public var normalizes: Bool?
    /// How words are said that are not said as they are written.
    public var lexicon: Lexicon?
    /// The silence between pieces.
    public var pauses: Pauses
    /// Whether to tell when each word is heard, for which the model's attention is recorded.
    public var wordTimes: Bool
    /// Whether sound comes sentence by sentence or while a sentence is still being made.
    public var delivery: Delivery
    /// Times as fast, 0.25 to 4, at the same pitch.
    public var speed: Double
    /// The loudness of the whole in LUFS (ITU-R BS.1770-4), -50 to -5, as far as no peak exceeds −1 dB of full scale; nil leaves it as the
    /// model speaks. The sound then comes in one piece when all of it has been made.
    public var loudness: Double?
    /// Where chunks end. For measuring; not in JSON.
    package var chunkSizes = ChunkSizes.standard
    /// Whether only tokens that make sound are drawn, never the stop token, so that `maximumTokens` tokens become as many
    /// twenty-fifths of a second. For measuring speed; not in JSON.
    package var drawsOnlySound = false

    enum CodingKeys: String, CodingKey, CaseIterable {
        case sampling, exaggeration, language, steps, maximumTokens, takes, seed, watermark, splitting, normalizes, lexicon, pauses, wordTimes
        case delivery, speed, loudness
    }

    /// How a text is divided before it is spoken.
    public enum Splitting: String, Sendable, Hashable, Codable, CaseIterable {
        /// In one breath.
        case none
        case sentences
    }

    /// When sound is given out.
    ///
    /// The words are the same and so are the speech tokens; the noise that flow and vocoder begin with is not, and so no
    /// sample is.
    public enum Delivery: String, Sendable, Hashable, Codable, CaseIterable {
        /// Each utterance whole, upstream's way: for files.
        case utterances
        /// Some tokens' sound at a time while later tokens are drawn, the first after about a second's worth: for listeners.
        /// Models whose flow takes many steps give utterances all the same (``Model/speaksInChunks(_:)``).
        case chunks
    }

    /// Each option as its property says; without arguments the model's own defaults, sentence by sentence.
    public init(
        sampling: SamplingChanges = .none, exaggeration: Double? = nil, language: Language? = nil, steps: Int? = nil,
        maximumTokens: Int? = nil, seed: UInt64? = nil, watermark: Bool = true, splitting: Splitting = .sentences,
        wordTimes: Bool = false, delivery: Delivery = .utterances, speed: Double = 1, loudness: Double? = nil,
        normalizes: Bool? = nil, takes: Int? = nil, lexicon: Lexicon? = nil, pauses: Pauses = .standard
    ) {
        (self.sampling, self.exaggeration, self.language, self.steps) = (sampling, exaggeration, language, steps)
        (self.maximumTokens, self.takes, self.seed, self.watermark) = (maximumTokens, takes, seed, watermark)
        (self.splitting, self.normalizes, self.lexicon, self.pauses) = (splitting, normalizes, lexicon, pauses)
        (self.wordTimes, self.delivery, self.speed, self.loudness) = (wordTimes, delivery, speed, loudness)
    }

    /// The model's own defaults, sentence by sentence.
    public static let standard = SpeechOptions()

    /// What no peak exceeds where a loudness is asked for, in decibels of full scale: what a lossy format adds has room above it.
    package static let loudnessCeiling = -1.0

    // MARK: checking

    /// Looks whether every option is in its range, as each request does.
    ///
    /// - Throws: ``SpeechOptionsError`` naming the first that is not.
    public func check() throws(SpeechOptionsError) {
        try sampling.check()
        try Self.check("exaggeration", exaggeration, in: 0...10, "0 to 10, usually 0.25 to 2")
        try Self.check("steps", steps, in: 1...1000, "1 to 1000")
        try Self.check("maximumTokens", maximumTokens, in: 1...4096, "1 to 4096, 25 a second")
        try Self.check("takes", takes, in: 1...10, "1 to 10")
        try Self.check("speed", speed, in: TempoStream.speeds, "0.25 to 4")
        try Self.check("loudness", loudness, in: -50...(-5), "-50 to -5 LUFS, usually -23 to -16")
        try pauses.check()
    }

    private static func check<Value: Comparable>(
        _ option: String, _ value: Value?, in range: ClosedRange<Value>, _ allowed: String
    ) throws(SpeechOptionsError) {
        // NaN is in no range.
        guard let value, !range.contains(value) else { return }
        throw SpeechOptionsError(option: option, found: "\(value)", allowed: allowed)
    }

    // MARK: what follows from several

    /// Most speech tokens for one piece of text.
    var tokenLimit: Int { maximumTokens ?? 1000 }
    /// How often a piece is drawn at most, where pieces are drawn again.
    var mostTakes: Int { maximumTokens == nil ? takes ?? 2 : 1 }
    /// Whether several takes were asked for: then attention is recorded.
    var weighsWords: Bool { (takes ?? 1) > 1 }

    /// The same for one utterance, of which speed, loudness and watermark are changed when it is joined to others.
    func ofUtterance(seed: UInt64) -> SpeechOptions {
        var options = self
        (options.seed, options.watermark, options.speed, options.loudness, options.delivery) = (seed, false, 1, nil, .utterances)
        return options
    }

    /// The same, but in one breath and whole.
    var inOneBreath: SpeechOptions {
        var options = self
        (options.splitting, options.delivery) = (.none, .utterances)
        return options
    }
}

/// An option of speaking that is out of range, unknown or of the wrong kind.
public struct SpeechOptionsError: Error, Hashable, CustomStringConvertible {
    /// The property of ``SpeechOptions`` or ``SamplingChanges``; in JSON the path to it, as `sampling.topP`.
    public let option: String
    /// The value, as it would be written.
    public let found: String
    /// The range, or what is known.
    public let allowed: String

    public var description: String { "\(option) is \(found); allowed is \(allowed)" }
}
