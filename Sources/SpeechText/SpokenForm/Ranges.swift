/// Numbers joined by a dash or another sign.
extension TextScanner {
    /// 10-20-30: three or more numbers joined by dashes are not a range but a list, such as a score or a part number.
    func chain(_ index: Int) -> Match? {
        guard begins(index) else { return nil }
        var parts: [String] = [], end = index, dash: Unicode.Scalar?
        while let part = number(at: end) {
            let isNamed = part.whole.count <= 4 && (part.whole.count == 1 || !part.whole.hasPrefix("0"))
            parts.append(
                isNamed ? say(part) : speller.digits(part.whole) + (part.fraction.map { " \(words.point) \(speller.digits($0))" } ?? ""))
            end = part.end
            guard let mark = scalar(end), ["-", "–", "‑"].contains(mark), dash ?? mark == mark, isDigit(scalar(end + 1)) else { break }
            (dash, end) = (mark, end + 1)
        }
        guard parts.count > 2, ends(end) else { return nil }
        return Match(end, parts.joined(separator: ["zh": "，", "ja": "、", "ar": "، "][form.language] ?? ", "))
    }

    private static let dashes: Set<Unicode.Scalar> = ["–", "-", "—", "‑", "~", "〜"]

    /// Two ends joined by "to"; in Korean the word is a particle.
    func joined(_ start: String, _ end: String) -> String {
        form.language == "ko" ? "\(start)\(words.to) \(end)" : start + gap + words.to + gap + end
    }

    /// 40–60, 1990–1995, 10-15, 3~5, 10–12 a.m.
    func range(_ index: Int) -> Match? {
        guard let first = number(at: index), let dash = scalar(first.end), Self.dashes.contains(dash), isDigit(scalar(first.end + 1)),
            let second = number(at: first.end + 1)
        else { return nil }
        // A number with leading zeros is not an end of a range: 2024-0017.
        if second.whole.count > 1, second.whole.hasPrefix("0") { return shortYears(first, second) }
        if isEnglish, first.value.map({ $0 <= 12 }) == true, halfOfDay(second.end) != nil, let end = time(first.end + 1) {
            return Match(end.end, "\(say(first)) \(words.to) \(end.spoken)")
        }
        if let years = shortYears(first, second) { return years }
        guard let end = quantity(second) else { return nil }
        let beginning = year(first).flatMap { year(second) == nil ? nil : $0 } ?? say(first)
        return Match(end.end, joined(beginning, end.spoken))
    }

    /// 1960–65, 1998-02: a year without its century.
    private func shortYears(_ first: Number, _ second: Number) -> Match? {
        guard let from = year(first), second.whole.count == 2, second.fraction == nil, ends(second.end), let value = second.value,
            let begin = first.value, value != begin % 100
        else { return nil }
        let isLaterCentury = value < begin % 100
        // 1998-02 may be a month; a number that counts a noun is not a year.
        guard !isLaterCentury || value > 12, quantity(second)?.end == second.end else { return nil }
        let end = isEnglish && second.whole.hasPrefix("0") ? "oh \(speller.cardinal(value))" : speller.cardinal(value)
        return Match(second.end, joined(from, end))
    }

    /// 20%–30%, 5kg-10kg: a second quantity after a dash.
    func quantityRange(from start: Match) -> Match? {
        guard let dash = scalar(start.end), Self.dashes.contains(dash), isDigit(scalar(start.end + 1)),
            let second = number(at: start.end + 1),
            let end = quantity(second), end.end > second.end, ends(end.end)
        else { return nil }
        return Match(end.end, joined(start.spoken, end.spoken))
    }

    /// $5–$10, $5-10, $5-10 million.
    func moneyRange(_ index: Int, _ currency: Currency, from start: Match) -> Match? {
        guard let dash = scalar(start.end), Self.dashes.contains(dash), let first = number(at: skippingSpace(index)),
            let next = scalar(start.end + 1)
        else { return nil }
        let otherCurrency = words.money[String(next)], second = otherCurrency == nil ? start.end + 1 : start.end + 2
        guard isDigit(scalar(second)), let end = money(second, otherCurrency ?? currency), scalar(end.end) != "-" else { return nil }
        // The currency of both numbers is spoken once.
        let beginning = otherCurrency == nil && first.end == start.end ? say(first) : start.spoken
        return Match(end.end, joined(beginning, end.spoken))
    }

    /// 16:9, 3 : 2: two numbers with a colon that are not a time.
    func proportion(_ index: Int) -> Match? {
        guard let joint = Self.proportions[form.language], begins(index) || isWide(scalars[index - 1]),
            let first = digits(at: index, most: 6)
        else { return nil }
        let colon = skippingSpace(first.end), next = skippingSpace(colon + 1)
        guard scalar(colon) == ":", (colon > first.end) == (next > colon + 1), scalar(index - 1) != ":",
            let second = digits(at: next, most: 6),
            ends(second.end) || isWide(scalars[second.end]), scalar(second.end) != ":", !first.text.hasPrefix("0"),
            !second.text.hasPrefix("0")
        else { return nil }
        return Match(second.end, [first.text, second.text].map { speller.number(whole: $0, fraction: nil) }.joined(separator: joint))
    }

    private static let proportions = [
        "en": " to ", "de": " zu ", "es": " a ", "it": " a ", "nl": " tegen ", "pl": " do ", "zh": "比", "ja": "対", "ko": " 대 ",
    ]

    /// 4x4, 1920×1080, 5 x 3: sizes and products.
    func product(_ index: Int) -> Match? {
        guard begins(index), let first = number(at: index) else { return nil }
        let sign = skippingSpace(first.end), next = skippingSpace(sign + 1)
        guard scalar(sign) == "x", (sign > first.end) == (next > sign + 1), isDigit(scalar(next)), let second = number(at: next),
            first.whole != "0" || first.fraction != nil
        else { return nil }
        // What follows is read in the same way: 10 x 20 x 30 cm.
        guard let rest = product(after: next) ?? quantity(second) else { return nil }
        return Match(rest.end, say(first) + gap + (isEnglish ? "by" : words.times) + gap + rest.spoken)
    }

    private func product(after index: Int) -> Match? { begins(index) ? product(index) : nil }
}
