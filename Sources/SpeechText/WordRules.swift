/// What begins with a sign or a letter.
extension TextScanner {
    func signed(_ index: Int) -> Match? {
        let sign = scalars[index]
        if let currency = words.money[String(sign)] { return money(index + 1, currency) ?? loneCurrency(index, currency) }
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
        case "%" where (form.language == "tr" || form.language == "ar") && isDigit(scalar(index + 1)):
            return number(at: index + 1).map { share in
                let said = decade(index + 1).flatMap { $0.end > share.end ? $0 : nil } ?? Match(share.end, say(share))
                return Match(said.end, "\(words.percent.other) \(said.spoken)")
            }
        case "%": return isAlone(index) ? Match(index + 1, words.percent.uncounted) : nil
        case "°": return isAlone(index) ? Match(index + 1, words.degrees.uncounted) : nil
        case "×": return Match(index + 1, isAlone(index) ? words.times : " \(words.times) ")
        case "™", "®", "©": return Match(index + 1, "")
        case "№": return Match(index + 1, words.number)
        case "±" where isEnglish: return Match(index + 1, isAlone(index) ? "plus or minus" : "plus or minus ")
        case "≈" where isEnglish: return Match(index + 1, isAlone(index) ? "about" : "about ")
        case "§" where isEnglish: return Match(skippingSpace(index + 1), "section ")
        default: return fractionSign(index)
        }
    }

    /// Whether spaces are on both sides.
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
        if isEnglish {
            for suffix in ["st", "nd", "rd", "th"] where has(suffix, at: run.end, ignoringCase: true) && ends(run.end + 2) {
                return Match(run.end + 2, English.ordinal(value, speller))
            }
        } else if form.language == "fr" {
            for suffix in ["ère", "ème", "er", "re", "e"] where has(suffix, at: run.end) {
                let end = run.end + suffix.unicodeScalars.count
                guard ends(end) else { continue }
                return Match(end, Ordinals.french(value, isFeminine: suffix == "re" || suffix == "ère", speller))
            }
        }
        return nil
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
        // Most words of a text are nothing but words.
        guard mayMean(index..<end) else { return nil }
        let word = (text: string(index..<end), end: end)
        if let address = address(index, word) { return address }
        if let letter = greekLetter(index, word) { return letter }
        if let amount = amountBehindCode(index, word) { return amount }
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
            let code = ["R": "BRL", "US": "$"][word.text]
            return code.flatMap { form.currency(named: $0) }.flatMap { money(word.end + 1, $0) }
        }
        guard word.text.count == 3, isSpace(scalar(word.end)), let currency = form.currency(named: word.text) else { return nil }
        return money(word.end, currency)
    }

    /// Whether a word may be more: an abbreviation, a numeral, a month's name, the beginning of an address.
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
            guard ends(end) else { continue }
            if written == "godz.", let noun = self.word(before: index).flatMap({ Self.hourNouns[$0.lowercased()] }) {
                return Match(end, noun)
            }
            // A full stop that ends the sentence as well stays.
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

    // MARK: addresses

    /// https://example.com/a?b=1, www.example.com, name@example.com.
    private func address(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        var start = index
        let isLink =
            (word.text == "http" || word.text == "https") && has("://", at: word.end) || word.text == "www" && scalar(word.end) == "."
        if isLink {
            if word.text != "www" { start = word.end + 3 }
            if has("www.", at: start) { start += 4 }
        } else {
            // Before the sign of a mail address stand letters, digits and a few marks.
            var end = word.end
            while let next = scalar(end), isWord(next) || [".", "_", "-", "+"].contains(next) { end += 1 }
            guard scalar(end) == "@", let next = scalar(end + 1), isWord(next) else { return nil }
        }
        var end = start
        while let next = scalar(end), !next.properties.isWhitespace, !["<", ">", "\"", "”", "“", "|", "，", "。"].contains(next) { end += 1 }
        while end > start, let last = scalar(end - 1), [".", ",", ";", ":", "!", "?", ")", "]", "'", "’"].contains(last) { end -= 1 }
        guard end > start, isLink || string(start..<end).contains(where: { $0 == "." }) else { return nil }
        return Match(end, spelled(start..<end))
    }

    private func spelled(_ range: Range<Int>) -> String {
        var spoken: [String] = [], index = range.lowerBound
        while index < range.upperBound {
            if let run = digits(at: index) {
                spoken.append(run.text.count <= 2 ? speller.number(whole: run.text, fraction: nil) : speller.digits(run.text))
                index = run.end
            } else if let word = word(at: index) {
                spoken.append(word.text)
                index = word.end
            } else {
                if let name = words.marks[scalars[index]] ?? English.marks[scalars[index]] { spoken.append(name) }
                index += 1
            }
        }
        // A slash at the end is not said.
        if spoken.last == words.marks["/"] ?? "slash" { spoken.removeLast() }
        return spoken.joined(separator: " ")
    }
}
