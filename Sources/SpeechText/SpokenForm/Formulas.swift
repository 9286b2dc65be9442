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
            // Between numbers or single letters, with spaces.
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

    /// >5, <10, ~50: signs directly before a number, with nothing before the sign.
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

    /// A Greek letter for a quantity, in a text in Latin letters.
    func greekLetter(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        guard ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "pl", "tr"].contains(form.language),
            word.text.unicodeScalars.count == 1, let name = Self.greek[scalars[index]]
        else { return nil }
        return Match(word.end, name)
    }
}

/// Fractions in words.
enum Fractions {
    private static let arabic: [Int: (one: String, many: String)] = [
        2: ("نصف", "أنصاف"), 3: ("ثلث", "أثلاث"), 4: ("ربع", "أرباع"), 5: ("خمس", "أخماس"), 6: ("سدس", "أسداس"), 7: ("سبع", "أسباع"),
        8: ("ثمن", "أثمان"), 9: ("تسع", "أتساع"), 10: ("عشر", "أعشار"),
    ]
    /// From one half on.
    private static let nordic = [
        "sv": ["en halv", "tredjedel", "fjärdedel", "femtedel", "sjättedel", "sjundedel", "åttondel", "niondel", "tiondel"],
        "da": ["en halv", "tredjedel", "fjerdedel", "femtedel", "sjettedel", "syvendedel", "ottendedel", "niendedel", "tiendedel"],
        "no": ["en halv", "tredjedel", "fjerdedel", "femtedel", "sjettedel", "sjuendedel", "åttendedel", "niendedel", "tiendedel"],
    ]

    /// "drei Viertel"; nil if there is no word for it in the language's table.
    static func said(_ a: Int, _ b: Int, _ language: String, _ speller: NumberSpeller) -> String? {
        guard a > 0, b > 1, a < b, b <= 10 || language == "zh" || language == "ja" || language == "ko" else { return nil }
        let isOne = a == 1, number = speller.cardinal(a)
        switch language {
        case "de":
            if b == 2 { return "ein halb" }
            let stem = [3: "Drittel", 4: "Viertel", 5: "Fünftel", 6: "Sechstel", 7: "Siebtel", 8: "Achtel", 9: "Neuntel", 10: "Zehntel"][b]!
            return (isOne ? "ein" : number) + " " + stem
        case "fr":
            let names = [2: "demi", 3: "tiers", 4: "quart"]
            if let name = names[b] { return number + " " + name + (isOne || name.hasSuffix("s") ? "" : "s") }
            return number + " " + Ordinals.french(b, speller) + (isOne ? "" : "s")
        case "es":
            let name = [
                2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno", 10: "décimo",
            ][b]!
            return (isOne ? "un" : number) + " " + name + (isOne ? "" : "s")
        case "pt":
            let name = [2: "meio", 3: "terço", 4: "quarto", 5: "quinto", 6: "sexto", 7: "sétimo", 8: "oitavo", 9: "nono", 10: "décimo"][b]!
            return number + " " + name + (isOne ? "" : "s")
        case "it":
            let name = [
                2: "mezzo", 3: "terzo", 4: "quarto", 5: "quinto", 6: "sesto", 7: "settimo", 8: "ottavo", 9: "nono", 10: "decimo",
            ][b]!
            return (isOne ? "un" : number) + " " + (isOne ? name : name.dropLast() + "i")
        case "nl":
            if b == 2 { return "een half" }
            return (isOne ? "een" : number) + " " + (b == 4 ? "kwart" : Ordinals.dutch(b, speller))
        case "pl":
            let names = [
                2: ("druga", "drugie"), 3: ("trzecia", "trzecie"), 4: ("czwarta", "czwarte"), 5: ("piąta", "piąte"),
                6: ("szósta", "szóste"), 7: ("siódma", "siódme"), 8: ("ósma", "ósme"), 9: ("dziewiąta", "dziewiąte"),
                10: ("dziesiąta", "dziesiąte"),
            ]
            let few = (2...4).contains(a)
            return (isOne ? "jedna" : a == 2 ? "dwie" : number) + " "
                + (isOne ? names[b]!.0 : few ? names[b]!.1 : String(names[b]!.1.dropLast()) + "ych")
        case "ru":
            if b == 2 { return "одна вторая" }
            let stems = [3: "трет", 4: "четвёрт", 5: "пят", 6: "шест", 7: "седьм", 8: "восьм", 9: "девят", 10: "десят"]
            return (isOne ? "одна" : a == 2 ? "две" : number) + " " + stems[b]! + (isOne ? b == 3 ? "ья" : "ая" : b == 3 ? "ьих" : "ых")
        case "zh": return "\(speller.cardinal(b))分之\(number)"
        case "ja": return "\(speller.cardinal(b))分の\(number)"
        case "ko": return "\(speller.cardinal(b))분의 \(number)"
        case "ar":
            return arabic[b].map { isOne ? $0.one : a == 2 ? $0.one + "ان" : (3...10).contains(a) ? "\(number) \($0.many)" : nil } ?? nil
        case "sv", "da", "no":
            guard let names = nordic[language] else { return nil }
            if b == 2 { return names[0] }
            return (isOne ? "en" : number) + " " + names[b - 2] + (isOne ? "" : language == "sv" ? "ar" : "e")
        default: return nil
        }
    }
}
