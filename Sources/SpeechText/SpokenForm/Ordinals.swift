/// Ordinal numbers of languages other than English.
enum Ordinals {
    // MARK: tables

    private static let spanish = [
        "primer", "segund", "tercer", "cuart", "quint", "sext", "séptim", "octav", "noven", "décim", "undécim", "duodécim",
    ]
    private static let spanishTens = [
        "", "décim", "vigésim", "trigésim", "cuadragésim", "quincuagésim", "sexagésim", "septuagésim", "octogésim", "nonagésim",
    ]
    private static let portuguese = ["primeir", "segund", "terceir", "quart", "quint", "sext", "sétim", "oitav", "non", "décim"]
    private static let portugueseTens = [
        "", "décim", "vigésim", "trigésim", "quadragésim", "quinquagésim", "sexagésim", "septuagésim", "octogésim", "nonagésim",
    ]
    private static let italian = ["prim", "second", "terz", "quart", "quint", "sest", "settim", "ottav", "non", "decim"]
    private static let russian = [
        "перв", "втор", "трет", "четвёрт", "пят", "шест", "седьм", "восьм", "девят", "десят", "одиннадцат", "двенадцат", "тринадцат",
        "четырнадцат", "пятнадцат", "шестнадцат",
        "семнадцат", "восемнадцат", "девятнадцат",
    ]
    private static let russianTens = [
        "", "", "двадцат", "тридцат", "сороков", "пятидесят", "шестидесят", "семидесят", "восьмидесят", "девяност",
    ]
    private static let russianHundreds = [
        "", "сот", "двухсот", "трёхсот", "четырёхсот", "пятисот", "шестисот", "семисот", "восьмисот", "девятисот",
    ]
    private static let polish = [
        "pierwsz", "drug", "trzec", "czwart", "piąt", "szóst", "siódm", "ósm", "dziewiąt", "dziesiąt", "jedenast", "dwunast",
        "trzynast", "czternast", "piętnast", "szesnast", "siedemnast",
        "osiemnast", "dziewiętnast",
    ]
    private static let polishTens = [
        "", "", "dwudziest", "trzydziest", "czterdziest", "pięćdziesiąt", "sześćdziesiąt", "siedemdziesiąt", "osiemdziesiąt",
        "dziewięćdziesiąt",
    ]
    private static let polishHundreds = [
        "", "setn", "dwusetn", "trzechsetn", "czterechsetn", "pięćsetn", "sześćsetn", "siedemsetn", "osiemsetn", "dziewięćsetn",
    ]
    private static let swedish = [
        "första", "andra", "tredje", "fjärde", "femte", "sjätte", "sjunde", "åttonde", "nionde", "tionde", "elfte", "tolfte",
        "trettonde", "fjortonde", "femtonde", "sextonde", "sjuttonde",
        "artonde", "nittonde",
    ]
    private static let danish = [
        "første", "anden", "tredje", "fjerde", "femte", "sjette", "syvende", "ottende", "niende", "tiende", "ellevte", "tolvte",
        "trettende", "fjortende", "femtende", "sekstende", "syttende",
        "attende", "nittende",
    ]
    private static let norwegian = [
        "første", "andre", "tredje", "fjerde", "femte", "sjette", "sjuende", "åttende", "niende", "tiende", "ellevte", "tolvte",
        "trettende", "fjortende", "femtende", "sekstende", "syttende",
        "attende", "nittende",
    ]
    private static let dutch = ["eerste", "tweede", "derde", "vierde", "vijfde", "zesde", "zevende", "achtste", "negende", "tiende"]
    private static let turkishVowels: [Character: String] = [
        "a": "ıncı", "ı": "ıncı", "e": "inci", "i": "inci", "o": "uncu", "u": "uncu", "ö": "üncü", "ü": "üncü",
    ]

    // MARK: by language

    /// "vigésimo primero" without its last vowel, for which `o` or `a` is added.
    static func spanish(_ value: Int, isFeminine: Bool, isShort: Bool = false) -> String? {
        let ending = isFeminine ? "a" : "o"
        if (value == 1 || value == 3) && isShort && !isFeminine { return value == 1 ? "primer" : "tercer" }
        if (1...12).contains(value) { return spanish[value - 1] + ending }
        guard (13...99).contains(value) else { return nil }
        let (tens, ones) = value.quotientAndRemainder(dividingBy: 10)
        if tens == 1 { return "decimo" + spanish[ones - 1] + ending }
        return spanishTens[tens] + ending + (ones == 0 ? "" : " " + spanish[ones - 1] + ending)
    }

    static func portuguese(_ value: Int, isFeminine: Bool) -> String? {
        guard (1...99).contains(value) else { return nil }
        let ending = isFeminine ? "a" : "o", (tens, ones) = value.quotientAndRemainder(dividingBy: 10)
        if value <= 10 { return portuguese[value - 1] + ending }
        return portugueseTens[tens] + ending + (ones == 0 ? "" : " " + portuguese[ones - 1] + ending)
    }

    static func italian(_ value: Int, isFeminine: Bool, _ speller: NumberSpeller) -> String? {
        guard (1...999).contains(value) else { return nil }
        let ending = isFeminine ? "a" : "o"
        if value <= 10 { return italian[value - 1] + ending }
        var stem = speller.cardinal(value)
        // "ventitré" and "ventisei" keep their vowel.
        if stem.hasSuffix("tré") { stem = stem.dropLast() + "e" } else if !stem.hasSuffix("sei") { stem.removeLast() }
        return stem + "esim" + ending
    }

    enum RussianCase { case masculine, feminine, neuter, genitive, dative, prepositional }

    static func russian(_ value: Int, _ form: RussianCase, _ speller: NumberSpeller) -> String? {
        guard (1...2999).contains(value) else { return nil }
        func ending(_ stem: String) -> String {
            let isSoft = stem == "трет", isStressed = ["втор", "шест", "седьм", "восьм", "сороков"].contains(stem)
            return switch form {
            case .masculine: stem + (isSoft ? "ий" : isStressed ? "ой" : "ый")
            case .feminine: stem + (isSoft ? "ья" : "ая")
            case .neuter: stem + (isSoft ? "ье" : "ое")
            case .genitive: stem + (isSoft ? "ьего" : "ого")
            case .dative: stem + (isSoft ? "ьему" : "ому")
            case .prepositional: stem + (isSoft ? "ьем" : "ом")
            }
        }
        if value % 1000 == 0 { return ending(value == 1000 ? "тысячн" : "двухтысячн") }
        let rest = value % 100, beginning = value - rest
        if rest == 0 {
            let thousands = value - value % 1000
            return (thousands == 0 ? "" : year(speller.cardinal(thousands)) + " ") + ending(russianHundreds[value % 1000 / 100])
        }
        let before = beginning == 0 ? "" : year(speller.cardinal(beginning)) + " "
        if rest < 20 { return before + ending(russian[rest - 1]) }
        let (tens, ones) = rest.quotientAndRemainder(dividingBy: 10)
        return before + (ones == 0 ? ending(russianTens[tens]) : speller.cardinal(tens * 10) + " " + ending(russian[ones - 1]))
    }

    /// Years begin with "тысяча", not with "одна тысяча".
    private static func year(_ said: String) -> String { said.hasPrefix("одна тысяча") ? String(said.dropFirst(5)) : said }

    enum PolishForm {
        case masculine, genitive, locative, feminine, feminineOblique, feminineInstrumental, plural, pluralGenitive, pluralDative,
            pluralInstrumental
    }

    static func polish(_ value: Int, _ form: PolishForm, _ speller: NumberSpeller) -> String? {
        guard (1...2999).contains(value) else { return nil }
        func ending(_ stem: String) -> String {
            // "drugi", "trzeci": i before every ending, except in "druga".
            let isSoft = stem == "trzec", isVelar = stem == "drug"
            return switch form {
            case .masculine: stem + (isSoft || isVelar ? "i" : "y")
            case .genitive: stem + (isSoft || isVelar ? "iego" : "ego")
            case .locative: stem + (isSoft || isVelar ? "im" : "ym")
            case .feminine: stem + (isSoft ? "ia" : "a")
            case .feminineOblique: stem + (isSoft || isVelar ? "iej" : "ej")
            case .feminineInstrumental: stem + (isSoft ? "ią" : "ą")
            case .plural: stem + (isSoft || isVelar ? "ie" : "e")
            case .pluralGenitive: stem + (isSoft || isVelar ? "ich" : "ych")
            case .pluralDative: stem + (isSoft || isVelar ? "im" : "ym")
            case .pluralInstrumental: stem + (isSoft || isVelar ? "imi" : "ymi")
            }
        }
        let rest = value % 100, beginning = value - rest
        if value % 1000 == 0 { return ending(value == 1000 ? "tysięczn" : "dwutysięczn") }
        if rest == 0 {
            let thousands = value - value % 1000
            return (thousands == 0 ? "" : speller.cardinal(thousands) + " ") + ending(polishHundreds[value % 1000 / 100])
        }
        let before = beginning == 0 ? "" : speller.cardinal(beginning) + " "
        if rest < 20 { return before + ending(polish[rest - 1]) }
        let (tens, ones) = rest.quotientAndRemainder(dividingBy: 10)
        return before + ending(polishTens[tens]) + (ones == 0 ? "" : " " + ending(polish[ones - 1]))
    }

    /// A day of the month in Swedish, Danish or Norwegian.
    static func nordicDay(_ day: Int, _ language: String) -> String? {
        guard (1...31).contains(day) else { return nil }
        let words = language == "sv" ? swedish : language == "da" ? danish : norwegian
        if day < 20 { return words[day - 1] }
        let (tens, ones) = day.quotientAndRemainder(dividingBy: 10)
        switch language {
        case "sv": return ones == 0 ? ["tjugonde", "trettionde"][tens - 2] : ["tjugo", "trettio"][tens - 2] + words[ones - 1]
        case "da":
            return ones == 0
                ? ["tyvende", "tredivte"][tens - 2]
                : ["en", "to", "tre", "fire", "fem", "seks", "syv", "otte", "ni"][ones - 1] + "og" + ["tyvende", "tredivte"][tens - 2]
        default: return ones == 0 ? ["tjuende", "trettiende"][tens - 2] : ["tjue", "tretti"][tens - 2] + words[ones - 1]
        }
    }

    static func dutch(_ value: Int, _ speller: NumberSpeller) -> String {
        if (1...10).contains(value) { return dutch[value - 1] }
        let cardinal = speller.cardinal(value), rest = value % 100
        if rest == 1 || rest == 3 { return cardinal.dropLast(rest == 1 ? 3 : 4) + dutch[rest - 1] }
        return cardinal + (rest < 20 && rest != 8 && rest != 1 && rest != 0 ? "de" : "ste")
    }

    /// The stem "dritt", to which an ending is added.
    static func germanStem(_ value: Int, _ speller: NumberSpeller) -> String {
        let irregular = [1: "erst", 3: "dritt", 7: "siebt", 8: "acht"], rest = value % 100
        if let stem = irregular[rest], rest < 20 {
            guard value >= 100 else { return stem }
            let hundreds = speller.cardinal(value - rest)
            return hundreds + stem
        }
        return speller.cardinal(value) + (rest < 20 && rest > 0 ? "t" : "st")
    }

    static func french(_ value: Int, isFeminine: Bool = false, _ speller: NumberSpeller) -> String {
        if value == 1 { return isFeminine ? "première" : "premier" }
        var stem = speller.cardinal(value)
        if stem.hasSuffix("e") { stem.removeLast() }
        if stem.hasSuffix("q") { stem += "u" }
        if stem.hasSuffix("neuf") { stem = stem.dropLast() + "v" }
        if stem.hasSuffix("cents") || stem.hasSuffix("vingts") { stem.removeLast() }
        return stem + "ième"
    }

    static func turkish(_ value: Int, _ speller: NumberSpeller) -> String {
        var cardinal = speller.cardinal(value)
        guard let vowel = cardinal.last(where: { turkishVowels[$0] != nil }), let ending = turkishVowels[vowel], let last = cardinal.last
        else { return cardinal }
        if cardinal.hasSuffix("dört") { cardinal = cardinal.dropLast() + "d" }
        return turkishVowels[last] != nil ? cardinal + ending.dropFirst() : cardinal + ending
    }
}

extension TextScanner {
    /// 3º, 3ª, 3e, 3-й, 3:e, 3'üncü.
    func otherOrdinal(_ value: Int, _ end: Int) -> Match? {
        func suffix(_ suffixes: [String]) -> (text: String, end: Int)? {
            for suffix in suffixes where has(suffix, at: end) {
                let last = end + suffix.unicodeScalars.count
                if ends(last) { return (suffix, last) }
            }
            return nil
        }
        switch form.language {
        case "es":
            guard let found = suffix([".º", "º", ".ª", "ª", ".er", "er"]) else { return nil }
            let isShort = found.text.hasSuffix("er") || isSpace(scalar(found.end)) && word(at: found.end + 1) != nil && value != 1000
            return Ordinals.spanish(value, isFeminine: found.text.hasSuffix("ª"), isShort: isShort).map { Match(found.end, $0) }
        case "pt":
            return suffix([".º", "º", ".ª", "ª"]).flatMap { found in
                Ordinals.portuguese(value, isFeminine: found.text.hasSuffix("ª")).map { Match(found.end, $0) }
            }
        case "it":
            return suffix(["º", "°", "ª"]).flatMap { found in
                // 25° is a temperature if no noun follows.
                guard
                    found.text != "°"
                        || value < 100 && isSpace(scalar(found.end)) && word(at: found.end + 1) != nil
                            && !["C", "F"].contains(word(at: found.end + 1)?.text ?? "")
                else { return nil }
                return Ordinals.italian(value, isFeminine: found.text == "ª", speller).map { Match(found.end, $0) }
            }
        case "nl": return suffix(["ste", "de", "e"]).map { Match($0.end, Ordinals.dutch(value, speller)) }
        case "sv": return suffix([":e", ":a"]).flatMap { found in Ordinals.nordicDay(value, "sv").map { Match(found.end, $0) } }
        case "tr":
            return suffix([
                "'inci", "'ıncı", "'uncu", "'üncü", "'nci", "'ncı", "’inci", "’ıncı", "’uncu", "’üncü", "’nci", "’ncı", "inci", "ıncı",
                "uncu", "üncü", "nci", "ncı",
            ]).map { Match($0.end, Ordinals.turkish(value, speller)) } ?? turkishOrdinal(value, end)
        case "hi":
            let own = ["ला": 1, "ली": 1, "रा": 2, "था": 4, "ठा": 6]
            if let found = suffix(Array(own.keys)), own[found.text] == value || value == 3 && found.text == "रा" {
                return Match(found.end, ["ली": "पहली"][found.text] ?? ["", "पहला", "दूसरा", "तीसरा", "चौथा", "", "छठा"][value])
            }
            return suffix(["वीं", "वें", "वां", "वाँ", "वा"]).map { Match($0.end, speller.cardinal(value) + $0.text) }
        case "ru":
            let forms: [(String, Ordinals.RussianCase)] = [
                ("-го", .genitive), ("-ый", .masculine), ("-ой", .masculine), ("-й", .masculine),
                ("-ая", .feminine), ("-я", .feminine), ("-ое", .neuter), ("-е", .neuter), ("-м", .prepositional),
            ]
            return suffix(forms.map(\.0)).flatMap { found in
                Ordinals.russian(value, forms.first { $0.0 == found.text }!.1, speller).map { Match(found.end, $0) }
            }
        default: return nil
        }
    }

    /// German and Nordic words after which a number with a full stop is an ordinal, with its ending.
    static let articles: [String: String] = [
        "der": "e", "die": "e", "das": "e", "dem": "en", "den": "en", "des": "en", "am": "en", "im": "en", "zum": "en", "zur": "en",
        "vom": "en", "beim": "en", "seinem": "en", "ihrem": "en",
        "meinem": "en", "seinen": "en", "ihren": "en", "meinen": "en", "diesem": "en", "diesen": "en", "dieser": "e", "diese": "e",
        "dieses": "e", "ein": "er", "eine": "e", "einen": "en", "einem": "en", "einer": "en", "sein": "er", "ihr": "er", "mein": "er",
        "ins": "e", "jeder": "e", "jeden": "en", "jede": "e", "jedes": "e",
    ]

    /// "der 3. Versuch"; in Danish and Norwegian "den 3. gang".
    func ordinalBefore(_ index: Int) -> Match? {
        guard form.language == "de" || form.language == "da" || form.language == "no", begins(index),
            let run = digits(at: index, most: 4), scalar(run.end) == ".", isSpace(scalar(run.end + 1)),
            let value = Int(run.text), value > 0, word(at: run.end + 2) != nil, let before = word(before: index)?.lowercased()
        else { return nil }
        if form.language == "de" { return Self.articles[before].map { Match(run.end + 1, Ordinals.germanStem(value, speller) + $0) } }
        guard ["den", "det", "de"].contains(before) else { return nil }
        return Ordinals.nordicDay(value, form.language).map { Match(run.end + 1, $0) }
    }

    /// "19. yüzyıl": a full stop after which no sentence begins.
    private func turkishOrdinal(_ value: Int, _ end: Int) -> Match? {
        guard scalar(end) == ".", isSpace(scalar(end + 1)), scalar(end + 2)?.properties.isLowercase == true else { return nil }
        return Match(end + 1, Ordinals.turkish(value, speller))
    }
}
