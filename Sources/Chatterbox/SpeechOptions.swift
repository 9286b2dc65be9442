/// How a text is spoken.
public struct SpeechOptions: Sendable, Hashable {
    /// How speech tokens are drawn.
    public let sampling: SamplingOptions
    /// Liveliness: 0.25 is flat, 0.5 neutral, 2 theatrical.
    public let exaggeration: Double
    /// Steps of the flow's solver; nil takes the model's number.
    public let steps: Int?
    /// Most speech tokens for one piece of text, 25 a second.
    public let maximumTokens: Int
    /// What every random number follows from; nil draws a seed, which the result tells.
    public let seed: UInt64?
    /// Whether speech carries PerTh's inaudible mark, where the model has a ``Watermarker``.
    public let watermark: Bool
    /// Whether a text is spoken in one breath, as upstream does, or sentence by sentence.
    public let splitting: Splitting

    /// How a text is divided before it is spoken.
    public enum Splitting: String, Sendable, Hashable, CaseIterable {
        case none, sentences
    }

    /// - Throws: ``SpeechOptionsError`` naming the option that is out of range.
    public init(
        sampling: SamplingOptions = .chatterbox, exaggeration: Double = 0.5, steps: Int? = nil, maximumTokens: Int = 1000,
        seed: UInt64? = nil, watermark: Bool = true, splitting: Splitting = .none
    ) throws {
        guard exaggeration.isFinite, (0...10).contains(exaggeration) else {
            throw SpeechOptionsError(option: "exaggeration", found: "\(exaggeration)", allowed: "0 to 10, usually 0.25 to 2")
        }
        if let steps, !(1...1000).contains(steps) {
            throw SpeechOptionsError(option: "steps", found: "\(steps)", allowed: "1 to 1000")
        }
        guard (1...4096).contains(maximumTokens) else {
            throw SpeechOptionsError(option: "max-tokens", found: "\(maximumTokens)", allowed: "1 to 4096, 25 a second")
        }
        self.init(
            unchecked: sampling, exaggeration: exaggeration, steps: steps, maximumTokens: maximumTokens, seed: seed,
            watermark: watermark, splitting: splitting)
    }

    private init(
        unchecked sampling: SamplingOptions, exaggeration: Double, steps: Int?, maximumTokens: Int, seed: UInt64?, watermark: Bool,
        splitting: Splitting
    ) {
        self.sampling = sampling
        self.exaggeration = exaggeration
        self.steps = steps
        self.maximumTokens = maximumTokens
        self.seed = seed
        self.watermark = watermark
        self.splitting = splitting
    }

    /// Upstream's defaults.
    public static let chatterbox = SpeechOptions(
        unchecked: .chatterbox, exaggeration: 0.5, steps: nil, maximumTokens: 1000, seed: nil, watermark: true,
        splitting: .none)
}

/// An option of speaking that cannot be.
public struct SpeechOptionsError: Error, Hashable, CustomStringConvertible {
    public let option, found, allowed: String

    public var description: String { "\(option) is \(found); allowed is \(allowed)" }
}
