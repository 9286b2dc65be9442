/// How the next speech token is drawn from the model's logits.
///
/// Values out of range are refused when the options are made.
public struct SamplingOptions: Sendable, Hashable {
    /// Logits are divided by it: below 1 is steadier, above 1 livelier; above 0.
    public let temperature: Double
    /// Only the likeliest tokens that together reach this probability are drawn; 0 to 1, 1 keeps all.
    public let topP: Double
    /// Only this many of the likeliest tokens are drawn; `nil` keeps all. Turbo and Nano only.
    public let topK: Int?
    /// Tokens less likely than this share of the likeliest are not drawn; 0 to 1. Not for Turbo and Nano.
    public let minP: Double
    /// Tokens already spoken lose against others by this factor; above 0, 1 does nothing.
    public let repetitionPenalty: Double
    /// How far the text's influence is exaggerated (classifier-free guidance, Ho and Salimans 2022); 0 computes no
    /// second row. Not for Turbo and Nano.
    public let guidance: Double

    /// - Throws: `SamplingError` naming the option that is out of range.
    public init(
        temperature: Double = 0.8, topP: Double = 1, topK: Int? = nil, minP: Double = 0.05,
        repetitionPenalty: Double = 1.2, guidance: Double = 0.5
    ) throws {
        func check(_ name: String, _ value: Double, _ range: String, _ isAllowed: Bool) throws {
            guard isAllowed else { throw SamplingError.outOfRange(option: name, value: value, allowed: range) }
        }
        try check("temperature", temperature, "above 0", temperature > 0 && temperature.isFinite)
        try check("top-p", topP, "0 to 1", (0...1).contains(topP))
        try check("top-k", Double(topK ?? 1), "at least 1", topK ?? 1 >= 1)
        try check("min-p", minP, "0 to 1", (0...1).contains(minP))
        try check("repetition penalty", repetitionPenalty, "above 0", repetitionPenalty > 0 && repetitionPenalty.isFinite)
        try check("guidance (cfg weight)", guidance, "0 or more", guidance >= 0 && guidance.isFinite)
        self.init(
            unchecked: temperature, topP: topP, topK: topK, minP: minP, repetitionPenalty: repetitionPenalty,
            guidance: guidance)
    }

    private init(
        unchecked temperature: Double, topP: Double, topK: Int?, minP: Double, repetitionPenalty: Double,
        guidance: Double
    ) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.guidance = guidance
    }

    /// Upstream's defaults for the English and the newest multilingual model.
    public static let chatterbox = SamplingOptions(
        unchecked: 0.8, topP: 1, topK: nil, minP: 0.05, repetitionPenalty: 1.2, guidance: 0.5)

    /// Pico's defaults, steadier than the English model's: of temperatures 0.3, 0.5 and 0.8 none had more of 40 validation
    /// sentences picked right by a recogniser, or as long as the recording, than 0.5.
    public static let pico = SamplingOptions(
        unchecked: 0.5, topP: 1, topK: nil, minP: 0.05, repetitionPenalty: 1.2, guidance: 0.5)

    /// Upstream's defaults for Turbo and Nano.
    public static let turbo = SamplingOptions(
        unchecked: 0.8, topP: 0.95, topK: 1000, minP: 0, repetitionPenalty: 1.2, guidance: 0)
}

/// A sampling option that cannot be.
public enum SamplingError: Error, Hashable, CustomStringConvertible {
    case outOfRange(option: String, value: Double, allowed: String)

    public var description: String {
        switch self {
        case .outOfRange(let option, let value, let allowed): "The \(option) is \(value), it must be \(allowed)."
        }
    }
}
