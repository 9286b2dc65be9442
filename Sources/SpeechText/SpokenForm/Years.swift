/// Decades, and years without their century.
extension TextScanner {
    /// 1990s, 90s, '90s; 80er; anni '80; lata 80.; 90-е годы.
    func decade(_ index: Int) -> Match? {
        switch form.language {
        case "en": englishDecade(index)
        case "de": germanDecade(index) ?? shortYear(index)
        case "fr": frenchDecade(index) ?? shortYear(index)
        case "es", "pt": pluralDecade(index) ?? shortYear(index)
        case "it", "nl": shortYear(index)
        case "sv", "da", "no": nordicDecade(index)
        case "pl": polishDecade(index)
        case "ru": russianDecade(index)
        case "tr": ordinal(index) ?? turkishSuffix(index)
        default: nil
        }
    }

    private func englishDecade(_ index: Int) -> Match? {
        let start = isDigit(scalars[index]) ? index : index + 1
        guard begins(start) || start > index, let run = digits(at: start), run.text.count == 2 || run.text.count == 4 && start == index,
            run.text.hasSuffix("0"), let value = Int(run.text)
        else { return nil }
        // "1960's" also occurs.
        let hasApostrophe = run.text.count == 4 && (scalar(run.end) == "'" || scalar(run.end) == "’"),
            end = hasApostrophe ? run.end + 2 : run.end + 1
        guard scalar(end - 1) == "s", ends(end) else { return nil }
        let (century, rest) = value.quotientAndRemainder(dividingBy: 100)
        guard rest >= 10 || run.text.count == 4 else { return nil }
        let tens = rest == 0 ? century == 20 ? "thousands" : "hundreds" : rest == 10 ? "tens" : speller.cardinal(rest).dropLast() + "ies"
        let beginning = century == 0 ? "" : century == 20 && rest == 0 ? "two " : speller.cardinal(century) + " "
        return Match(end, beginning + tens)
    }

    /// "achtziger", "in den neunzehnhundertachtzigern".
    private func germanDecade(_ index: Int) -> Match? {
        guard begins(index), let run = digits(at: index, most: 4), let value = Int(run.text), !run.text.hasPrefix("0") else { return nil }
        for suffix in ["ern", "er"] where has(suffix, at: run.end) {
            let end = run.end + suffix.count
            guard ends(end) else { continue }
            let number = Number(whole: run.text, fraction: nil, end: run.end)
            return Match(end, (value == 7 ? "sieben" : year(number) ?? speller.cardinal(value)) + suffix)
        }
        return nil
    }

    /// "les années quatre-vingt": without the s of the number alone.
    private func frenchDecade(_ index: Int) -> Match? {
        guard begins(index), word(before: index)?.lowercased() == "années", let run = digits(at: index),
            run.text.count == 2 || run.text.count == 4,
            ends(run.end), let value = Int(run.text), value % 100 == 80
        else { return nil }
        return Match(run.end, String(speller.cardinal(value).dropLast()))
    }

    /// "los 80s": only the number is spoken.
    private func pluralDecade(_ index: Int) -> Match? {
        guard begins(index), let run = digits(at: index, most: 4), run.text.hasSuffix("0"), run.text.count % 2 == 0, scalar(run.end) == "s",
            ends(run.end + 1), let value = Int(run.text)
        else { return nil }
        return Match(run.end + 1, speller.cardinal(value))
    }

    /// '68, if no quotation ends after it.
    private func shortYear(_ index: Int) -> Match? {
        guard scalars[index] == "'" || scalars[index] == "’", index == 0 || !isWord(scalars[index - 1]), let run = digits(at: index + 1),
            run.text.count == 2, ends(run.end), scalar(run.end) != "'", scalar(run.end) != "’", let value = Int(run.text)
        else { return nil }
        return Match(run.end, run.text.hasPrefix("0") ? speller.digits(run.text) : speller.cardinal(value))
    }

    /// "artonhundratalet", "åttiotalet".
    private func nordicDecade(_ index: Int) -> Match? {
        guard begins(index), let run = digits(at: index, most: 4), !run.text.hasPrefix("0"), scalar(run.end) == "-",
            let noun = word(at: run.end + 1), ["talet", "talets", "tal", "tallet", "tallets"].contains(noun.text)
        else { return nil }
        let number = Number(whole: run.text, fraction: nil, end: run.end)
        return Match(noun.end, (year(number) ?? say(number)) + noun.text)
    }

    // MARK: Slavic languages

    /// "lata osiemdziesiąte", "w latach osiemdziesiątych".
    private func polishDecade(_ index: Int) -> Match? {
        guard begins(index), let run = digits(at: index, most: 4), let value = Int(run.text) else { return nil }
        for (suffix, form) in [("-te", Ordinals.PolishForm.plural), ("-tych", .pluralGenitive)] where has(suffix, at: run.end) {
            let end = run.end + suffix.count
            if ends(end) { return Ordinals.polish(value, form, speller).map { Match(end, $0) } }
        }
        let forms: [String: Ordinals.PolishForm] = [
            "lata": .plural, "lat": .pluralGenitive, "latach": .pluralGenitive, "latami": .pluralInstrumental, "latom": .pluralDative,
        ]
        guard let before = word(before: index)?.lowercased(), let form = forms[before], value % 10 == 0, scalar(run.end) == ".",
            let said = Ordinals.polish(value, form, speller)
        else { return nil }
        return Match(endOfOrdinal(run.end), said)
    }

    /// The index after an ordinal's full stop, or before it if it also ends the sentence; a century's numeral does not end a sentence.
    private func endOfOrdinal(_ stop: Int) -> Int {
        guard isSentenceEnd(stop + 1) else { return stop + 1 }
        let next = word(at: stop + 2)?.text ?? ""
        return !next.isEmpty && next.utf8.allSatisfy { English.romanDigits[$0] != nil } ? stop + 1 : stop
    }

    /// "девяностые годы", "в тысяча девятьсот девяностых".
    private func russianDecade(_ index: Int) -> Match? {
        guard begins(index), let run = digits(at: index, most: 4), let value = Int(run.text), value % 10 == 0, value > 0 else { return nil }
        let endings = [("-е", "ые"), ("-ые", "ые"), ("-х", "ых"), ("-ых", "ых"), ("-ми", "ыми"), ("-ыми", "ыми")]
        for (suffix, ending) in endings where has(suffix, at: run.end) {
            let end = run.end + suffix.unicodeScalars.count
            guard ends(end) else { continue }
            // "20-е место" means a rank.
            if suffix == "-е", let noun = isSpace(scalar(end)) ? word(at: end + 1)?.text : nil, noun.hasSuffix("о") || noun.hasSuffix("е") {
                return nil
            }
            guard let said = Ordinals.russian(value, .masculine, speller) else { return nil }
            let isStressed = said.hasSuffix("ой")
            return Match(end, said.dropLast(2) + (isStressed || said.hasSuffix("ый") ? ending : ending.replacing("ы", with: "и")))
        }
        return nil
    }

    // MARK: Turkish

    /// "1980'lerde", "2024'te": the ending is spoken with the number.
    private func turkishSuffix(_ index: Int) -> Match? {
        guard begins(index), let number = number(at: index), scalar(number.end) == "'" || scalar(number.end) == "’",
            let ending = word(at: number.end + 1), ends(ending.end), ending.text.count <= 6
        else { return nil }
        return Match(ending.end, say(number) + ending.text)
    }
}

/// Russian and Polish years, centuries and hours, which are ordinals in the case that their sentence requires.
extension TextScanner {
    /// "в 1990 году", "к 1917 году", "с 1941 по 1945 год"; "w 1989 roku", "rok 1989".
    func slavicYear(_ number: Number) -> Match? {
        guard number.whole.count == 4, !number.isGrouped, let value = number.value else { return nil }
        return form.language == "ru" ? russianYear(value, number) : polishYear(value, number)
    }

    private func russianYear(_ value: Int, _ number: Number) -> Match? {
        let start = number.end - 4, before = word(before: start)?.lowercased()
        // "с 1941 по 1945 год": the second year's noun also applies to the first.
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

    /// The forms of "godz." after a preposition.
    static let hourNouns = [
        "o": "godzinie", "po": "godzinie", "od": "godziny", "do": "godziny", "około": "godziny", "koło": "godziny", "przed": "godziną",
        "między": "godziną",
    ]

    /// The word before a time, or before "godz." if that precedes the time.
    private func wordBeforeHour(_ index: Int) -> String {
        var start = index
        if start > 6, has("godz. ", at: start - 6) { start -= 6 }
        return word(before: start)?.lowercased() ?? ""
    }
}
