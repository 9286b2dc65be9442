/// Which form of a noun a number takes (CLDR's plural rules for cardinal numbers).
enum PluralCategory {
    /// - Parameter value: nil for a number with a fraction.
    static func form(_ value: Int?, isBelowTwo: Bool, in language: String) -> KeyPath<Noun, String> & Sendable {
        switch language {
        // A kilometre and a half is singular there.
        case "fr", "pt": return isBelowTwo ? \.one : \.other
        case "ru", "pl": return value.map { slavic($0, language) } ?? \.other
        case "ar": return value.map(arabic) ?? \.other
        default: return value == 1 ? \.one : \.other
        }
    }

    private static func slavic(_ value: Int, _ language: String) -> KeyPath<Noun, String> & Sendable {
        let (tens, ones) = (value % 100, value % 10)
        if (2...4).contains(ones), !(12...14).contains(tens) { return \.few }
        let isOne = language == "pl" ? value == 1 : ones == 1 && tens != 11
        return isOne ? \.one : \.many
    }

    private static func arabic(_ value: Int) -> KeyPath<Noun, String> & Sendable {
        switch value {
        case 1: return \.one
        case 2: return \.two
        default: return (3...10).contains(value % 100) ? \.few : value % 100 >= 11 ? \.many : \.other
        }
    }
}
