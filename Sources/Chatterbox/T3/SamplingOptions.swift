/// How the next speech token is drawn from the model's logits.
///
/// Values out of range are refused by the initialiser.
public struct SamplingOptions: Sendable, Hashable {
    /// Logits are divided by it, 0.000001 to 100: below 1 is steadier, above 1 more varied. With 0 the most likely token is always chosen.
    public let temperature: Double
    /// Tokens are sampled only from the most likely ones that together reach this probability; 0 to 1, 1 keeps all.
    public let topP: Double
    /// Tokens are sampled only from this many of the most likely ones; `nil` keeps all. Turbo and Nano only.
    public let topK: Int?
    /// Tokens whose probability is below this share of the most likely token's are not sampled; 0 to 1. Not for Turbo and Nano.
    public let minP: Double
    /// The logits of tokens that were already drawn are reduced by this factor; 0.01 to 100, 1 has no effect.
    public let repetitionPenalty: Double
    /// Weight of classifier-free guidance by the text (Ho and Salimans 2022), 0 to 100; with 0 the unconditioned sequence is not computed. Not for
    /// Turbo and Nano.
    public let guidance: Double

    /// With values in these ranges every number between logits and probabilities is finite in float32, for logits up to 1e20.
    static let temperatures = 1e-6...100.0, penalties = 0.01...100.0, guidances = 0...100.0

    /// Whether the most likely token is always chosen.
    public var isGreedy: Bool { temperature == 0 }

    /// - Throws: `SamplingError` naming the option that is out of range.
    public init(
        temperature: Double = 0.8, topP: Double = 1, topK: Int? = nil, minP: Double = 0.05,
        repetitionPenalty: Double = 1.2, guidance: Double = 0.5
    ) throws {
        func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>, _ allowed: String) throws {
            // NaN is not in any range.
            guard range.contains(value) else { throw SamplingError.outOfRange(option: name, value: value, allowed: allowed) }
        }
        if temperature != 0 { try check("temperature", temperature, Self.temperatures, "0 (the likeliest token) or 0.000001 to 100") }
        try check("topP", topP, 0...1, "0 to 1")
        guard topK ?? 1 >= 1 else { throw SamplingError.outOfRange(option: "topK", value: Double(topK ?? 1), allowed: "at least 1") }
        try check("minP", minP, 0...1, "0 to 1")
        try check("repetitionPenalty", repetitionPenalty, Self.penalties, "0.01 to 100")
        try check("guidance", guidance, Self.guidances, "0 to 100")
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

    /// Upstream's defaults for Turbo and Nano.
    public static let turbo = SamplingOptions(
        unchecked: 0.8, topP: 0.95, topK: 1000, minP: 0, repetitionPenalty: 1.2, guidance: 0)
}

/// Decoding checks the ranges; missing values are those of ``chatterbox``.
extension SamplingOptions: Codable {
    private enum CodingKeys: String, CodingKey { case temperature, topP, topK, minP, repetitionPenalty, guidance }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func number(_ key: CodingKeys, _ standard: Double) throws -> Double { try values.decodeIfPresent(Double.self, forKey: key) ?? standard }
        let standard = Self.chatterbox
        do {
            try self.init(
                temperature: number(.temperature, standard.temperature), topP: number(.topP, standard.topP),
                topK: values.decodeIfPresent(Int.self, forKey: .topK), minP: number(.minP, standard.minP),
                repetitionPenalty: number(.repetitionPenalty, standard.repetitionPenalty), guidance: number(.guidance, standard.guidance))
        } catch let error as SamplingError {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(error)", underlyingError: error))
        }
    }
}

/// A sampling option that is out of range.
public enum SamplingError: Error, Hashable, CustomStringConvertible {
    /// - Parameter option: the property of ``SamplingOptions``.
    case outOfRange(option: String, value: Double, allowed: String)

    public var description: String {
        switch self {
        case .outOfRange(let option, let value, let allowed): "\(option) is \(value); allowed is \(allowed)"
        }
    }
}
