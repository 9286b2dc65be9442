/// Amounts of money, and other nouns after numbers.
extension TextScanner {
    /// A number with its noun: "one euro", "five euros", in German "ein Euro", in Russian "двадцать один рубль".
    func counted(_ number: Number, _ noun: Noun) -> String {
        let value = number.value, said = say(number)
        let isBelowTwo = number.whole == "0" || number.whole == "1"
        let word = noun[keyPath: PluralCategory.form(value, isBelowTwo: isBelowTwo, in: form.language)]
        guard let value else { return said + gap + word }
        switch form.language {
        case "de" where value == 1 && words.singularHasArticle && noun.one.hasPrefix("ein"): return word
        case "ru", "pl": return Agreement.slavic(said, value, noun, form.language) + gap + word
        case "ar" where !noun.isInvariable: return Agreement.arabic(said, value, noun, word)
        case "sv", "da", "no": return (value == 1 ? "en" : said) + gap + word
        case "es", "pt", "fr", "it":
            // "duas libras", "veintiuna libras".
            return agreed(Number(whole: String(value), fraction: nil, end: -1), with: String(word.prefix { $0 != " " }), said: said) + gap
                + word
        default: return said + gap + word
        }
    }

    /// 25 €, 5 USD, 3 Mio. Euro, 5 млн ₽.
    func money(_ number: Number) -> Match? {
        if let (currency, end) = currency(at: skippingSpace(number.end)) { return Match(end, amount(number, currency)) }
        return magnitude(number)
    }

    /// "drei Millionen Euro", "trois millions d'euros"; without money a single letter does not mean a million.
    private func magnitude(_ number: Number) -> Match? {
        let next = skippingSpace(number.end)
        var end = next
        while let letter = scalar(end), isLetter(letter) { end += 1 }
        guard end > next else { return nil }
        let name = string(next..<end)
        let isShortened = scalar(end) == "." && words.magnitudes[name + "."] != nil
        guard let noun = words.magnitudes[isShortened ? name + "." : name], ends(end) else { return nil }
        // The full stop may also end the sentence; German nouns have a capital within a sentence, too.
        let isWithin =
            form.language == "de" ? scalar(end + 1) != nil : !isSentenceEnd(end + 1) || currency(at: skippingSpace(end + 1)) != nil
        let stop = isShortened && isWithin ? end + 1 : end
        let after = skippingSpace(stop)
        if let (currency, last) = currency(at: after) { return Match(last, counted(number, noun) + gap + moneyOfMagnitude(currency)) }
        return name.count > 1 ? Match(stop, counted(number, noun)) : nil
    }

    /// "Euro" after "Millionen", "d'euros" after "millions".
    func moneyOfMagnitude(_ currency: Currency) -> String {
        let noun = currency.unit.uncounted
        guard let of = words.ofMoney else { return noun }
        let isElided = form.language == "fr" && noun.first.map { "aeiouéh".contains($0) } == true
        return isElided ? "d'" + noun : of + gap + noun
    }

    /// A sign, code or abbreviation of a currency at this index.
    func currency(at index: Int) -> (Currency, end: Int)? {
        guard let sign = scalar(index) else { return nil }
        if !isLetter(sign) { return words.money[String(sign)].map { ($0, index + 1) } }
        guard index == 0 || !isLetter(scalars[index - 1]) else { return nil }
        for written in form.moneyAbbreviations where has(written, at: index) {
            let end = index + written.unicodeScalars.count
            guard ends(end) else { continue }
            // Within a sentence the full stop of "руб." is dropped.
            let isShortened = scalar(end) == "." && ["руб", "р", "kr"].contains(written) && !isSentenceEnd(end + 1)
            return (form.currency(named: written)!, isShortened ? end + 1 : end)
        }
        return nil
    }

    /// An amount of money: two digits after the mark are cents.
    func amount(_ number: Number, _ currency: Currency) -> String {
        guard let fraction = number.fraction, fraction.count == 2 else { return counted(number, currency.unit) }
        let whole = Number(whole: number.whole, fraction: nil, end: number.end)
        let cents = Number(whole: String(Int(fraction)!), fraction: nil, end: number.end)
        if cents.whole == "0" { return counted(whole, currency.unit) }
        if whole.whole == "0" { return counted(cents, currency.cent) }
        // Some languages have no word between the two.
        return counted(whole, currency.unit) + (words.hasAndInMoney ? " \(words.and) " : gap) + counted(cents, currency.cent)
    }

    /// $5, €1.234,56, $3 million, R$ 50.
    func money(_ index: Int, _ currency: Currency) -> Match? {
        if let sign = scalar(index), sign == "-" || sign == "−", isDigit(scalar(index + 1)), let amount = money(index + 1, currency) {
            return Match(amount.end, words.minus + gap + amount.spoken)
        }
        guard let number = number(at: skippingSpace(index)) else { return nil }
        let scales = isEnglish ? English.scales : [:]
        // "$3 million", "$3M".
        let next = skippingSpace(number.end)
        if let scale = word(at: next), ends(scale.end), let name = scales[scale.text] {
            return Match(scale.end, "\(say(number)) \(name) \(currency.unit.uncounted)")
        }
        if let scale = word(at: next), ends(scale.end), form.magnitudeNames.contains(scale.text) {
            return Match(scale.end, "\(say(number)) \(scale.text) \(moneyOfMagnitude(currency))")
        }
        if let said = magnitude(number), !isEnglish { return Match(said.end, said.spoken + gap + moneyOfMagnitude(currency)) }
        guard ends(number.end) else { return nil }
        return Match(number.end, amount(number, currency))
    }

    /// A currency's sign without a number: "5 Millionen €".
    func loneCurrency(_ index: Int, _ currency: Currency) -> Match? {
        guard let before = word(before: index), ends(index + 1), form.magnitudeNames.contains(before) else { return nil }
        return Match(index + 1, moneyOfMagnitude(currency))
    }
}

extension SpokenForm {
    /// A currency by its written form; the codes of currencies that every language's table has are included.
    func currency(named name: String) -> Currency? { words.money[name] ?? Self.codes[name].flatMap { words.money[$0] } }

    static let codes = ["USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"]
}
