/// Agreement of a number's words with the noun that follows.
///
/// The gender is inferred from the noun's ending, and for a few nouns from a list; this is right for most nouns. Numbers whose words do not depend on
/// gender are not changed.
extension TextScanner {
    /// A number as spoken before the noun that it counts.
    func agreed(_ number: Number) -> String {
        let said = say(number)
        guard let noun = nounBehind(number.end) else { return said }
        return agreed(number, with: noun, said: said)
    }

    func agreed(_ number: Number, with noun: String, said: String) -> String {
        guard let value = number.value, value > 0 else { return said }
        switch form.language {
        case "de": return value == 1 ? Agreement.germanOne(noun) : said
        case "fr": return Agreement.isOne(value) && Agreement.isFeminine(noun, "fr") && said.hasSuffix("un") ? said + "e" : said
        case "es": return spanish(said, value, noun)
        case "it": return value == 1 ? Agreement.italianOne(noun) : said
        case "pt": return portuguese(said, noun)
        case "ru": return russian(said, value, noun)
        case "pl": return polish(said, value, noun)
        default: return said
        }
    }

    /// The word after a number, separated by one space, unless it is a word that is not counted.
    func nounBehind(_ end: Int) -> String? {
        guard isSpace(scalar(end)), let word = word(at: end + 1), word.text.count > 1 else { return nil }
        return Agreement.functionWords[form.language]?.contains(word.text) == true ? nil : word.text
    }

    private func spanish(_ said: String, _ value: Int, _ noun: String) -> String {
        let isFeminine = Agreement.isFeminine(noun, "es")
        var said = isFeminine ? said.replacing("cientos", with: "cientas").replacing("quinientos", with: "quinientas") : said
        guard Agreement.isOne(value) || value % 100 == 21 else { return said }
        if said.hasSuffix("uno") { said = said.dropLast(3) + "un" }
        guard said.hasSuffix("un") || said.hasSuffix("ún") else { return said }
        if isFeminine { return said.dropLast(2) + "una" }
        return said.hasSuffix("veintiun") ? said.dropLast(2) + "ún" : said
    }

    private func portuguese(_ said: String, _ noun: String) -> String {
        guard Agreement.isFeminine(noun, "pt") else { return said }
        var words = said.split(separator: " ").map { $0.hasSuffix("entos") ? $0.dropLast(2) + "as" : String($0) }
        if words.last == "um" { words[words.count - 1] = "uma" }
        if words.last == "dois" { words[words.count - 1] = "duas" }
        return words.joined(separator: " ")
    }

    private func russian(_ said: String, _ value: Int, _ noun: String) -> String {
        guard value % 100 < 11 || value % 100 > 14 else { return said }
        if value % 10 == 1, said.hasSuffix("один") {
            let one =
                noun.hasSuffix("а") || noun.hasSuffix("я") || noun.hasSuffix("ь") && Agreement.russianSoft.contains(noun)
                ? "одна" : noun.hasSuffix("о") || noun.hasSuffix("е") ? "одно" : "один"
            return said.dropLast(4) + one
        }
        return value % 10 == 2 && said.hasSuffix("два") && (noun.hasSuffix("ы") || noun.hasSuffix("и")) ? said.dropLast(1) + "е" : said
    }

    private func polish(_ said: String, _ value: Int, _ noun: String) -> String {
        if value == 1 {
            return noun.hasSuffix("a") || noun.hasSuffix("ść") ? "jedna" : noun.hasSuffix("o") || noun.hasSuffix("e") ? "jedno" : said
        }
        let isTwo = value % 10 == 2 && value % 100 != 12
        return isTwo && said.hasSuffix("dwa") && Agreement.polishFeminine.contains(noun) ? said.dropLast(1) + "ie" : said
    }
}

/// Nouns and their genders.
enum Agreement {
    static func isOne(_ value: Int) -> Bool { value % 10 == 1 && value % 100 != 11 }

    // MARK: German and Italian

    static func germanOne(_ noun: String) -> String {
        // An adjective shows the gender by its own ending.
        guard noun.first?.isUppercase == true else { return noun.hasSuffix("e") ? "eine" : "ein" }
        if [
            "Name", "Junge", "Käse", "Kollege", "Kunde", "Löwe", "Affe", "Hase", "Buchstabe", "Gedanke", "Ende", "Auge", "Interesse",
            "Gebäude",
        ].contains(noun) {
            return "ein"
        }
        let isFeminine =
            germanFeminine.contains(noun)
            || ["ung", "heit", "keit", "schaft", "ion", "tät", "ik", "ei", "enz", "anz", "ur"].contains(where: noun.hasSuffix)
            || noun.hasSuffix("e")
            || noun.hasSuffix("in")
                && !["Termin", "Benzin", "Magazin", "Medizin", "Stein", "Wein", "Schein", "Verein", "Bein", "Schwein"].contains(noun)
        return isFeminine ? "eine" : "ein"
    }

    private static let germanFeminine: Set<String> = [
        "Frau", "Stadt", "Hand", "Nacht", "Mutter", "Tochter", "Schwester", "Million", "Milliarde", "Uhr", "Zahl", "Tür", "Wand",
        "Bank", "Mark", "Antwort", "Person", "Maus", "Kuh", "Arbeit", "Welt", "Zeit", "Art", "Bahn", "Fahrt",
    ]

    static func italianOne(_ noun: String) -> String {
        let lower = noun.lowercased(), vowels: Set<Character> = ["a", "e", "i", "o", "u", "à", "è"]
        guard let first = lower.first else { return "uno" }
        if isFeminine(noun, "it") { return vowels.contains(first) ? "un'" : "una" }
        let second = lower.dropFirst().first
        let isImpure =
            first == "s" && second.map { !vowels.contains($0) } == true || first == "z" || first == "x" || first == "y"
            || lower.hasPrefix("gn") || lower.hasPrefix("ps") || lower.hasPrefix("pn")
        return isImpure ? "uno" : "un"
    }

    // MARK: Romance

    static func isFeminine(_ noun: String, _ language: String) -> Bool {
        let noun = noun.lowercased()
        if masculine[language]?.contains(noun) == true { return false }
        if feminine[language]?.contains(noun) == true { return true }
        return endings[language]?.contains(where: noun.hasSuffix) ?? false
    }

    private static let endings: [String: [String]] = [
        "fr": [
            "tion", "tions", "sion", "sions", "té", "tés", "ée", "ées", "ette", "ettes", "ance", "ances", "ence", "ences", "ure",
            "ures", "esse", "esses", "ie", "ies", "ise", "ises", "ade", "ades", "euse", "euses", "trice", "trices", "elle", "elles",
            "enne", "ennes", "ière", "ières",
        ],
        "es": ["a", "as", "ción", "ciones", "sión", "siones", "dad", "dades", "tud", "tudes", "umbre"],
        "pt": ["a", "as", "ção", "ções", "são", "sões", "dade", "dades", "agem", "agens", "tude"],
        "it": ["a", "zione", "sione", "tà", "tù", "trice", "ie"],
    ]
    private static let feminine: [String: Set<String>] = [
        "fr": [
            "personne", "personnes", "fois", "heure", "heures", "minute", "minutes", "seconde", "secondes", "année", "femme",
            "femmes", "fille", "filles", "page", "pages", "semaine", "semaines", "chose", "choses", "ligne", "lignes", "mère", "main",
            "mains", "table", "tables", "voiture", "ville", "villes", "livre-sterling", "tonne", "tonnes", "place", "places",
            "partie", "parties", "chambre", "chambres", "pomme", "pommes", "fleur", "fleurs", "porte", "portes", "maison", "maisons",
            "carte", "cartes", "étoile", "étoiles", "lettre", "lettres", "phrase", "phrases", "nuit", "nuits", "image", "images",
            "question", "réponse", "réponses", "bouteille", "bouteilles", "étape", "étapes", "équipe", "équipes", "école", "écoles",
        ],
        "es": [
            "vez", "veces", "mano", "manos", "noche", "noches", "flor", "flores", "mujer", "mujeres", "calle", "calles", "clase",
            "clases", "parte", "partes", "tarde", "tardes", "llave", "llaves", "nube", "nubes", "leche", "sal", "luz", "luces", "ley",
            "leyes", "imagen", "imágenes", "madre", "madres",
        ],
        "pt": [
            "vez", "vezes", "mão", "mãos", "noite", "noites", "flor", "flores", "mulher", "mulheres", "parte", "partes", "cidade",
            "luz", "luzes", "mãe", "mães", "tarde", "tardes", "chave", "chaves", "classe", "classes",
        ],
        "it": [
            "mano", "notte", "parte", "madre", "chiave", "classe", "luce", "arte", "legge", "gente", "moglie", "carne", "nave",
            "voce", "fine",
        ],
    ]
    private static let masculine: [String: Set<String>] = [
        "fr": [
            "été", "comité", "côté", "musée", "lycée", "génie", "incendie", "squelette", "silence", "murmure", "stade", "grade",
            "avion", "million", "millions",
        ],
        "es": [
            "día", "días", "mapa", "mapas", "problema", "problemas", "sistema", "sistemas", "idioma", "idiomas", "programa",
            "programas", "tema", "temas", "planeta", "planetas", "poema", "poemas", "clima", "turista", "artista", "gramas",
            "kilogramas", "drama", "dramas", "diagrama", "diagramas", "poeta", "poetas", "futbolista",
        ],
        "pt": [
            "dia", "dias", "mapa", "mapas", "problema", "problemas", "sistema", "sistemas", "idioma", "idiomas", "programa",
            "programas", "tema", "temas", "planeta", "planetas", "poema", "poemas", "clima", "grama", "gramas", "quilograma",
            "quilogramas", "telefonema",
        ],
        "it": ["problema", "sistema", "programma", "tema", "clima", "pianeta", "poema", "poeta", "dramma", "cinema", "papa"],
    ]

    // MARK: Slavic

    static let russianSoft: Set<String> = [
        "ночь", "часть", "дочь", "дверь", "тетрадь", "площадь", "ступень", "кровать", "лошадь", "степень", "скорость", "область",
        "очередь", "печать", "роль", "цель", "сеть", "вещь", "мышь", "запись",
    ]
    static let polishFeminine: Set<String> = [
        "kobiety", "godziny", "minuty", "sekundy", "strony", "książki", "osoby", "rzeczy", "noce", "dziewczyny", "córki", "siostry",
        "szkoły", "ulice", "kawy", "herbaty", "części", "ręce", "nogi", "krowy", "gwiazdy", "kartki", "gry", "torby", "butelki",
        "firmy", "drużyny", "próby", "lekcje", "stacje", "sztuki", "łyżki", "łyżeczki", "szklanki", "drogi", "rundy", "fazy", "grupy",
        "klasy", "matki", "żony", "ciotki", "babcie", "historie", "piosenki",
    ]

    /// A Russian or Polish number before a noun in the tables: "одна минута", "dwie minuty".
    static func slavic(_ said: String, _ value: Int, _ noun: Noun, _ language: String) -> String {
        guard noun.one.hasSuffix("а") || noun.one.hasSuffix("я") || noun.one.hasSuffix("a") else { return said }
        if value == 1, language == "pl" { return "jedna" }
        for (masculine, feminine) in [("один", "одна"), ("два", "две"), ("dwa", "dwie")] where said.hasSuffix(masculine) {
            return said.dropLast(masculine.count) + feminine
        }
        return said
    }

    // MARK: Arabic

    /// "كيلومتر واحد", "كيلومتران", "ثلاث دقائق": one follows its noun, two is an ending, and three to ten have the opposite gender.
    static func arabic(_ said: String, _ value: Int, _ noun: Noun, _ word: String) -> String {
        let isFeminine = noun.one.hasSuffix("ة")
        switch value {
        case 1: return "\(word) \(isFeminine ? "واحدة" : "واحد")"
        case 2: return word
        case 3...10 where isFeminine: return "\(arabicFeminine[value - 3]) \(word)"
        default: return "\(said) \(word)"
        }
    }

    private static let arabicFeminine = ["ثلاث", "أربع", "خمس", "ست", "سبع", "ثماني", "تسع", "عشر"]

    // MARK: words that are not nouns

    static let functionWords: [String: Set<String>] = [
        "de": [
            "und", "oder", "bis", "zu", "für", "von", "in", "im", "am", "an", "auf", "mit", "bei", "ist", "war", "sind", "hat", "aus",
            "nach", "vor", "als", "aber", "durch", "gegen", "plus", "minus", "mal", "gleich", "Prozent", "Uhr",
        ],
        "fr": ["et", "ou", "à", "de", "du", "en", "est", "sont", "pour", "par", "sur", "dans", "plus", "moins", "mais", "au"],
        "es": [
            "de", "del", "y", "o", "a", "al", "en", "es", "son", "por", "para", "con", "más", "menos", "pero", "que", "se", "la",
            "las", "una", "era", "está", "hasta", "entre", "contra", "sobre", "para", "mil", "millones", "a",
        ],
        "it": ["e", "o", "a", "al", "di", "del", "in", "è", "sono", "per", "con", "più", "meno", "ma", "che", "da", "dal", "la", "su"],
        "pt": [
            "de", "do", "da", "e", "ou", "a", "ao", "em", "no", "na", "é", "são", "por", "para", "com", "mais", "menos", "mas", "que",
            "até", "era", "está", "contra", "mil", "as", "das", "nas", "uma",
        ],
        "ru": ["и", "или", "до", "от", "из", "на", "по", "за", "с", "в", "это", "для", "но", "а", "мы", "вы", "они", "ли"],
        "pl": ["i", "lub", "do", "od", "z", "na", "po", "za", "w", "to", "dla", "ale", "a", "czy", "oraz", "się", "nie", "przez"],
    ]
}

/// Numbers with other words before what they count.
extension TextScanner {
    /// 2个, 3개, 6월: Chinese and Korean numbers before counters; Russian and Polish years.
    func counter(_ number: Number) -> Match? {
        guard let value = number.value else { return nil }
        switch form.language {
        case "zh":
            guard value == 2, let next = scalar(number.end), Self.chineseMeasures.contains(next), scalar(number.end - 2) != "第" else {
                return nil
            }
            return Match(number.end, "两")
        case "ko":
            let next = skippingSpace(number.end)
            // A year, month or day that follows without a space is one word with its number.
            for unit in ["년대", "년", "월", "일", "분", "초", "원", "층", "도"] where has(unit, at: number.end) {
                let irregular = unit == "월" ? [6: "유", 10: "시"] : [:]
                return Match(number.end + unit.unicodeScalars.count, (irregular[value] ?? say(number)) + unit)
            }
            // "세 시": native Korean numbers count the hours up to twelve.
            if has("시", at: number.end), !["간", "즌", "장", "리", "속"].contains(scalar(number.end + 1)) {
                return Match(number.end + 1, ((1...12).contains(value) ? Self.native(value) + " " : say(number)) + "시")
            }
            if value == 1, has("번째", at: next) { return Match(next, "첫 ") }
            guard (1...99).contains(value), Self.koreanCounters.contains(where: { has($0, at: next) }) else { return nil }
            return Match(next, Self.native(value) + " ")
        case "ru", "pl": return slavicYear(number)
        default: return nil
        }
    }

    private static let chineseMeasures = Set("个位只条张本件次天岁种家名人周倍米公千百万亿元块斤年双对辆座間间页小分".unicodeScalars)
    private static let koreanCounters = [
        "개", "명", "살", "시간", "마리", "권", "잔", "병", "장", "대", "번째", "벌", "켤레", "송이", "그루", "가지", "달", "사람", "군데",
    ]

    /// Native Korean numbers, in the form before a counter.
    static func native(_ value: Int) -> String {
        let ones = ["", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"], tens = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
        return value == 20 ? "스무" : tens[value / 10] + ones[value % 10]
    }
}

/// The form of a noun after a number (CLDR's plural rules for cardinal numbers).
enum PluralCategory {
    /// - Parameter value: nil for a number with a fraction.
    static func form(_ value: Int?, isBelowTwo: Bool, in language: String) -> KeyPath<Noun, String> & Sendable {
        switch language {
        // One and a half takes the singular in these languages.
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
