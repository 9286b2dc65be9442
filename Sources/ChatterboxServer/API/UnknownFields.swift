import Foundation
import HTTPTypes

/// Fields of a request, or of a form, that this server does not know.
enum UnknownFields {
    /// The most that are named; a client may send any number, of any length.
    static let mostNamed = 5
    private static let longestName = 64

    /// What a client is told of them.
    ///
    /// - Parameter isStrict: whether they are refused.
    /// - Throws: ``APIError`` that names the first.
    static func warnings(_ names: [String], isStrict: Bool) throws -> [String] {
        if isStrict, let name = names.first.map(shown) {
            throw APIError.invalid("\(name) is not a field of this request", name, code: "unknown_parameter")
        }
        var warnings = names.prefix(mostNamed).map { "\(shown($0)) is ignored: this server knows no such field" }
        let more = names.count - mostNamed
        if more > 0 { warnings.append("and \(more) more \(more == 1 ? "field is" : "fields are") ignored") }
        return warnings
    }

    private static func shown(_ name: String) -> String { name.count > longestName ? name.prefix(longestName) + "…" : name }
}

extension HTTPFields {
    /// The most bytes of a warning's value.
    private static let longestWarning = 1024

    /// Adds a field for each warning, as ASCII.
    mutating func append(warnings: [String]) {
        for warning in warnings {
            var value = warning.asHeader
            if value.utf8.count > Self.longestWarning {
                // Not in the middle of a character's escapes, each of which has three bytes.
                let text = String(decoding: warning.utf8.prefix(Self.longestWarning / 3), as: UTF8.self).prefix { $0 != "\u{FFFD}" }
                value = String(text).asHeader + "..."
            }
            append(HTTPField(name: .warning, value: value))
        }
    }
}
