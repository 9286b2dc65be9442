/// What begins with a digit.
extension TextScanner {
    /// A number as it is written.
    struct Number {
        let whole: String
        let fraction: String?
        let end: Int
        var isGrouped = false

        var value: Int? { fraction == nil ? Int(whole) : nil }
        var isOne: Bool { whole == "1" && fraction == nil }
    }

    /// What is between a number and its unit: nothing in scripts without spaces.
    var gap: String { isWideLanguage ? "" : " " }
    /// Chinese and Japanese, which have no spaces between words.
    var isWideLanguage: Bool { form.language == "zh" || form.language == "ja" }

    func say(_ number: Number) -> String { speller.number(whole: number.whole, fraction: number.fraction) }

    /// Reads digits with the language's marks between them.
    func number(at index: Int) -> Number? {
        guard var (whole, end) = digits(at: index) else { return nil }
        var isGrouped = false
        if whole.count <= 3, let mark = scalar(end), words.thousands.contains(mark), whole != "0" {
            var (grouped, last) = (whole, end)
            while scalar(last) == mark, let group = digits(at: last + 1), group.text.count == 3 {
                (grouped, last) = (grouped + group.text, group.end)
            }
            if last > end, !isDigit(scalar(last)) { (whole, end, isGrouped) = (grouped, last, true) }
        }
        func fraction(_ mark: Unicode.Scalar) -> (text: String, end: Int)? {
            guard scalar(end) == mark, let found = digits(at: end + 1) else { return nil }
            // 1.2.3 is no number.
            return scalar(found.end) == mark && isDigit(scalar(found.end + 1)) ? nil : found
        }
        let other: Unicode.Scalar = words.decimal == "," ? "." : ","
        if let found = fraction(words.decimal) ?? (words.decimal == "," && !isGrouped ? fraction(other) : nil) {
            return Number(whole: whole, fraction: found.text, end: found.end, isGrouped: isGrouped)
        }
        return Number(whole: whole, fraction: nil, end: end, isGrouped: isGrouped)
    }

    func numeric(_ index: Int) -> Match? {
        // Digits in a word, as in A4 and mp3.
        if index > 0, isLetter(scalars[index - 1]), !isWide(scalars[index - 1]), let run = digits(at: index) {
            // v1.0 and v1.2.3.
            if scalar(run.end) == ".", isDigit(scalar(run.end + 1)) {
                return dotted(index) ?? number(at: index).map { Match($0.end, say($0)) }
            }
            return Match(run.end, run.text.count <= 2 ? speller.number(whole: run.text, fraction: nil) : speller.digits(run.text))
        }
        if let when = date(index) ?? ordinalBefore(index) { return when }
        if let start = time(index) { return timeRange(from: start) ?? start }
        if let row = telephone(index) ?? dotted(index) { return row }
        if let counted = decade(index) ?? russianYears(index) ?? ordinal(index) ?? mixed(index) ?? ratio(index) ?? chain(index) ?? range(index) {
            return counted
        }
        return number(at: index).flatMap { quantity($0) }
    }

    /// 10:30–11:45.
    private func timeRange(from start: Match) -> Match? {
        guard let dash = scalar(start.end), dash == "–" || dash == "-", isDigit(scalar(start.end + 1)), let end = time(start.end + 1)
        else { return nil }
        return Match(end.end, start.spoken + gap + words.to + gap + end.spoken)
    }

    /// A number with what it counts.
    func quantity(_ number: Number) -> Match? {
        if let money = money(number) ?? measure(number) { return money }
        if let scaled = scaled(number) { return scaled }
        if let year = year(number) { return Match(number.end, year) }
        if form.language == "zh", scalar(number.end)?.value == 0x5E74, number.whole.count == 4 {
            return Match(number.end, speller.digits(number.whole).filter { $0 != " " })
        }
        if let counted = counter(number) { return counted }
        return Match(number.end, agreed(number))
    }

    /// 24k, 3M.
    private func scaled(_ number: Number) -> Match? {
        guard isEnglish, ends(number.end + 1), let mark = scalar(number.end),
            let name = ["k": "thousand", "K": "thousand", "M": "million"][mark]
        else { return nil }
        return Match(number.end + 1, "\(say(number)) \(name)")
    }

    /// 1.2.3, 192.168.0.1: numbers with dots between.
    private func dotted(_ index: Int) -> Match? {
        var parts: [String] = [], end = index
        while let part = digits(at: end, most: 9) {
            parts.append(part.text)
            end = part.end
            guard scalar(end) == ".", isDigit(scalar(end + 1)) else { break }
            end += 1
        }
        guard parts.count > 2 else { return nil }
        if parts.dropFirst().allSatisfy({ $0.count == 3 }), words.thousands.contains(".") { return nil }
        let point = isEnglish ? parts.count == 4 ? "dot" : "point" : words.marks["."] ?? words.point
        return Match(end, parts.map { speller.number(whole: $0, fraction: nil) }.joined(separator: " \(point) "))
    }

    // MARK: percent, money, measures

    /// 5%, 25 €, 40 °C, 3 km.
    private func measure(_ number: Number) -> Match? {
        let next = skippingSpace(number.end)
        guard let sign = scalar(next) else { return nil }
        switch sign {
        case "%":
            let share = say(number)
            // Chinese and Turkish say it in front.
            switch form.language {
            case "zh": return Match(next + 1, words.percent.other + share)
            case "tr": return Match(next + 1, "\(words.percent.other) \(share)")
            default: return Match(next + 1, counted(number, words.percent))
            }
        case "°":
            let scales: [Unicode.Scalar: String] = ["C": "Celsius", "F": "Fahrenheit"]
            let after = skippingSpace(next + 1)
            if let scale = scalar(after).flatMap({ scales[$0] }), ends(after + 1) {
                let name = words.scales[scale] ?? scale
                if form.language == "zh" { return Match(after + 1, name + say(number) + words.degrees.other) }
                return Match(after + 1, counted(number, words.degrees) + (name.isEmpty ? "" : gap + name))
            }
            return Match(next + 1, counted(number, words.degrees))
        case "‰" where words.permille != nil: return Match(next + 1, say(number) + gap + words.permille!)
        default: break
        }
        guard !words.units.isEmpty, isLetter(sign) || sign == "µ" else { return nil }
        var end = next
        while let letter = scalar(end), isLetter(letter) || letter == "/" || letter == "²" || letter == "³" || letter == "µ",
            end - next < 6
        { end += 1 }
        while end > next {
            let unit = string(next..<end)
            if ends(end), let noun = words.units[unit], next == number.end || unit.count > 1 || isLoneUnit(unit, number, end) {
                // "5 Std. später": the full stop is the abbreviation's, but at the text's end.
                let isShortened =
                    scalar(end) == "." && ["Std", "Min", "Sek"].contains(unit) && isSpace(scalar(end + 1)) && scalar(end + 2) != nil
                return Match(isShortened ? end + 1 : end, counted(number, noun))
            }
            end -= 1
        }
        return nil
    }

    /// Whether a single letter behind a space is a unit: "5 h", but not "5 с половиной" or "2024 г".
    private func isLoneUnit(_ unit: String, _ number: Number, _ end: Int) -> Bool {
        if isEnglish || English.loneUnits.contains(unit) { return English.loneUnits.contains(unit) }
        guard scalar(end) != "'", scalar(end) != "’" else { return false }
        return form.language != "ru" || unit != "с" && (unit != "г" || number.whole.count < 4 && scalar(end) != ".")
    }

    // MARK: ranges, fractions

    /// 10-20-30: three numbers and more with dashes between are no range but a list, as of a score or a part's number.
    private func chain(_ index: Int) -> Match? {
        guard begins(index) else { return nil }
        var parts: [String] = [], end = index, dash: Unicode.Scalar?
        while let part = number(at: end) {
            let isNamed = part.whole.count <= 4 && (part.whole.count == 1 || !part.whole.hasPrefix("0"))
            parts.append(isNamed ? say(part) : speller.digits(part.whole) + (part.fraction.map { " \(words.point) \(speller.digits($0))" } ?? ""))
            end = part.end
            guard let mark = scalar(end), ["-", "–", "‑"].contains(mark), dash ?? mark == mark, isDigit(scalar(end + 1)) else { break }
            (dash, end) = (mark, end + 1)
        }
        guard parts.count > 2, ends(end) else { return nil }
        return Match(end, parts.joined(separator: ["zh": "，", "ja": "、", "ar": "، "][form.language] ?? ", "))
    }

    /// 40–60, 1990–1995, 10-15.
    private func range(_ index: Int) -> Match? {
        guard let first = number(at: index), let dash = scalar(first.end), dash == "–" || dash == "-" || dash == "—",
            isDigit(scalar(first.end + 1)),
            let second = number(at: first.end + 1)
        else { return nil }
        // Nor is a number with zeros before it an end: 2024-0017.
        if second.whole.count > 1, second.whole.hasPrefix("0") { return nil }
        guard let end = quantity(second) else { return nil }
        let beginning = year(first).flatMap { year(second) == nil ? nil : $0 } ?? say(first)
        return Match(end.end, beginning + gap + words.to + gap + end.spoken)
    }

    /// 2½, 2 1/2.
    private func mixed(_ index: Int) -> Match? {
        guard isEnglish, let whole = digits(at: index, most: 4) else { return nil }
        let fraction: Match
        if let sign = fractionSign(whole.end) {
            fraction = sign
        } else {
            guard isSpace(scalar(whole.end)), isDigit(scalar(whole.end + 1)), let found = ratio(whole.end + 1),
                !found.spoken.contains(" over ")
            else { return nil }
            fraction = found
        }
        let part = fraction.spoken.hasPrefix("one ") ? "a" + fraction.spoken.dropFirst(3) : fraction.spoken
        return Match(fraction.end, "\(speller.number(whole: whole.text, fraction: nil)) and \(part)")
    }

    /// 1/2, 3/4, 24/7.
    private func ratio(_ index: Int) -> Match? {
        guard let first = digits(at: index, most: 3), scalar(first.end) == "/" || scalar(first.end) == "\u{2044}",
            let second = digits(at: first.end + 1, most: 3), ends(second.end),
            scalar(second.end) != "/", let a = Int(first.text), let b = Int(second.text)
        else { return nil }
        guard isEnglish else {
            if let said = Fractions.said(a, b, form.language, speller) { return Match(second.end, said) }
            return Match(second.end, "\(speller.cardinal(a)) \(words.over) \(speller.cardinal(b))")
        }
        if a == b, [5, 10, 20, 100].contains(a) { return Match(second.end, "\(speller.cardinal(a)) out of \(speller.cardinal(b))") }
        if (a, b) == (50, 50) { return Match(second.end, "fifty-fifty") }
        if (a, b) == (9, 11) { return Match(second.end, "nine eleven") }
        if (a, b) == (24, 7) { return Match(second.end, "twenty-four seven") }
        guard a > 0, b > 1, a < b, b <= 20 || [25, 32, 50, 64, 100].contains(b) else {
            return Match(second.end, "\(speller.cardinal(a)) over \(speller.cardinal(b))")
        }
        return Match(second.end, "\(speller.cardinal(a)) \(English.denominator(b, isOne: a == 1, speller))")
    }
}
