/// The words of a language for signs, money and measures, and how its numbers are written. Each language has its table in `Languages/`.
struct LanguageWords: Sendable {
    /// The word for the decimal mark.
    var point: String
    /// The decimal mark, and the mark between groups of thousands.
    var decimal: Unicode.Scalar = ","
    var thousands: Set<Unicode.Scalar> = [".", " ", "\u{A0}", "\u{202F}", "'", "’"]
    var minus, plus, and, to, equals, times, number, at: String
    var percent, degrees: Noun
    /// By sign, code or abbreviation.
    var money: [String: Currency]
    /// Whether a word is spoken between the parts of an amount of money.
    var hasAndInMoney = true
    /// By abbreviation.
    var units: [String: Noun] = [:]
    /// "million", by abbreviation.
    var magnitudes: [String: Noun] = [:]
    /// The word between a million and its money, such as "de".
    var ofMoney: String?
    /// Whether the singular has an article, which is then spoken instead of the number.
    var singularHasArticle = false
    /// The names of temperature scales, by their English names.
    var scales: [String: String] = [:]
    /// The spoken form of a time of day, with `%h` and `%m` for hour and minute in words, and the form without minutes.
    var time, fullHour: String
    /// Beginning with January; empty if dates are not read.
    var months: [String] = []
    /// A date: `%d` day, `%m` month, `%y` year.
    var date = "%d %m %y"
    /// The first day of a month, if it differs from the other days.
    var firstDay: String?
    var abbreviations: [String: String] = [:]
    /// Signs in addresses.
    var marks: [Unicode.Scalar: String] = [:]
    /// Signs of arithmetic that only some languages have in their tables.
    var formulas: [Unicode.Scalar: String] = [:]
    /// The words for signs before a number; empty if they are not read.
    var moreThan = "", lessThan = ""
    /// "squared", "cubed" and "to the power of".
    var square = "", cube = "", power = ""
    /// The word between the numbers of a fraction without a name.
    var over = "/"
    var permille: String?
    /// Words followed by a Roman numeral, in lower case.
    var numbered: Set<String> = []
    /// How telephone numbers are spoken.
    var telephone = Telephone()

    static func of(_ language: String) -> LanguageWords { all[language] ?? english }

    static let all: [String: LanguageWords] = [
        "en": english, "de": german, "fr": french, "es": spanish, "it": italian, "pt": portuguese, "nl": dutch, "pl": polish, "ru": russian,
        "tr": turkish, "hi": hindi, "zh": chinese, "ja": japanese, "ko": korean, "ar": arabic, "sv": swedish, "da": danish, "no": norwegian,
        "fi": finnish, "el": greek, "he": hebrew, "ms": malay, "sw": swahili,
    ]
}

/// A unit of money and its hundredth.
struct Currency: Sendable, Hashable {
    let unit, cent: Noun

    init(_ unit: Noun, _ cent: Noun) { (self.unit, self.cent) = (unit, cent) }
}

/// The forms of a noun after numbers, by the plural categories of Unicode's CLDR.
///
/// Written with bars between the forms: one form for all numbers; `one|other`; `one|few|many`, where `few` is also used after fractions;
/// `one|few|many|other`; `one|two|few|many|other`.
struct Noun: Sendable, Hashable, ExpressibleByStringLiteral {
    let one, two, few, many, other: String

    init(stringLiteral forms: String) {
        let parts = forms.split(separator: "|").map(String.init)
        switch parts.count {
        case 1: (one, two, few, many, other) = (parts[0], parts[0], parts[0], parts[0], parts[0])
        case 2: (one, two, few, many, other) = (parts[0], parts[1], parts[1], parts[1], parts[1])
        case 3: (one, two, few, many, other) = (parts[0], parts[1], parts[1], parts[2], parts[1])
        case 4: (one, two, few, many, other) = (parts[0], parts[1], parts[1], parts[2], parts[3])
        default:
            precondition(parts.count == 5, "\(forms) has more forms than there are categories")
            (one, two, few, many, other) = (parts[0], parts[1], parts[2], parts[3], parts[4])
        }
    }

    /// Whether all forms are the same.
    var isInvariable: Bool { Set([one, two, few, many, other]).count == 1 }

    /// The form after an uncounted amount: "millions of euros".
    var uncounted: String { many }
}
