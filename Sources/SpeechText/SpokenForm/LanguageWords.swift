/// The words that stand for signs, money and measures in a language, and how its numbers are written. Each language has its table in
/// `Languages/`.
struct LanguageWords: Sendable {
    /// What is said for the mark before a fraction's digits.
    var point: String
    /// Marks that a number's fraction and its thousands are written with.
    var decimal: Unicode.Scalar = ","
    var thousands: Set<Unicode.Scalar> = [".", " ", "\u{A0}", "\u{202F}", "'", "’"]
    var minus, plus, and, to, equals, times, number, at: String
    var percent, degrees: Noun
    /// By sign, code or abbreviation.
    var money: [String: Currency]
    /// Whether a word stands between the parts of an amount of money.
    var hasAndInMoney = true
    /// By abbreviation.
    var units: [String: Noun] = [:]
    /// "million", by abbreviation.
    var magnitudes: [String: Noun] = [:]
    /// What stands between a million and its money, as "de".
    var ofMoney: String?
    /// Whether the singular stands with its article, which is then said in place of the number.
    var singularHasArticle = false
    /// What the scales of temperature are called, by their English names.
    var scales: [String: String] = [:]
    /// How a time of day is said from its hour and minute in words: `%h` and `%m`, and without minutes.
    var time, fullHour: String
    /// January first; empty where dates are not read.
    var months: [String] = []
    /// A date: `%d` day, `%m` month, `%y` year.
    var date = "%d %m %y"
    /// The first of a month, where it is not said like other days.
    var firstDay: String?
    var abbreviations: [String: String] = [:]
    /// Signs in addresses.
    var marks: [Unicode.Scalar: String] = [:]
    /// Signs of arithmetic that not every language's table has.
    var formulas: [Unicode.Scalar: String] = [:]
    /// What signs before a number say; empty where they are not read.
    var moreThan = "", lessThan = ""
    /// "squared", "cubed" and "to the power of".
    var square = "", cube = "", power = ""
    /// What is said between the numbers of a fraction that has no name.
    var over = "/"
    var permille: String?
    /// Words that a Roman numeral follows, in lower case.
    var numbered: Set<String> = []
    /// How telephone numbers are said.
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

/// A noun as it stands behind numbers, by the plural categories of Unicode's CLDR.
///
/// Written with bars between its forms: one form for all numbers; `one|other`; `one|few|many`, where `few` stands behind fractions,
/// too; `one|few|many|other`; `one|two|few|many|other`.
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

    /// Whether it never changes.
    var isInvariable: Bool { Set([one, two, few, many, other]).count == 1 }

    /// The form behind an amount that nobody counts: "millions of euros".
    var uncounted: String { many }
}
