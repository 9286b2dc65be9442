import Foundation

extension String {
    /// The text in a form that is safe in a message, whatever file it comes from: without control characters, at most `limit` characters.
    package func shown(limit: Int = 120) -> String {
        var text = ""
        for character in prefix(limit) {
            for scalar in character.unicodeScalars.prefix(8) {
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: text += "\\u{\(String(scalar.value, radix: 16))}"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return count > limit ? text + "…" : text
    }
}

extension Error {
    /// The system's description of what went wrong with a file, without the path.
    package var reason: String {
        let error = self as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? any Error { return underlying.reason }
        guard error.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
        return String(cString: strerror(Int32(error.code)))
    }
}

extension String {
    /// FNV-1a of the UTF-8 bytes, the same on every machine. It is not secure: anybody can construct two texts with the same value.
    package var fnv1a: UInt64 { utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}
