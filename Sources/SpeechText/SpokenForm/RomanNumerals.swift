/// Roman numerals in languages other than English.
extension TextScanner {
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
        // "Le" and "Ce" are not numerals.
        if !suffix.isEmpty {
            guard text.count > 1 || text == "V" || text == "X" || text == "I" && suffix == "er" else { return nil }
            return Match(word.end, Ordinals.french(value, speller))
        }
        if let century = slavicCentury(index, value, word.end) ?? otherCentury(index, value, word.end) { return century }
        if form.language == "tr", scalar(word.end) == ".", isSpace(scalar(word.end + 1)), self.word(at: word.end + 2) != nil {
            return Match(word.end + 1, Ordinals.turkish(value, speller))
        }
        guard let before = self.word(before: index) else { return nil }
        if let ruler = slavicRuler(before, value) { return Match(word.end, ruler) }
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

    /// "XIX secolo", "XIX. Jahrhundert".
    private func otherCentury(_ index: Int, _ value: Int, _ end: Int) -> Match? {
        switch form.language {
        case "es" where scalar(index - 1) == " " && scalar(index - 2) == "." && scalar(index - 3) == "s" && begins(index - 3):
            Match(end, speller.cardinal(value))
        case "it" where has(" secolo", at: end): Ordinals.italian(value, isFeminine: false, speller).map { Match(end, $0) }
        case "de" where has(". Jahrhundert", at: end):
            Match(end + 1, Ordinals.germanStem(value, speller) + (word(before: index).flatMap { Self.articles[$0.lowercased()] } ?? "es"))
        default: nil
        }
    }

    /// "Пётр Первый", "Jana Trzeciego".
    private func slavicRuler(_ name: String, _ value: Int) -> String? {
        let said: String?
        switch form.language {
        case "ru": said = Self.russianRulers[name].flatMap { Ordinals.russian(value, $0, speller) }
        case "pl": said = Self.polishRulers[name].flatMap { Ordinals.polish(value, $0, speller) }
        default: return nil
        }
        return said?.split(separator: " ").map { String($0).capitalizedFirst }.joined(separator: " ")
    }

    private static let russianRulers: [String: Ordinals.RussianCase] = cases(
        [
            (.masculine, "Пётр Петр Николай Александр Иван Павел Людовик Генрих Карл Фридрих Вильгельм Наполеон"),
            (.genitive, "Петра Николая Александра Ивана Павла Людовика Генриха Карла Фридриха Вильгельма Наполеона"),
            (.dative, "Петру Николаю Александру Ивану Павлу Людовику"), (.prepositional, "Петре Николае Александре Иване Павле"),
            (.feminine, "Екатерина Елизавета"),
        ])
    private static let polishRulers: [String: Ordinals.PolishForm] = cases(
        [
            (
                .masculine,
                "Jan Paweł Zygmunt Kazimierz Stanisław August Władysław Bolesław Henryk Ludwik Karol Pius Fryderyk Mikołaj Benedykt"
            ),
            (
                .genitive,
                "Jana Pawła Zygmunta Kazimierza Stanisława Augusta Władysława Bolesława Henryka Ludwika Karola Piusa Fryderyka Mikołaja"
            ),
            (.feminine, "Elżbieta Katarzyna"), (.feminineOblique, "Elżbiety Katarzyny"),
        ])

    private static func cases<Case>(_ names: [(Case, String)]) -> [String: Case] {
        Dictionary(
            names.flatMap { form, names in names.split(separator: " ").map { (String($0), form) } }, uniquingKeysWith: { first, _ in first }
        )
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
