/// Text that begins with a sign or a letter.
extension TextScanner {
    func signed(_ index: Int) -> Match? {
        let sign = scalars[index]
        if let currency = words.money[String(sign)] {
            guard let amount = money(index + 1, currency) else { return loneCurrency(index, currency) }
            return moneyRange(index + 1, currency, from: amount) ?? amount
        }
        if let comparison = comparison(index) { return comparison }
        if let formula = formula(index) { return formula }
        switch sign {
        case "+", "-", "−": return plusOrMinus(index)
        case "(": return bracketedTelephone(index)
        case "'", "’": return decade(index)
        case "#":
            guard let number = number(at: index + 1), ends(number.end), begins(index) else { return nil }
            return Match(number.end, "\(words.number) \(say(number))")
        case "&":
            return isAlone(index) || isBetweenWords(index) ? Match(index + 1, isAlone(index) ? words.and : " \(words.and) ") : nil
        case "=":
            return isAlone(index) || isBetweenNumbers(index) ? Match(index + 1, isAlone(index) ? words.equals : " \(words.equals) ") : nil
        case "@": return isAlone(index) ? Match(index + 1, words.at) : nil
        case "%" where form.language == "tr" && isDigit(scalar(index + 1)):
            return number(at: index + 1).map { share in
                let said = decade(index + 1).flatMap { $0.end > share.end ? $0 : nil } ?? Match(share.end, say(share))
                return Match(said.end, "\(words.percent.other) \(said.spoken)")
            }
        // In Arabic the sign may be on either side.
        case "%" where form.language == "ar" && isDigit(scalar(index + 1)):
            return number(at: index + 1).map { Match($0.end, counted($0, words.percent)) }
        case "." where isDigit(scalar(index + 1)): return bareFraction(index)
        case "%": return isAlone(index) ? Match(index + 1, words.percent.uncounted) : nil
        case "°": return isAlone(index) ? Match(index + 1, words.degrees.uncounted) : nil
        case "×": return Match(index + 1, isAlone(index) ? words.times : " \(words.times) ")
        case "™", "®", "©": return Match(index + 1, "")
        case "№": return Match(index + 1, words.number)
        case "±" where isEnglish: return Match(index + 1, isAlone(index) ? "plus or minus" : "plus or minus ")
        case "≈" where isEnglish: return Match(index + 1, isAlone(index) ? "about" : "about ")
        case "§" where isEnglish:
            let isPlural = scalar(index + 1) == "§"
            return Match(skippingSpace(index + (isPlural ? 2 : 1)), isPlural ? "sections " : "section ")
        default: return fractionSign(index)
        }
    }

    /// Whether there are spaces on both sides.
    private func isAlone(_ index: Int) -> Bool {
        (index == 0 || isSpace(scalars[index - 1])) && (scalar(index + 1).map { isSpace($0) } ?? true)
    }
    private func isBetweenWords(_ index: Int) -> Bool {
        index > 0 && isLetter(scalars[index - 1]) && (scalar(index + 1).map(isLetter) ?? false)
    }
    private func isBetweenNumbers(_ index: Int) -> Bool {
        index > 0 && isWord(scalars[index - 1]) && (scalar(index + 1).map(isWord) ?? false)
    }

    private func plusOrMinus(_ index: Int) -> Match? {
        let sign = scalars[index],
            isStart = index == 0 || !isWord(scalars[index - 1]) && scalars[index - 1] != sign && scalars[index - 1] != ")"
        if sign == "+", isStart, let telephone = internationalTelephone(index) { return telephone }
        if isStart, let next = scalar(index + 1), let currency = words.money[String(next)], isDigit(scalar(index + 2)),
            let amount = money(index + 2, currency)
        {
            return Match(amount.end, (sign == "+" ? words.plus : words.minus) + gap + amount.spoken)
        }
        if isStart, let number = number(at: index + 1), let said = quantity(number) {
            return Match(said.end, (sign == "+" ? words.plus : words.minus) + gap + said.spoken)
        }
        if sign == "+", isAlone(index) || isBetweenNumbers(index) {
            return Match(index + 1, isAlone(index) ? words.plus : " \(words.plus) ")
        }
        if sign == "−" { return Match(index + 1, isAlone(index) ? words.minus : " \(words.minus) ") }
        return nil
    }

    // MARK: English

    /// 1st, 22nd; in French 1er, 2e.
    func ordinal(_ index: Int) -> Match? {
        guard let run = digits(at: index), let value = Int(run.text), run.text.count < 7 else { return nil }
        if let other = otherOrdinal(value, run.end) { return other }
        if isEnglish, let grouped = number(at: index), grouped.isGrouped, has("th", at: grouped.end), ends(grouped.end + 2),
            let value = grouped.value
        {
            return Match(grouped.end + 2, English.ordinal(value, speller))
        }
        if isEnglish {
            for suffix in ["st", "nd", "rd", "th"] where has(suffix, at: run.end, ignoringCase: true) && ends(run.end + 2) {
                return Match(run.end + 2, English.ordinal(value, speller))
            }
        } else if form.language == "fr" {
            for suffix in ["ère", "ème", "nde", "nd", "er", "re", "e"] where has(suffix, at: run.end) {
                let end = run.end + suffix.unicodeScalars.count
                guard ends(end) else { continue }
                if suffix.hasPrefix("nd") {
                    if value == 2 { return Match(end, suffix == "nd" ? "second" : "seconde") }
                    continue
                }
                return Match(end, Ordinals.french(value, isFeminine: suffix == "re" || suffix == "ère", speller))
            }
        }
        return nil
    }

    /// .5, in languages with a decimal point.
    private func bareFraction(_ index: Int) -> Match? {
        guard words.decimal == ".",
            index == 0 || isSpace(scalars[index - 1]) || "([$€£<>≈~±+-−".unicodeScalars.contains(scalars[index - 1]),
            let run = digits(at: index + 1), scalar(run.end) != ".", ends(run.end)
        else { return nil }
        return quantity(Number(whole: "0", fraction: run.text, end: run.end))
    }

    /// ½.
    func fractionSign(_ index: Int) -> Match? {
        guard let sign = scalar(index), let parts = English.fractions[sign] else { return nil }
        guard isEnglish else {
            let hasWhole = index > 0 && isDigit(scalars[index - 1])
            return Fractions.said(parts.0, parts.1, form.language, speller).map {
                Match(index + 1, hasWhole && words.and.count > 0 ? " \(words.and) \($0)" : $0)
            }
        }
        return Match(index + 1, "\(speller.cardinal(parts.0)) \(English.denominator(parts.1, isOne: parts.0 == 1, speller))")
    }

    func wordly(_ index: Int) -> Match? {
        var end = index
        while end < scalars.count, isLetter(scalars[end]) { end += 1 }
        // Most words have no special meaning.
        guard mayMean(index..<end) else { return nil }
        let word = (text: string(index..<end), end: end)
        if let address = address(index, word) ?? domain(index, word) { return address }
        if let letter = greekLetter(index, word) { return letter }
        if let amount = amountBehindCode(index, word) { return amount }
        if let month = monthAndYear(word) { return month }
        if word.text.utf8.count <= 8, let short = abbreviation(index, word) { return short }
        guard let first = word.text.unicodeScalars.first, first.isASCII, first.properties.isUppercase else { return nil }
        guard isEnglish else { return otherRoman(index, word) }
        if English.monthNames.contains(word.text), let date = monthAndDay(word.text, word.end) { return date }
        if let month = English.shortMonths[word.text], let date = monthAndDay(month, word.end) { return date }
        return romanNumeral(index, word)
    }

    /// R$ 50, US$ 5, CHF 20.
    private func amountBehindCode(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        guard (1...3).contains(word.text.utf8.count), begins(index) else { return nil }
        if scalar(word.end) == "$" {
            let code = Self.dollars[word.text]
            return code.flatMap { form.currency(named: $0) }.flatMap { money(word.end + 1, $0) }
        }
        guard word.text.count == 3 && isSpace(scalar(word.end)) || word.text.count > 1 && isDigit(scalar(word.end)),
            let currency = form.currency(named: word.text)
        else { return nil }
        return money(word.end, currency)
    }

    /// Dollars, by the letters before the sign; real is written in the same way.
    private static let dollars = [
        "R": "BRL", "US": "$", "A": "AUD", "AU": "AUD", "C": "CAD", "CA": "CAD", "HK": "HKD", "NZ": "NZD", "S": "SGD",
    ]

    /// Whether a word may be more than a word: an abbreviation, a numeral, a month's name, the beginning of an address.
    private func mayMean(_ word: Range<Int>) -> Bool {
        guard !word.isEmpty else { return false }
        let first = scalars[word.lowerBound]
        if word.upperBound < scalars.count {
            let next = scalars[word.upperBound]
            if next.isASCII, isDigit(next) || [".", "@", ":", "/", "_", "-", "+"].contains(next) { return true }
        }
        if first.isASCII, (65...90).contains(first.value) || !isEnglish && form.abbreviationStarts.contains(first) { return true }
        return !first.isASCII && (isEnglish ? (0x370...0x3FF).contains(first.value) : true)
    }

    private func abbreviation(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        guard index == 0 || !isWord(scalars[index - 1]) && scalars[index - 1] != "." && scalars[index - 1] != "-" else { return nil }
        if isEnglish { return English.abbreviation(self, index, word) }
        guard let choices = form.abbreviations[word.text] else { return nil }
        for (written, spoken) in choices where has(written, at: index) {
            let end = index + written.unicodeScalars.count
            // "S.5" and "n°3": digits may follow without a space.
            guard ends(end) || written.last?.isLetter == false && isDigit(scalar(end)) else { continue }
            // "s. XIX" is a century, "s. 5" may be a page.
            if written == "s.", self.word(at: skippingSpace(end))?.text.utf8.allSatisfy({ English.romanDigits[$0] != nil }) != true {
                continue
            }
            if written == "godz.", let noun = self.word(before: index).flatMap({ Self.hourNouns[$0.lowercased()] }) {
                return Match(end, noun)
            }
            // A full stop that also ends the sentence is kept.
            return Match(written.hasSuffix(".") && isSentenceEnd(end) && Self.sentenceEnders.contains(written) ? end - 1 : end, spoken)
        }
        return nil
    }

    private static let sentenceEnders: Set<String> = ["usw.", "etc.", "ecc.", "enz."]

    /// Chapter IV, Henry VIII.
    private func romanNumeral(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        let text = word.text
        guard text.utf8.allSatisfy({ English.romanDigits[$0] != nil }), ends(word.end), let before = self.word(before: index),
            let value = English.romanValue(text)
        else { return nil }
        if English.numbered.contains(before.lowercased()) { return Match(word.end, speller.cardinal(value)) }
        if English.regnal.contains(before),
            text != "I" || !isSpace(scalar(word.end)) || scalar(word.end + 1)?.properties.isLowercase == false
        {
            return Match(word.end, "the \(English.ordinal(value, speller))")
        }
        return nil
    }
}
