/// Years, centuries and hours of Russian and Polish, which are ordinals in the case that their sentence asks for.
extension TextScanner {
    /// "в 1990 году", "к 1917 году", "с 1941 по 1945 год"; "w 1989 roku", "rok 1989".
    func slavicYear(_ number: Number) -> Match? {
        guard number.whole.count == 4, !number.isGrouped, let value = number.value else { return nil }
        return form.language == "ru" ? russianYear(value, number) : polishYear(value, number)
    }

    private func russianYear(_ value: Int, _ number: Number) -> Match? {
        let start = number.end - 4, before = word(before: start)?.lowercased()
        // "с 1941 по 1945 год": the first year's noun is the second's.
        if before == "с", has(" по ", at: number.end), digits(at: number.end + 4)?.text.count == 4 {
            return Ordinals.russian(value, .genitive, speller).map { Match(number.end, $0) }
        }
        guard isSpace(scalar(number.end)) else { return nil }
        let isTowards = before == "к" || before == "ко"
        let years: [(String, Ordinals.RussianCase)] = [
            ("году", isTowards ? .dative : .prepositional), ("года", .genitive), ("год", .masculine),
            ("г.", before == "в" ? .prepositional : .genitive),
        ]
        for (word, form) in years where has(word, at: number.end + 1) && ends(number.end + 1 + word.unicodeScalars.count) {
            guard let said = Ordinals.russian(value, form, speller) else { return nil }
            guard word == "г." else { return Match(number.end, said) }
            let end = number.end + 3
            return Match(end, said + (form == .genitive ? " года" : " году") + (isSentenceEnd(end) ? "." : ""))
        }
        return nil
    }

    /// "1941–1945 годы", "1941–1945 гг.".
    func russianYears(_ index: Int) -> Match? {
        guard form.language == "ru", begins(index), let first = digits(at: index), first.text.count == 4, let dash = scalar(first.end),
            dash == "–" || dash == "-" || dash == "—", let second = digits(at: first.end + 1), second.text.count == 4,
            isSpace(scalar(second.end)),
            let from = Int(first.text), let to = Int(second.text)
        else { return nil }
        let nouns: [(String, Ordinals.RussianCase)] = [("годы", .masculine), ("годов", .genitive), ("гг.", .masculine)]
        for (noun, form) in nouns where has(noun, at: second.end + 1) && ends(second.end + 1 + noun.unicodeScalars.count) {
            guard let from = Ordinals.russian(from, form, speller), let to = Ordinals.russian(to, form, speller) else { return nil }
            guard noun == "гг." else { return Match(second.end, "\(from) — \(to)") }
            let end = second.end + 4
            return Match(end, "\(from) — \(to) годы" + (isSentenceEnd(end) ? "." : ""))
        }
        return nil
    }

    private func polishYear(_ value: Int, _ number: Number) -> Match? {
        let before = word(before: number.end - 4)?.lowercased()
        if before == "rok" { return Ordinals.polish(value, .masculine, speller).map { Match(number.end, $0) } }
        // "w roku 1900", "do roku 1900".
        if before == "roku" {
            let start = number.end - 9, isWithin = start > 0 && Self.locativePrepositions.contains(word(before: start)?.lowercased() ?? "")
            return Ordinals.polish(value, isWithin ? .locative : .genitive, speller).map { Match(number.end, $0) }
        }
        guard isSpace(scalar(number.end)) else { return nil }
        if has("rok", at: number.end + 1), ends(number.end + 4) {
            return Ordinals.polish(value, .masculine, speller).map { Match(number.end, $0) }
        }
        let isWithin = Self.locativePrepositions.contains(before ?? "")
        guard let said = Ordinals.polish(value, isWithin ? .locative : .genitive, speller) else { return nil }
        if has("roku", at: number.end + 1), ends(number.end + 5) { return Match(number.end, said) }
        guard has("r.", at: number.end + 1) else { return nil }
        return Match(isSentenceEnd(number.end + 3) ? number.end + 2 : number.end + 3, said + " roku")
    }

    private static let locativePrepositions: Set<String> = ["w", "we", "o", "po", "przy"]

    // MARK: centuries

    /// "XX век", "в XIX веке", "XX wieku", "w XIX w.".
    func slavicCentury(_ index: Int, _ value: Int, _ end: Int) -> Match? {
        guard isSpace(scalar(end)), let noun = word(at: end + 1), ends(noun.end) else { return nil }
        if form.language == "ru" {
            let cases: [String: Ordinals.RussianCase] = ["век": .masculine, "века": .genitive, "веку": .dative, "веке": .prepositional]
            return cases[noun.text].flatMap { Ordinals.russian(value, $0, speller) }.map { Match(end, $0) }
        }
        guard form.language == "pl" else { return nil }
        let isWithin = Self.locativePrepositions.contains(word(before: index)?.lowercased() ?? "")
        let oblique = isWithin ? Ordinals.PolishForm.locative : .genitive
        switch noun.text {
        case "wiek": return Ordinals.polish(value, .masculine, speller).map { Match(end, $0) }
        case "wieku": return Ordinals.polish(value, oblique, speller).map { Match(end, $0) }
        case "w" where scalar(noun.end) == ".":
            let stop = noun.end + 1
            return Ordinals.polish(value, oblique, speller).map { Match(isSentenceEnd(stop) ? stop - 1 : stop, $0 + " wieku") }
        default: return nil
        }
    }

    // MARK: hours

    /// "ósma trzydzieści", "o ósmej trzydzieści", "przed ósmą".
    func polishTime(_ hour: Int, _ minute: Int, before index: Int) -> String {
        let before = wordBeforeHour(index)
        let isOblique = Self.hourNouns[before].map { $0 != "godziną" } ?? ["godzinie", "godziny"].contains(before)
        let isInstrumental = Self.hourNouns[before] == "godziną" || before == "godziną"
        let form: Ordinals.PolishForm = isOblique ? .feminineOblique : isInstrumental ? .feminineInstrumental : .feminine
        let hours = hour == 0 ? speller.cardinal(0) : Ordinals.polish(hour, form, speller) ?? speller.cardinal(hour)
        if minute == 0 { return hours }
        return hours + (minute < 10 ? " \(speller.cardinal(0)) " : " ") + speller.cardinal(minute)
    }

    /// What "godz." is behind a preposition.
    static let hourNouns = [
        "o": "godzinie", "po": "godzinie", "od": "godziny", "do": "godziny", "około": "godziny", "koło": "godziny", "przed": "godziną",
        "między": "godziną",
    ]

    /// The word before a time, or before the "godz." that stands there.
    private func wordBeforeHour(_ index: Int) -> String {
        var start = index
        if start > 6, has("godz. ", at: start - 6) { start -= 6 }
        return word(before: start)?.lowercased() ?? ""
    }
}
