import SpeechAudio
import SpeechText

/// How a text is spoken. For options that are nil the model's defaults are used.
///
/// Any value can be set; a request throws when it starts if an option is out of range (``check()``). In JSON the options are an object with the
/// same names, which <doc:Options> lists.
public struct SpeechOptions: Sendable, Hashable, Encodable {
    /// Sampling options that replace those of the model's ``Variant/sampling``.
    public var sampling: SamplingChanges
    /// Strength of expression, 0 to 10: 0.25 is flat, 0.5 neutral and the default, 2 theatrical. Not for Turbo and Nano.
    public var exaggeration: Double?
    /// The language of the text. With nil a model of several languages detects it; where the text is not normalised (``normalizes``), nil is the
    /// model's first language.
    public var language: Language?
    /// Steps of the flow's solver, 1 to 1000; nil is the model's default.
    public var steps: Int?
    /// Largest number of speech tokens for one piece of text, 25 a second, 1 to 4096; nil is 1000.
    public var maximumTokens: Int?
    /// How often a piece of text is sampled at most, 1 to 10: a piece whose speech reached its limit, repeated itself or is far too short or long
    /// for its text is sampled again with another seed, and the best take is kept. 1 samples nothing again; nil is 2. Nothing is sampled again if
    /// the text is not split, on the exact path, in chunks (whose sound has already been delivered), or if ``maximumTokens`` is set; a warning says
    /// so if more than one take was requested.
    ///
    /// If takes are set and the model has alignment heads, its attention is recorded to check whether all words were spoken.
    public var takes: Int?
    /// The seed of all random numbers; nil uses a random seed, which the result contains.
    public var seed: UInt64?
    /// Whether PerTh's inaudible watermark is added, if the model has a ``Watermarker``.
    public var watermark: Bool
    /// Whether a text is spoken in sentences, or undivided as upstream does.
    public var splitting: Splitting
    /// Whether markup is interpreted (`MarkedText`), numbers, signs and abbreviations become words (`SpokenForm`), and similar characters are
    /// unified. nil is true, except where parity with upstream is wanted: for undivided text, and on the exact path.
    public var normalizes: Bool?
    /// Words that are spoken differently from their spelling.
    public var lexicon: Lexicon?
    /// The silence between pieces.
    public var pauses: Pauses
    /// Whether the result contains word times, for which the model's attention is recorded.
    public var wordTimes: Bool
    /// Whether sound is delivered utterance by utterance, or while an utterance is still being computed.
    public var delivery: Delivery
    /// Speed factor, 0.25 to 4, at the same pitch.
    public var speed: Double
    /// The loudness of the whole in LUFS (ITU-R BS.1770-4), -50 to -5, limited so that no peak exceeds −1 dB of full scale; nil does not change it.
    /// If it is set, the sound is delivered in one piece when all of it is computed.
    public var loudness: Double?
    /// The sizes of chunks. For measurements; not in JSON.
    package var chunkSizes = ChunkSizes.standard
    /// Whether only tokens with sound are drawn, never the stop token, so that `maximumTokens` tokens give as many twenty-fifths of a second. For
    /// measurements of speed; not in JSON.
    package var drawsOnlySound = false

    enum CodingKeys: String, CodingKey, CaseIterable {
        case sampling, exaggeration, language, steps, maximumTokens, takes, seed, watermark, splitting, normalizes, lexicon, pauses, wordTimes
        case delivery, speed, loudness
    }

    /// How a text is divided before it is spoken.
    public enum Splitting: String, Sendable, Hashable, Codable, CaseIterable {
        /// Not divided.
        case none
        case sentences
    }

    /// When sound is delivered.
    ///
    /// Words and speech tokens are the same in both cases. The noise with which the flow and the vocoder start differs, and therefore all samples.
    public enum Delivery: String, Sendable, Hashable, Codable, CaseIterable {
        /// Each utterance when it is complete, computed as upstream does: for files.
        case utterances
        /// The sound of a few tokens at a time, while later tokens are still being drawn; the first after about a second of tokens: for listeners.
        /// Models whose flow takes many steps deliver whole utterances nevertheless (``Model/speaksInChunks(_:)``).
        case chunks
    }

    /// The parameters are the properties; by default the model's own options are used, sentence by sentence.
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

    /// The limit for peaks when a loudness is requested, in decibels of full scale; it leaves room for the errors of lossy formats.
    package static let loudnessCeiling = -1.0

    // MARK: checking

    /// Checks that every option is in its range, as each request does.
    ///
    /// - Throws: ``SpeechOptionsError`` naming the first option that is out of range.
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
        // NaN is not in any range.
        guard let value, !range.contains(value) else { return }
        throw SpeechOptionsError(option: option, found: "\(value)", allowed: allowed)
    }

    // MARK: derived values

    /// The largest number of speech tokens for a piece of text.
    var tokenLimit: Int { maximumTokens ?? 1000 }
    /// The largest number of takes of a piece.
    var mostTakes: Int { maximumTokens == nil ? takes ?? 2 : 1 }
    /// Whether several takes were requested: then attention is recorded.
    var weighsWords: Bool { (takes ?? 1) > 1 }

    /// The same for one utterance, without speed, loudness and watermark, which are applied when it is joined to others.
    func ofUtterance(seed: UInt64) -> SpeechOptions {
        var options = self
        (options.seed, options.watermark, options.speed, options.loudness, options.delivery) = (seed, false, 1, nil, .utterances)
        return options
    }

    /// The same, but undivided and delivered as a whole.
    var inOneBreath: SpeechOptions {
        var options = self
        (options.splitting, options.delivery) = (.none, .utterances)
        return options
    }
}

/// An option of speaking that is out of range, unknown or of the wrong kind.
public struct SpeechOptionsError: Error, Hashable, CustomStringConvertible {
    /// The property of ``SpeechOptions`` or ``SamplingChanges``; in JSON the path to it, such as `sampling.topP`.
    public let option: String
    /// The value as text.
    public let found: String
    /// The range, or the known names.
    public let allowed: String

    public var description: String { "\(option) is \(found); allowed is \(allowed)" }
}
