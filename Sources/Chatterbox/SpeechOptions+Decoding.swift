import SpeechText

/// From JSON: a value that is missing or null is that of ``SpeechOptions/standard``. Ranges are checked by ``SpeechOptions/check()``.
extension SpeechOptions: Decodable {
    /// - Throws: ``SpeechOptionsError`` naming the path to an option that is unknown or of the wrong kind.
    public init(from decoder: any Decoder) throws {
        let fields = try OptionFields<CodingKeys>(decoder)
        self.init()
        try fields.take(.sampling, "an object", into: &sampling)
        try fields.take(.exaggeration, "a number", into: &exaggeration)
        try fields.take(.steps, "a whole number", into: &steps)
        try fields.take(.maximumTokens, "a whole number", into: &maximumTokens)
        try fields.take(.takes, "a whole number", into: &takes)
        try fields.take(.seed, "a whole number from 0", into: &seed)
        try fields.take(.watermark, "true or false", into: &watermark)
        try fields.take(.splitting, Splitting.allCases.map(\.rawValue).joined(separator: " or "), into: &splitting)
        try fields.take(.normalizes, "true or false", into: &normalizes)
        try fields.take(.lexicon, "an object of words and the text to speak for each", into: &lexicon)
        try fields.take(.pauses, "an object of seconds", into: &pauses)
        try fields.take(.wordTimes, "true or false", into: &wordTimes)
        try fields.take(.delivery, Delivery.allCases.map(\.rawValue).joined(separator: " or "), into: &delivery)
        try fields.take(.speed, "a number", into: &speed)
        try fields.take(.loudness, "a number", into: &loudness)
        let codes = Language.allCases.map(\.code).joined(separator: ", ")
        var code: String?
        try fields.take(.language, codes, into: &code)
        if let code {
            language = Language(code: code)
            if language == nil { throw SpeechOptionsError(option: fields.name(.language), found: "\"\(code)\"", allowed: codes) }
        }
    }
}

extension SamplingChanges: Decodable {
    /// - Throws: ``SpeechOptionsError`` naming the path to an option that is unknown or of the wrong kind.
    public init(from decoder: any Decoder) throws {
        let fields = try OptionFields<CodingKeys>(decoder)
        self.init()
        try fields.take(.temperature, "a number", into: &temperature)
        try fields.take(.topP, "a number", into: &topP)
        try fields.take(.topK, "a whole number", into: &topK)
        try fields.take(.minP, "a number", into: &minP)
        try fields.take(.repetitionPenalty, "a number", into: &repetitionPenalty)
        try fields.take(.guidance, "a number", into: &guidance)
    }
}

extension Pauses: Decodable {
    /// - Throws: ``SpeechOptionsError`` naming the path to a length that is unknown or no number.
    public init(from decoder: any Decoder) throws {
        let fields = try OptionFields<CodingKeys>(decoder)
        self.init()
        try fields.take(.word, "a number", into: &word)
        try fields.take(.clause, "a number", into: &clause)
        try fields.take(.sentence, "a number", into: &sentence)
        try fields.take(.paragraph, "a number", into: &paragraph)
    }
}

/// An object of options: each may be missing, and unknown names are errors.
private struct OptionFields<Key: CodingKey & CaseIterable> {
    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let values: KeyedDecodingContainer<AnyKey>
    private let path: [any CodingKey]

    /// - Throws: ``SpeechOptionsError`` if this is not an object, or contains unknown names.
    init(_ decoder: any Decoder) throws {
        path = decoder.codingPath
        do { values = try decoder.container(keyedBy: AnyKey.self) } catch is DecodingError {
            let name = path.isEmpty ? "the value" : Self.name(path)
            throw SpeechOptionsError(option: name, found: "no object", allowed: "an object of \(Self.names)")
        }
        let known = Set(Key.allCases.map(\.stringValue))
        if let unknown = values.allKeys.map(\.stringValue).sorted().first(where: { !known.contains($0) }) {
            throw SpeechOptionsError(option: Self.name(path + [AnyKey(stringValue: unknown)]), found: "not known", allowed: Self.names)
        }
    }

    private static var names: String { Key.allCases.map(\.stringValue).joined(separator: ", ") }

    private static func name(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }

    /// The path to an option, such as `sampling.topP`.
    func name(_ key: Key) -> String { Self.name(path + [key]) }

    /// Decodes an option's value if it is present.
    func take<Value: Decodable>(_ key: Key, _ expected: String, into value: inout Value) throws {
        if let found: Value = try take(key, expected) { value = found }
    }

    func take<Value: Decodable>(_ key: Key, _ expected: String, into value: inout Value?) throws { value = try take(key, expected) }

    private func take<Value: Decodable>(_ key: Key, _ expected: String) throws -> Value? {
        let stored = AnyKey(stringValue: key.stringValue)
        do { return try values.decodeIfPresent(Value.self, forKey: stored) } catch let error as SpeechOptionsError { throw error } catch {
            // Foundation's decoder has separate errors for numbers that are too large.
            throw SpeechOptionsError(option: name(key), found: found(stored, error), allowed: expected)
        }
    }

    /// A description of the value found instead of the expected one.
    private func found(_ key: AnyKey, _ error: any Error) -> String {
        if let value = try? values.decode(Bool.self, forKey: key) { return "\(value)" }
        if let value = try? values.decode(Int.self, forKey: key) { return "\(value)" }
        if let value = try? values.decode(Double.self, forKey: key) { return "\(value)" }
        if let value = try? values.decode(String.self, forKey: key) { return "\"\(value)\"" }
        // Why the value is not a lexicon.
        if case DecodingError.dataCorrupted(let context) = error { return "an object in which \(context.debugDescription)" }
        return "an object or a list of another kind"
    }
}
