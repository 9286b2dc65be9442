/// How the next speech token is drawn from the model's logits.
///
/// Values out of range are refused when the options are made.
public struct SamplingOptions: Sendable, Hashable {
    /// Logits are divided by it: below 1 is steadier, above 1 livelier; 0.000001 to 100. With 0 the likeliest token is
    /// taken, and nothing is drawn.
    public let temperature: Double
    /// Only the likeliest tokens that together reach this probability are drawn; 0 to 1, 1 keeps all.
    public let topP: Double
    /// Only this many of the likeliest tokens are drawn; `nil` keeps all. Turbo and Nano only.
    public let topK: Int?
    /// Tokens less likely than this share of the likeliest are not drawn; 0 to 1. Not for Turbo and Nano.
    public let minP: Double
    /// Tokens already spoken lose against others by this factor; 0.01 to 100, 1 does nothing.
    public let repetitionPenalty: Double
    /// How far the text's influence is exaggerated (classifier-free guidance, Ho and Salimans 2022); 0 computes no
    /// second row; 0 to 100. Not for Turbo and Nano.
    public let guidance: Double

    /// With these every number between logits and probabilities is finite in float32, for logits up to 1e20.
    static let temperatures = 1e-6...100.0, penalties = 0.01...100.0, guidances = 0...100.0

    /// Whether the likeliest token is taken instead of one being drawn.
    public var isGreedy: Bool { temperature == 0 }

    /// - Throws: `SamplingError` naming the option that is out of range.
    public init(
        temperature: Double = 0.8, topP: Double = 1, topK: Int? = nil, minP: Double = 0.05,
        repetitionPenalty: Double = 1.2, guidance: Double = 0.5
    ) throws {
        func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>, _ allowed: String) throws {
            // NaN is in no range.
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

/// Decoding checks the ranges; what is left out is as ``chatterbox`` has it.
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
