/// Decades, and years with their century left out.
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
        // "1960's" is written as well.
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

    /// "les années quatre-vingt": without the s that the number has alone.
    private func frenchDecade(_ index: Int) -> Match? {
        guard begins(index), word(before: index)?.lowercased() == "années", let run = digits(at: index),
            run.text.count == 2 || run.text.count == 4,
            ends(run.end), let value = Int(run.text), value % 100 == 80
        else { return nil }
        return Match(run.end, String(speller.cardinal(value).dropLast()))
    }

    /// "los 80s": the number alone.
    private func pluralDecade(_ index: Int) -> Match? {
        guard begins(index), let run = digits(at: index, most: 4), run.text.hasSuffix("0"), run.text.count % 2 == 0, scalar(run.end) == "s",
            ends(run.end + 1), let value = Int(run.text)
        else { return nil }
        return Match(run.end + 1, speller.cardinal(value))
    }

    /// '68, where no quotation ends behind it.
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

    /// Behind an ordinal's full stop, but before one that ends the sentence as well; a century's numeral ends none.
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
            // "20-е место" is a place.
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

    /// "1980'lerde", "2024'te": the ending is said with the number.
    private func turkishSuffix(_ index: Int) -> Match? {
        guard begins(index), let number = number(at: index), scalar(number.end) == "'" || scalar(number.end) == "’",
            let ending = word(at: number.end + 1), ends(ending.end), ending.text.count <= 6
        else { return nil }
        return Match(ending.end, say(number) + ending.text)
    }
}
