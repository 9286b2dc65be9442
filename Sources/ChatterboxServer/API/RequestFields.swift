import Foundation

/// The fields of a request's object, which are taken one by one; `null` counts as missing.
struct RequestFields {
    private var values: [String: JSON]

    /// - Throws: ``APIError`` if the body is not an object.
    init(parsing body: Data) throws {
        let json: JSON
        do { json = try JSON(parsing: body) } catch { throw APIError.invalid("the body is not JSON: \(error)", nil, code: "invalid_json") }
        guard case .object(let members) = json else {
            throw APIError.invalid("the body is JSON, but not an object ({…})", nil, code: "invalid_json")
        }
        self.init(members)
    }

    init(_ members: [JSON.Member]) { values = Dictionary(members.map { ($0.name, $0.value) }) { $1 }.filter { $0.value != .null } }

    /// The names of fields that have not been taken.
    var unknown: [String] { values.keys.sorted() }

    mutating func string(_ name: String) throws -> String? {
        guard let value = values.removeValue(forKey: name) else { return nil }
        guard case .string(let text) = value else { throw wrong(name, "a string") }
        return text
    }

    mutating func bool(_ name: String) throws -> Bool? {
        guard let value = values.removeValue(forKey: name) else { return nil }
        guard case .bool(let bool) = value else { throw wrong(name, "true or false") }
        return bool
    }

    mutating func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let value = values.removeValue(forKey: name) else { return nil }
        guard case .number(let number) = value, range.contains(number) else {
            throw wrong(name, "a number from \(JSON.number(range.lowerBound).text) to \(JSON.number(range.upperBound).text)")
        }
        return number
    }

    /// An object of numbers.
    mutating func numbers(_ name: String) throws -> [String: Double] {
        guard let value = values.removeValue(forKey: name) else { return [:] }
        guard case .object(let members) = value else { throw wrong(name, "an object of numbers") }
        var numbers: [String: Double] = [:]
        for member in members {
            guard case .number(let number) = member.value else { throw wrong(name, "an object of numbers") }
            numbers[member.name] = number
        }
        return numbers
    }

    /// An integer that is not negative.
    mutating func seed() throws -> UInt64? {
        try number("seed", in: 0...9e15).map { number in
            guard number == number.rounded() else { throw APIError.invalid("seed must be a whole number", "seed", code: "invalid_type") }
            return UInt64(number)
        }
    }

    /// The fields of a nested object; empty if it is missing.
    mutating func object(_ name: String) throws -> RequestFields {
        guard let value = values.removeValue(forKey: name) else { return RequestFields([]) }
        guard case .object(let members) = value else { throw wrong(name, "an object") }
        return RequestFields(members)
    }

    /// Takes a field of any type.
    mutating func value(_ name: String) -> JSON? { values.removeValue(forKey: name) }

    /// Takes a field and ignores its value.
    ///
    /// - Returns: whether the field exists.
    mutating func ignore(_ name: String) -> Bool { values.removeValue(forKey: name) != nil }

    /// A name, or an object with an `id`.
    mutating func voice() throws -> String? {
        guard let value = values.removeValue(forKey: "voice") else { return nil }
        if case .string(let name) = value, !name.isEmpty { return name }
        if case .string(let name)? = value["id"], !name.isEmpty { return name }
        throw wrong("voice", "a name, or an object with an id")
    }

    /// A name, or an object from names to weights.
    mutating func adapters() throws -> [SpeechOrder.AdapterWeight] {
        guard let value = values.removeValue(forKey: "adapter") else { return [] }
        if case .string(let name) = value { return name.isEmpty ? [] : [SpeechOrder.AdapterWeight(name: name, weight: 1)] }
        guard case .object(let members) = value else { throw wrong("adapter", "a name, or an object of weights by name") }
        guard members.count <= SpeechOrder.mostAdapters else {
            throw APIError.invalid("adapter names \(members.count); \(SpeechOrder.mostAdapters) are the most", "adapter")
        }
        return try members.map { member in
            guard case .number(let weight) = member.value, abs(weight) <= 10 else { throw wrong("adapter", "weights from -10 to 10 by name") }
            return SpeechOrder.AdapterWeight(name: member.name, weight: weight)
        }
    }

    private func wrong(_ name: String, _ expected: String) -> APIError { APIError.invalid("\(name) must be \(expected)", name, code: "invalid_type") }
}
