/// Words and rules for English only.
enum English {
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
    static let monthNames = Set(months)
    static let shortMonths = [
        "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
        "Sep": "September",
        "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
    ]
    static let scales = [
        "k": "thousand", "K": "thousand", "thousand": "thousand", "M": "million", "m": "million", "million": "million", "B": "billion",
        "bn": "billion", "billion": "billion", "trillion": "trillion",
    ]
    /// Units of one letter that may also follow a space.
    static let loneUnits: Set<String> = ["m", "g", "L", "W", "V"]
    static let marks: [Unicode.Scalar: String] = [
        ".": "dot", "/": "slash", "?": "question mark", "=": "equals", "&": "and", "-": "dash", "_": "underscore", "@": "at", ":": "colon",
        "#": "hash", "+": "plus", "%": "percent", "~": "tilde",
    ]
    static let fractions: [Unicode.Scalar: (Int, Int)] = [
        "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5),
        "⅙": (1, 6), "⅚": (5, 6),
        "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    ]
    /// Words followed by a Roman numeral.
    static let numbered: Set<String> = [
        "chapter", "part", "book", "volume", "act", "scene", "section", "article", "war", "appendix", "phase", "type", "class",
        "title", "level", "round", "canto", "figure", "table", "bowl",
    ]
    /// Names of kings, queens and popes.
    static let regnal: Set<String> = [
        "Henry", "Louis", "George", "Edward", "Richard", "Elizabeth", "James", "Charles", "William", "Mary", "Philip", "Paul",
        "Benedict", "Pius", "Napoleon",
        "Catherine", "Alexander", "Nicholas", "Frederick", "Leo", "Gregory", "Innocent", "Ferdinand", "Clement", "Urban", "Peter",
        "Ivan", "Otto", "Wilhelm", "Friedrich",
    ]

    static let romanDigits: [UInt8: Int] = Dictionary(uniqueKeysWithValues: zip("IVXLCDM".utf8, [1, 5, 10, 50, 100, 500, 1000]))

    /// The value of a Roman numeral; nil if it is not written in the usual form.
    static func romanValue(_ text: String) -> Int? {
        let digits = text.utf8.map { romanDigits[$0]! }
        var value = 0
        for (index, digit) in digits.enumerated() { value += index + 1 < digits.count && digit < digits[index + 1] ? -digit : digit }
        return roman(value) == text ? value : nil
    }

    private static func roman(_ value: Int) -> String {
        let signs = [
            (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"),
            (5, "V"), (4, "IV"), (1, "I"),
        ]
        var (rest, text) = (value, "")
        for (number, sign) in signs { while rest >= number { (rest, text) = (rest - number, text + sign) } }
        return text
    }

    private static let irregularOrdinals = [
        "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
    ]

    /// "twenty-first".
    static func ordinal(_ number: Int, _ speller: NumberSpeller) -> String {
        let cardinal = speller.cardinal(number)
        let cut = cardinal.lastIndex { $0 == " " || $0 == "-" }.map(cardinal.index(after:)) ?? cardinal.startIndex
        let last = String(cardinal[cut...])
        let ordinal = irregularOrdinals[last] ?? (last.hasSuffix("y") ? last.dropLast() + "ieth" : last + "th")
        return cardinal[..<cut] + ordinal
    }

    /// "half", "thirds".
    static func denominator(_ number: Int, isOne: Bool, _ speller: NumberSpeller) -> String {
        switch number {
        case 2: isOne ? "half" : "halves"
        case 4: isOne ? "quarter" : "quarters"
        default: ordinal(number, speller) + (isOne ? "" : "s")
        }
    }

    // MARK: abbreviations

    /// Abbreviations before a name.
    private static let titles = [
        "Dr": "Doctor", "Prof": "Professor", "St": "Saint", "Mt": "Mount", "Ft": "Fort", "Gen": "General", "Col": "Colonel",
        "Sgt": "Sergeant", "Capt": "Captain",
        "Lt": "Lieutenant", "Rev": "Reverend", "Hon": "Honorable", "Gov": "Governor", "Sen": "Senator", "Rep": "Representative",
        "Pres": "President",
    ]
    /// Abbreviations after a name.
    private static let endings = [
        "St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Ln": "Lane", "Jr": "Junior", "Sr": "Senior",
        "Inc": "Incorporated", "Ltd": "Limited",
        "Co": "Company", "Corp": "Corporation",
    ]
    private static let anywhere = [
        "vs": "versus", "etc": "et cetera", "approx": "approximately", "dept": "department", "est": "established",
        "govt": "government", "incl": "including",
        "excl": "excluding", "max": "maximum", "min": "minimum", "avg": "average",
    ]
    /// Abbreviations before a number.
    private static let counters = [
        "No": "number", "no": "number", "Nos": "numbers", "p": "page", "pp": "pages", "vol": "volume", "Vol": "volume",
        "Fig": "figure", "fig": "figure", "ch": "chapter", "Ch": "chapter", "Sec": "section", "sec": "section", "Eq": "equation",
        "eq": "equation",
    ]

    static func abbreviation(_ scanner: TextScanner, _ index: Int, _ word: (text: String, end: Int)) -> TextScanner.Match? {
        if scanner.has("e.g.", at: index, ignoringCase: true) { return .init(index + 4, "for example") }
        if scanner.has("i.e.", at: index, ignoringCase: true) { return .init(index + 4, "that is") }
        if scanner.has("a.k.a.", at: index, ignoringCase: true) { return .init(index + 6, "also known as") }
        let text = word.text
        if text == "w", scanner.scalar(word.end) == "/", scanner.isSpace(scanner.scalar(word.end + 1)) {
            return .init(word.end + 1, "with")
        }
        guard scanner.scalar(word.end) == "." else { return nil }
        let end = word.end + 1, next = scanner.scalar(end + 1), hasSpace = scanner.isSpace(scanner.scalar(end))
        if let counter = counters[text], scanner.isDigit(scanner.isSpace(scanner.scalar(end)) ? next : scanner.scalar(end)) {
            return .init(end, hasSpace ? counter : counter + " ")
        }
        let isBeforeName = hasSpace && next?.properties.isUppercase == true
        let before = scanner.word(before: index)
        let isBehindName = before?.first?.isUppercase == true
        // "Main St. Louis" is less frequent than "12 Main St. He".
        if let ending = endings[text], isBehindName || text == "Jr" || text == "Sr",
            !(text == "St" && isBeforeName && before.map { ["In", "At", "Near", "The"].contains($0) } ?? true)
        {
            return .init(scanner.isSentenceEnd(end) && !isTitle(text) ? end - 1 : end, ending)
        }
        if isBeforeName, let title = titles[text] { return .init(end, title) }
        if let full = anywhere[text] { return .init(text == "etc" && scanner.isSentenceEnd(end) ? end - 1 : end, full) }
        return nil
    }

    private static func isTitle(_ text: String) -> Bool { text == "Jr" || text == "Sr" }
}
