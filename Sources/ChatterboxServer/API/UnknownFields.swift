import Foundation
import HTTPTypes

/// Fields of a request or a form that this server does not know.
enum UnknownFields {
    /// The largest number of fields that are named; a client may send any number, of any length.
    static let mostNamed = 5
    private static let longestName = 64

    /// The warnings for the client.
    ///
    /// - Parameter isStrict: whether they are refused.
    /// - Throws: ``APIError`` that names the first.
    static func warnings(_ names: [String], isStrict: Bool) throws -> [String] {
        if isStrict, let name = names.first.map(shown) {
            throw APIError.invalid("\(name) is not a field of this request", name, code: "unknown_parameter")
        }
        var warnings = names.prefix(mostNamed).map { "\(shown($0)) is ignored: this server has no such field" }
        let more = names.count - mostNamed
        if more > 0 { warnings.append("and \(more) more \(more == 1 ? "field is" : "fields are") ignored") }
        return warnings
    }

    private static func shown(_ name: String) -> String { name.count > longestName ? name.prefix(longestName) + "…" : name }
}

extension HTTPFields {
    /// The largest size of a warning's value in bytes.
    private static let longestWarning = 1024

    /// Adds a header field for each warning, in ASCII.
    mutating func append(warnings: [String]) {
        for warning in warnings {
            var value = warning.asHeader
            if value.utf8.count > Self.longestWarning {
                // Does not cut within a character's escapes, each of which has three bytes.
                let text = String(decoding: warning.utf8.prefix(Self.longestWarning / 3), as: UTF8.self).prefix { $0 != "\u{FFFD}" }
                value = String(text).asHeader + "..."
            }
            append(HTTPField(name: .warning, value: value))
        }
    }
}
