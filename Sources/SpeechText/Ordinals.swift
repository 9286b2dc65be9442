/// Ordinal numbers of the languages beside English.
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

    /// "vigésimo primero" without its last vowel's gender: `o` or `a` is put there.
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

    /// Years begin with "тысяча", not "одна тысяча".
    private static func year(_ said: String) -> String { said.hasPrefix("одна тысяча") ? String(said.dropFirst(5)) : said }

    enum PolishForm {
        case masculine, genitive, locative, feminine, feminineOblique, feminineInstrumental, plural, pluralGenitive, pluralDative,
            pluralInstrumental
    }

    static func polish(_ value: Int, _ form: PolishForm, _ speller: NumberSpeller) -> String? {
        guard (1...2999).contains(value) else { return nil }
        func ending(_ stem: String) -> String {
            // "drugi", "trzeci": i before every ending, but for "druga".
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

    /// "dritt", to which an ending comes.
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
                // 25° is a temperature where nothing is counted.
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
            ]).map { Match($0.end, Ordinals.turkish(value, speller)) }
        case "ru":
            let forms: [
                (String, Ordinals.RussianCase)] = [("-го", .genitive), ("-ый", .masculine), ("-ой", .masculine), ("-й", .masculine),
                ("-ая", .feminine), ("-я", .feminine), ("-ое", .neuter), ("-е", .neuter), ("-м", .prepositional),
            ]
            return suffix(forms.map(\.0)).flatMap { found in
                Ordinals.russian(value, forms.first { $0.0 == found.text }!.1, speller).map { Match(found.end, $0) }
            }
        default: return nil
        }
    }

    /// German and Nordic words after which a number with a full stop is an ordinal, and its ending.
    private static let articles: [String: String] = [
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

    // MARK: Roman numerals

    private static let centuries: [String: Set<String>] = ["es": ["siglo", "siglos"], "pt": ["século", "séculos"], "it": ["secolo"]]

    /// Kapitel IV, Ludwig XIV., siglo XXI, XXe siècle.
    func otherRoman(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        var text = word.text
        var suffix = ""
        if form.language == "fr" {
            for ending in ["ème", "er", "e"] where text.hasSuffix(ending) {
                (text, suffix) = (String(text.dropLast(ending.count)), ending)
                break
            }
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ English.romanDigits[$0] != nil }), ends(word.end),
            let value = English.romanValue(text)
        else { return nil }
        // "Le" and "Ce" are no numerals.
        if !suffix.isEmpty {
            guard text.count > 1 || text == "V" || text == "X" || text == "I" && suffix == "er" else { return nil }
            return Match(word.end, Ordinals.french(value, speller))
        }
        if let century = slavicCentury(index, value, word.end) { return century }
        guard let before = self.word(before: index) else { return nil }
        if words.numbered.contains(before.lowercased()) { return Match(word.end, speller.cardinal(value)) }
        if form.language == "it", before.lowercased() == "secolo" {
            return Ordinals.italian(value, isFeminine: false, speller).map { Match(word.end, $0) }
        }
        guard text.count > 1 || text == "V" || text == "X", English.regnal.contains(before) || Self.rulers.contains(before) else {
            return nil
        }
        switch form.language {
        case "de" where scalar(word.end) == ".":
            let end = word.end + 1
            return Match(
                isSentenceEnd(end) && scalar(end) == nil ? end - 1 : end,
                "der " + Ordinals.germanStem(value, speller).capitalizedFirst + "e")
        case "fr": return Match(word.end, speller.cardinal(value))
        case "es":
            return Match(
                word.end, value <= 10 ? Ordinals.spanish(value, isFeminine: false) ?? speller.cardinal(value) : speller.cardinal(value))
        case "pt":
            return Match(
                word.end, value <= 10 ? Ordinals.portuguese(value, isFeminine: false) ?? speller.cardinal(value) : speller.cardinal(value)
            )
        case "it": return Ordinals.italian(value, isFeminine: false, speller).map { Match(word.end, $0) }
        default: return nil
        }
    }

    private static let rulers: Set<String> = [
        "Ludwig", "Heinrich", "Karl", "Friedrich", "Wilhelm", "Benedikt", "Johannes", "Otto", "Franz", "Carlos", "Felipe", "Luis",
        "Alfonso", "Fernando", "Enrique", "Juan", "Pablo", "Isabel",
        "Pedro", "João", "Manuel", "Afonso", "Luís", "Henrique", "François", "Napoléon", "Jean", "Henri", "Luigi", "Carlo",
        "Vittorio", "Umberto", "Paolo", "Pio", "Enrico", "Federico", "Benedetto", "Giovanni", "Elisabeth",
    ]
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

/// Fractions in words.
enum Fractions {
    /// "drei Viertel"; nil where a language has no name for it here.
    static func said(_ a: Int, _ b: Int, _ language: String, _ speller: NumberSpeller) -> String? {
        guard a > 0, b > 1, a < b, b <= 10 || language == "zh" || language == "ja" || language == "ko" else { return nil }
        let isOne = a == 1, number = speller.cardinal(a)
        switch language {
        case "de":
            if b == 2 { return "ein halb" }
            let stem = [3: "Drittel", 4: "Viertel", 5: "Fünftel", 6: "Sechstel", 7: "Siebtel", 8: "Achtel", 9: "Neuntel", 10: "Zehntel"][b]!
            return (isOne ? "ein" : number) + " " + stem
        case "fr":
            let names = [2: "demi", 3: "tiers", 4: "quart"]
            if let name = names[b] { return number + " " + name + (isOne || name.hasSuffix("s") ? "" : "s") }
            return number + " " + Ordinals.french(b, speller) + (isOne ? "" : "s")
        case "es":
            let name = [
                2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno", 10: "décimo",
            ][b]!
            return (isOne ? "un" : number) + " " + name + (isOne ? "" : "s")
        case "pt":
            let name = [2: "meio", 3: "terço", 4: "quarto", 5: "quinto", 6: "sexto", 7: "sétimo", 8: "oitavo", 9: "nono", 10: "décimo"][b]!
            return number + " " + name + (isOne ? "" : "s")
        case "it":
            let name = [
                2: "mezzo", 3: "terzo", 4: "quarto", 5: "quinto", 6: "sesto", 7: "settimo", 8: "ottavo", 9: "nono", 10: "decimo",
            ][b]!
            return (isOne ? "un" : number) + " " + (isOne ? name : name.dropLast() + "i")
        case "nl":
            if b == 2 { return "een half" }
            return (isOne ? "een" : number) + " " + (b == 4 ? "kwart" : Ordinals.dutch(b, speller))
        case "pl":
            let names = [
                2: ("druga", "drugie"), 3: ("trzecia", "trzecie"), 4: ("czwarta", "czwarte"), 5: ("piąta", "piąte"),
                6: ("szósta", "szóste"), 7: ("siódma", "siódme"), 8: ("ósma", "ósme"), 9: ("dziewiąta", "dziewiąte"),
                10: ("dziesiąta", "dziesiąte"),
            ]
            let few = (2...4).contains(a)
            return (isOne ? "jedna" : a == 2 ? "dwie" : number) + " "
                + (isOne ? names[b]!.0 : few ? names[b]!.1 : String(names[b]!.1.dropLast()) + "ych")
        case "ru":
            if b == 2 { return "одна вторая" }
            let stems = [3: "трет", 4: "четвёрт", 5: "пят", 6: "шест", 7: "седьм", 8: "восьм", 9: "девят", 10: "десят"]
            return (isOne ? "одна" : a == 2 ? "две" : number) + " " + stems[b]! + (isOne ? b == 3 ? "ья" : "ая" : b == 3 ? "ьих" : "ых")
        case "zh": return "\(speller.cardinal(b))分之\(number)"
        case "ja": return "\(speller.cardinal(b))分の\(number)"
        case "ko": return "\(speller.cardinal(b))분의 \(number)"
        default: return nil
        }
    }
}
