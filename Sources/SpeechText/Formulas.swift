/// Signs of formulas.
extension TextScanner {
    private static let superscripts: [Unicode.Scalar: Int] = [
        "⁰": 0, "¹": 1, "²": 2, "³": 3, "⁴": 4, "⁵": 5, "⁶": 6, "⁷": 7, "⁸": 8, "⁹": 9,
    ]

    /// x², 10⁻³, H₂O, a ≤ b, 3 * 4.
    func formula(_ index: Int) -> Match? {
        let sign = scalars[index]
        if Self.superscripts[sign] != nil || sign == "⁻" { return power(index) }
        if sign == "^" { return caret(index) }
        if (0x2080...0x2089).contains(sign.value) { return subscriptDigits(index) }
        guard let word = words.formulas[sign] else { return nil }
        if sign == "§", scalar(index + 1) == "§" { return Match(index + 2, form.language == "de" ? "Paragrafen" : word) }
        let before = index > 0 ? scalars[index - 1] : " ", after = scalar(index + 1) ?? " "
        if sign.isASCII {
            // Between numbers or letters that stand for them, with spaces.
            guard isSpace(before), isSpace(after), isTerm(endingAt: index - 2), isTerm(beginningAt: index + 2),
                sign != "/" || isDigit(scalar(index + 2))
            else { return nil }
            return Match(index + 1, word)
        }
        let isWide = isWideLanguage
        let isBehindWord = !isWide && (isWord(before) || before == ")"), isBeforeWord = !isWide && (isWord(after) || after == "(")
        return Match(
            index + 1, (isBehindWord ? " " : "") + word + (isBeforeWord || !isWide && "√-−".unicodeScalars.contains(after) ? " " : ""))
    }

    /// >5, <10, ~50: signs right before a number that nothing stands before.
    func comparison(_ index: Int) -> Match? {
        let sign = scalars[index]
        guard index == 0 || isSpace(scalars[index - 1]) || scalars[index - 1] == "(", let next = scalar(index + 1),
            isDigit(next) || next == "." && isDigit(scalar(index + 2)) || words.money[String(next)] != nil && isDigit(scalar(index + 2))
        else { return nil }
        switch sign {
        case "≥" where isEnglish: return Match(index + 1, "at least ")
        case "≤" where isEnglish: return Match(index + 1, "at most ")
        case ">", "<": return words.moreThan.isEmpty ? nil : Match(index + 1, (sign == ">" ? words.moreThan : words.lessThan) + gap)
        case "~":
            guard let about = isEnglish ? "about" : words.formulas["≈"] else { return nil }
            return Match(index + 1, about + gap)
        default: return nil
        }
    }

    /// 10^6, x^2.
    private func caret(_ index: Int) -> Match? {
        guard index > 0, isWord(scalars[index - 1]) || scalars[index - 1] == ")", !words.power.isEmpty || !words.square.isEmpty else {
            return nil
        }
        let isNegative = scalar(index + 1) == "-" || scalar(index + 1) == "−"
        guard let run = digits(at: index + (isNegative ? 2 : 1), most: 6), ends(run.end), let value = Int(run.text) else { return nil }
        return power(of: value, isNegative: isNegative, end: run.end)
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
        return power(of: value, isNegative: isNegative, end: end)
    }

    private func power(of value: Int, isNegative: Bool, end: Int) -> Match? {
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
