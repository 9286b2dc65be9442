import Foundation

/// A JSON value that keeps the order of object keys, so that responses have the order of their documentation.
enum JSON: Sendable, Hashable, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringInterpolation
{
    case null
    case bool(Bool)
    case number(Double)
    /// A number that `Double` cannot represent, such as an identifier above 2^53, with up to 38 digits.
    case exact(Decimal)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Sendable, Hashable {
        let name: String
        let value: JSON
    }

    init(dictionaryLiteral members: (String, JSON)...) { self = .object(members.map { Member(name: $0, value: $1) }) }
    init(arrayLiteral values: JSON...) { self = .array(values) }
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .number(Double(value)) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(_ text: String?) { self = text.map(JSON.string) ?? .null }
    init(_ number: Int) { self = .number(Double(number)) }

    subscript(name: String) -> JSON? {
        if case .object(let members) = self { members.first { $0.name == name }?.value } else { nil }
    }

    static func bytes(_ value: JSON) -> [UInt8] { Array(value.text.utf8) }

    /// On one line.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value == value.rounded() && abs(value) < 9e18 ? "\(Int(value))" : "\(value)"
        case .exact(let value): "\(value)"
        case .string(let value): Self.quoted(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { Self.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            // Characters that other programs treat as the end of a line.
            case _ where scalar.value < 0x20 || [0x85, 0x2028, 0x2029].contains(scalar.value): result += String(format: "\\u%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// - Throws: ``JSONFault`` if the data is not JSON.
    init(parsing data: Data) throws {
        do { self = try JSONDecoder().decode(JSON.self, from: data) } catch { throw JSONFault(data) }
    }
}

/// Why bytes are not JSON, as far as this is known.
struct JSONFault: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ data: Data) {
        if data.allSatisfy({ $0 == 0x20 || (0x9...0xD).contains($0) }) {
            description = "it is empty"
        } else if String(validating: data, as: UTF8.self) == nil {
            description = "it is not UTF-8"
        } else if let half = Self.loneSurrogate(in: data) {
            description = "\(half) is half of a character: the other half (a surrogate, for example of an emoji) must be next to it"
        } else {
            description = "it is not well-formed, or cut short"
        }
    }

    /// The first escape that is one half of a surrogate pair without the other.
    private static func loneSurrogate(in data: Data) -> String? {
        // An escape such as \uD83D; a backslash before it would make it two characters.
        let escape = /\\(?:u([0-9a-fA-F]{4})|.)/
        var waiting: (text: String, end: String.Index)?
        let text = String(decoding: data, as: UTF8.self)
        for match in text.matches(of: escape) {
            let code = match.1.flatMap { UInt16($0, radix: 16) } ?? 0, isSecond = (0xDC00...0xDFFF).contains(code)
            if let first = waiting {
                guard isSecond, first.end == match.range.lowerBound else { return first.text }
                waiting = nil
            } else if isSecond {
                return String(match.0)
            } else if (0xD800...0xDBFF).contains(code) {
                waiting = (String(match.0), match.range.upperBound)
            }
        }
        return waiting?.text
    }
}

extension JSON: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            if abs(value) >= 9_007_199_254_740_992, let exact = try? container.decode(Decimal.self), Double("\(exact)") == value,
                "\(exact)" != JSON.number(value).text
            {
                self = .exact(exact)
            } else {
                self = .number(value)
            }
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([JSON].self) {
            self = .array(values)
        } else {
            self = .object(try container.decode([String: JSON].self).sorted { $0.key < $1.key }.map { Member(name: $0, value: $1) })
        }
    }
}
