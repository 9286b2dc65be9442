/// Values that replace those of a model's ``SamplingOptions`` in a request, with the same ranges; nil keeps the model's value.
public struct SamplingChanges: Sendable, Hashable, Encodable {
    /// 0 always chooses the most likely token; otherwise 0.000001 to 100: below 1 is steadier, above 1 more varied.
    public var temperature: Double?
    /// 0 to 1.
    public var topP: Double?
    /// From 1. Turbo and Nano only.
    public var topK: Int?
    /// 0 to 1. Not for Turbo and Nano.
    public var minP: Double?
    /// 0.01 to 100; 1 does nothing.
    public var repetitionPenalty: Double?
    /// 0 to 100; 0 computes no second row. Not for Turbo and Nano.
    public var guidance: Double?

    enum CodingKeys: String, CodingKey, CaseIterable { case temperature, topP, topK, minP, repetitionPenalty, guidance }

    /// No change.
    public static let none = SamplingChanges()

    /// Values that are not given are the model's.
    public init(
        temperature: Double? = nil, topP: Double? = nil, topK: Int? = nil, minP: Double? = nil,
        repetitionPenalty: Double? = nil, guidance: Double? = nil
    ) {
        (self.temperature, self.topP, self.topK) = (temperature, topP, topK)
        (self.minP, self.repetitionPenalty, self.guidance) = (minP, repetitionPenalty, guidance)
    }

    /// The options with these changes.
    ///
    /// - Throws: ``SamplingError`` naming the option that is out of range.
    public func applied(to options: SamplingOptions) throws -> SamplingOptions {
        try SamplingOptions(
            temperature: temperature ?? options.temperature, topP: topP ?? options.topP, topK: topK ?? options.topK,
            minP: minP ?? options.minP, repetitionPenalty: repetitionPenalty ?? options.repetitionPenalty,
            guidance: guidance ?? options.guidance)
    }

    /// - Throws: ``SpeechOptionsError`` naming the option that is out of range.
    func check() throws(SpeechOptionsError) {
        do { _ = try applied(to: .chatterbox) } catch SamplingError.outOfRange(let option, let value, let allowed) {
            throw SpeechOptionsError(option: option, found: option == "topK" ? "\(Int(value))" : "\(value)", allowed: allowed)
        } catch { preconditionFailure("options of sampling are out of range or not: \(error)") }
    }
}
