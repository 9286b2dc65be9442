/// What a request wants otherwise than a model's ``SamplingOptions``; nil keeps the model's own.
///
/// Values out of range are refused when the changes are made.
public struct SamplingChanges: Sendable, Hashable {
    public let temperature, topP, minP, repetitionPenalty, guidance: Double?
    public let topK: Int?

    /// No change.
    public static let none = SamplingChanges()

    private init() {
        (temperature, topP, minP, repetitionPenalty, guidance) = (nil, nil, nil, nil, nil)
        topK = nil
    }

    /// - Throws: `SamplingError` naming the option that is out of range.
    public init(
        temperature: Double? = nil, topP: Double? = nil, topK: Int? = nil, minP: Double? = nil,
        repetitionPenalty: Double? = nil, guidance: Double? = nil
    ) throws {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.guidance = guidance
        _ = try applied(to: .chatterbox)
    }

    /// The options with these changes.
    public func applied(to options: SamplingOptions) throws -> SamplingOptions {
        try SamplingOptions(
            temperature: temperature ?? options.temperature, topP: topP ?? options.topP, topK: topK ?? options.topK,
            minP: minP ?? options.minP, repetitionPenalty: repetitionPenalty ?? options.repetitionPenalty,
            guidance: guidance ?? options.guidance)
    }
}
