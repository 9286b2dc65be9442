/// Numbers that are said otherwise before what they count, and signs of formulas.
extension TextScanner {
    /// 2个, 3개, 6월: Chinese and Korean numbers before their counters; years of Russian and Polish.
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
            // Written next to it, a year, month or day is one word with its number.
            for unit in ["년대", "년", "월", "일", "분", "초", "원", "층", "도"] where has(unit, at: number.end) {
                let irregular = unit == "월" ? [6: "유", 10: "시"] : [:]
                return Match(number.end + unit.unicodeScalars.count, (irregular[value] ?? say(number)) + unit)
            }
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

    /// Korea's own numbers, as they stand before a counter.
    static func native(_ value: Int) -> String {
        let ones = ["", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"], tens = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
        return value == 20 ? "스무" : tens[value / 10] + ones[value % 10]
    }

    // MARK: formulas

    private static let superscripts: [Unicode.Scalar: Int] = [
        "⁰": 0, "¹": 1, "²": 2, "³": 3, "⁴": 4, "⁵": 5, "⁶": 6, "⁷": 7, "⁸": 8, "⁹": 9,
    ]

    /// x², 10⁻³, H₂O, a ≤ b, 3 * 4.
    func formula(_ index: Int) -> Match? {
        let sign = scalars[index]
        if Self.superscripts[sign] != nil || sign == "⁻" { return power(index) }
        if (0x2080...0x2089).contains(sign.value) { return subscriptDigits(index) }
        guard let word = words.formulas[sign] else { return nil }
        let before = index > 0 ? scalars[index - 1] : " ", after = scalar(index + 1) ?? " "
        if sign.isASCII {
            // Between numbers or letters that stand for them, with spaces.
            guard isSpace(before), isSpace(after), isTerm(endingAt: index - 2), isTerm(beginningAt: index + 2),
                sign != "/" || isDigit(scalar(index + 2))
            else { return nil }
            return Match(index + 1, word)
        }
        let isWide = isWideLanguage
        return Match(index + 1, (isWide || isSpace(before) ? "" : " ") + word + (isWide || isSpace(after) ? "" : " "))
    }

    /// A number or a single letter.
    private func isTerm(endingAt index: Int) -> Bool {
        guard let scalar = scalar(index), isWord(scalar) else { return false }
        return isDigit(scalar) || index == 0 || !isWord(scalars[index - 1])
    }
    private func isTerm(beginningAt index: Int) -> Bool {
        guard let scalar = scalar(index), isWord(scalar) else { return false }
        return isDigit(scalar) || ends(index + 1)
    }

    private func power(_ index: Int) -> Match? {
        guard index > 0, isWord(scalars[index - 1]) || scalars[index - 1] == ")", !words.power.isEmpty || !words.square.isEmpty else {
            return nil
        }
        var end = index, value = 0
        let isNegative = scalars[index] == "⁻"
        if isNegative { end += 1 }
        while let digit = scalar(end).flatMap({ Self.superscripts[$0] }), end - index < 6 { (value, end) = (10 * value + digit, end + 1) }
        guard end > index + (isNegative ? 1 : 0) else { return nil }
        let gap = form.language == "ko" ? "" : gap
        if !isNegative, value == 2, !words.square.isEmpty { return Match(end, gap + words.square) }
        if !isNegative, value == 3, !words.cube.isEmpty { return Match(end, gap + words.cube) }
        guard !words.power.isEmpty else { return nil }
        return Match(end, " \(words.power) \(isNegative ? words.minus + " " : "")\(speller.cardinal(value))")
    }

    private func subscriptDigits(_ index: Int) -> Match? {
        var end = index, digits = ""
        while let scalar = scalar(end), (0x2080...0x2089).contains(scalar.value) {
            (digits, end) = (digits + String(scalar.value - 0x2080), end + 1)
        }
        return Match(end, speller.number(whole: digits, fraction: nil))
    }

    private static let greek: [Unicode.Scalar: String] = [
        "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta", "κ": "kappa",
        "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
        "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Δ": "delta", "Ω": "omega",
        "Σ": "sigma", "Φ": "phi", "Ψ": "psi", "Θ": "theta", "Λ": "lambda", "Γ": "gamma", "Π": "pi",
    ]

    /// A Greek letter that stands for a quantity in a text of Latin letters.
    func greekLetter(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        guard ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "pl", "tr"].contains(form.language),
            word.text.unicodeScalars.count == 1, let name = Self.greek[scalars[index]]
        else { return nil }
        return Match(word.end, name)
    }
}
