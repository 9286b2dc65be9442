import Foundation
import Synchronization

/// Text that begins with a digit.
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

    /// The space between a number and its unit; empty in scripts without spaces.
    var gap: String { isWideLanguage ? "" : " " }
    /// Chinese and Japanese, which are written without spaces.
    var isWideLanguage: Bool { form.language == "zh" || form.language == "ja" }

    func say(_ number: Number) -> String { speller.number(whole: number.whole, fraction: number.fraction) }

    /// Reads digits with the language's marks between them.
    func number(at index: Int) -> Number? {
        guard var (whole, end) = digits(at: index) else { return nil }
        var isGrouped = false
        if let lakhs = indianGroups(index, whole, end) {
            (whole, end, isGrouped) = lakhs
        } else if let spaced = spacedGroups(whole, end) {
            (whole, end, isGrouped) = spaced
        } else if whole.count <= 3, let mark = scalar(end), words.thousands.contains(mark), whole != "0" {
            var (grouped, last) = (whole, end)
            while scalar(last) == mark, let group = digits(at: last + 1), group.text.count == 3 {
                (grouped, last) = (grouped + group.text, group.end)
            }
            if last > end, !isDigit(scalar(last)) { (whole, end, isGrouped) = (grouped, last, true) }
        }
        func fraction(_ mark: Unicode.Scalar) -> (text: String, end: Int)? {
            guard scalar(end) == mark, let found = digits(at: end + 1) else { return nil }
            // 1.2.3 is not a number.
            return scalar(found.end) == mark && isDigit(scalar(found.end + 1)) ? nil : found
        }
        let other: Unicode.Scalar = words.decimal == "," ? "." : ","
        if let found = fraction(words.decimal) ?? (words.decimal == "," && !isGrouped ? fraction(other) : nil) {
            return Number(whole: whole, fraction: found.text, end: found.end, isGrouped: isGrouped)
        }
        // 5,– means five and no cents.
        if words.decimal == ",", scalar(end) == ",", let dash = scalar(end + 1), ["-", "–", "—"].contains(dash), ends(end + 2) { end += 2 }
        return Number(whole: whole, fraction: nil, end: end, isGrouped: isGrouped)
    }

    /// 1,00,000: digits in pairs except the last three, in Hindi and after the sign of a rupee.
    private func indianGroups(_ index: Int, _ first: String, _ end: Int) -> (String, Int, Bool)? {
        guard form.language == "hi" || isEnglish && (scalar(index - 1) == "₹" || scalar(index - 2) == "₹"), first.count <= 2, first != "0"
        else { return nil }
        var whole = first, last = end, hasPairs = false
        while scalar(last) == ",", let group = digits(at: last + 1) {
            whole += group.text
            last = group.end
            switch group.text.count {
            case 2: hasPairs = true
            case 3: return hasPairs && !isDigit(scalar(last)) ? (whole, last, true) : nil
            default: return nil
            }
        }
        return nil
    }

    /// 10 000 in languages with another mark for thousands: with a non-breaking space, or if the second group has zeros with which no number begins.
    private func spacedGroups(_ first: String, _ end: Int) -> (String, Int, Bool)? {
        guard first.count <= 3, first != "0", let mark = scalar(end), isSpace(mark), !words.thousands.contains(mark) else { return nil }
        var whole = first, last = end
        while scalar(last) == mark, let group = digits(at: last + 1), group.text.count == 3,
            mark != " " || last > end || group.text == "000"
        {
            whole += group.text
            last = group.end
        }
        return last > end && ends(last) && !(isSpace(scalar(last)) && isDigit(scalar(last + 1))) ? (whole, last, true) : nil
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
        if let counted = decade(index) ?? russianYears(index) ?? ordinal(index) ?? mixed(index) ?? ratio(index) {
            return counted
        }
        if let several = freephone(index) ?? chain(index) ?? range(index) ?? proportion(index) ?? product(index) { return several }
        guard let number = number(at: index), let said = quantity(number) else { return nil }
        if form.language == "tr", let ending = turkishEnding(said) { return ending }
        return said.end > number.end ? quantityRange(from: said) ?? said : said
    }

    /// 10:30–11:45.
    private func timeRange(from start: Match) -> Match? {
        guard let dash = scalar(start.end), dash == "–" || dash == "-", isDigit(scalar(start.end + 1)), let end = time(start.end + 1)
        else { return nil }
        return Match(end.end, joined(start.spoken, end.spoken))
    }

    /// A number with the noun that it counts.
    func quantity(_ number: Number) -> Match? {
        if let money = money(number) ?? measure(number) { return money }
        if let scaled = scaled(number) { return scaled }
        if let year = year(number) { return Match(number.end, year) }
        if form.language == "zh", scalar(number.end)?.value == 0x5E74, number.whole.count == 4 {
            return Match(number.end, speller.digits(number.whole).filter { $0 != " " })
        }
        if let counted = counter(number) { return counted }
        let said = agreed(number)
        // "un'amica" is one word.
        return Match(said.hasSuffix("'") ? number.end + 1 : number.end, said)
    }

    /// "5 kg'lık": the ending of the unit.
    private func turkishEnding(_ said: Match) -> Match? {
        guard scalar(said.end) == "'" || scalar(said.end) == "’", let ending = word(at: said.end + 1), ending.text.count <= 6 else {
            return nil
        }
        return Match(ending.end, said.spoken + ending.text)
    }

    /// 24k, 3M, 10x.
    private func scaled(_ number: Number) -> Match? {
        guard isEnglish, ends(number.end + 1), let mark = scalar(number.end),
            let name = ["k": "thousand", "K": "thousand", "M": "million", "x": "times"][mark]
        else { return nil }
        if mark == "x", !isTimes(number.end + 1) { return nil }
        return Match(number.end + 1, "\(say(number)) \(name)")
    }

    /// Whether "10x" is a multiple, before a word or at the end: in "2x + 3" and "2x y" x is a variable.
    private func isTimes(_ end: Int) -> Bool {
        guard let next = scalar(end) else { return true }
        guard isSpace(next) else { return [".", ",", ";", "!", "?", ")"].contains(next) }
        return word(at: end + 1).map { $0.text.count > 1 } ?? false
    }

    /// 1.2.3, 192.168.0.1: numbers separated by dots.
    private func dotted(_ index: Int) -> Match? {
        var parts: [String] = [], end = index
        while let part = digits(at: end, most: 9) {
            parts.append(part.text)
            end = part.end
            guard scalar(end) == ".", isDigit(scalar(end + 1)) else { break }
            end += 1
        }
        guard parts.count > 2 || parts.count == 2 && words.decimal == "," && isVersion(index) else { return nil }
        if parts.dropFirst().allSatisfy({ $0.count == 3 }), words.thousands.contains(".") { return nil }
        let point = isEnglish ? parts.count == 4 ? "dot" : "point" : words.marks["."] ?? words.point
        return Match(end, parts.map { speller.number(whole: $0, fraction: nil) }.joined(separator: " \(point) "))
    }

    /// Whether a word such as "version" precedes; versions are written with full stops in every language.
    private func isVersion(_ index: Int) -> Bool {
        guard let before = word(before: index)?.lowercased() else { return false }
        return ["version", "versión", "versione", "versão", "versie", "wersja", "wersji", "версия", "версии", "sürüm"].contains(before)
    }

    // MARK: percent, money, measures

    /// 5%, 25 €, 40 °C, 3 km.
    private func measure(_ number: Number) -> Match? {
        let next = skippingSpace(number.end)
        guard let sign = scalar(next) else { return nil }
        switch sign {
        case "%":
            let share = say(number)
            // In Chinese and Turkish the word comes first.
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
        case "℃", "℉":
            let name = words.scales[sign == "℃" ? "Celsius" : "Fahrenheit"] ?? (sign == "℃" ? "Celsius" : "Fahrenheit")
            if form.language == "zh" { return Match(next + 1, name + say(number) + words.degrees.other) }
            return Match(next + 1, counted(number, words.degrees) + (name.isEmpty ? "" : gap + name))
        case "‰" where words.permille != nil: return Match(next + 1, say(number) + gap + words.permille!)
        default: break
        }
        if isEnglish, sign == "'" || sign == "′" || sign == "’", let feet = feetAndInches(number, next) { return feet }
        guard !words.units.isEmpty, isLetter(sign) || sign == "µ" else { return nil }
        var end = next
        while let letter = scalar(end), isLetter(letter) || letter == "/" || letter == "²" || letter == "³" || letter == "µ",
            end - next < 6
        { end += 1 }
        while end > next {
            let unit = string(next..<end)
            if ends(end), let noun = words.units[unit], next == number.end || unit.count > 1 || isLoneUnit(unit, number, end) {
                // "5 Std. später": the full stop belongs to the abbreviation, except at the end of the text.
                let isShortened =
                    scalar(end) == "." && ["Std", "Min", "Sek"].contains(unit) && isSpace(scalar(end + 1)) && scalar(end + 2) != nil
                return Match(isShortened ? end + 1 : end, counted(number, noun))
            }
            end -= 1
        }
        return nil
    }

    /// 5'10", 6′ 2″.
    private func feetAndInches(_ number: Number, _ mark: Int) -> Match? {
        guard number.end == mark, number.fraction == nil, let inches = self.number(at: skippingSpace(mark + 1)), inches.whole.count <= 2,
            let end = scalar(inches.end), ["\"", "″", "”"].contains(end)
        else { return nil }
        return Match(inches.end + 1, "\(say(number)) \(number.isOne ? "foot" : "feet") \(say(inches)) \(inches.isOne ? "inch" : "inches")")
    }

    /// Whether a single letter after a space is a unit: "5 h", but not "5 с половиной" or "2024 г".
    private func isLoneUnit(_ unit: String, _ number: Number, _ end: Int) -> Bool {
        if isEnglish || English.loneUnits.contains(unit) { return English.loneUnits.contains(unit) }
        guard scalar(end) != "'", scalar(end) != "’" else { return false }
        return form.language != "ru" || unit != "с" && (unit != "г" || number.whole.count < 4 && scalar(end) != ".")
    }

    // MARK: fractions

    /// 2½, 2 1/2.
    private func mixed(_ index: Int) -> Match? {
        guard let whole = digits(at: index, most: 4) else { return nil }
        if !isEnglish { return otherMixed(whole) }
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

    /// 3 1/2 spoken like 3½.
    private func otherMixed(_ whole: (text: String, end: Int)) -> Match? {
        guard !isWideLanguage, isSpace(scalar(whole.end)), let first = digits(at: whole.end + 1, most: 2), scalar(first.end) == "/",
            let second = digits(at: first.end + 1, most: 2), ends(second.end), scalar(second.end) != "/", let a = Int(first.text),
            let b = Int(second.text), let part = Fractions.said(a, b, form.language, speller)
        else { return nil }
        let joint = words.and.isEmpty ? " " : " \(words.and) "
        return Match(second.end, speller.number(whole: whole.text, fraction: nil) + joint + part)
    }

    /// 1/2, 3/4, 24/7.
    private func ratio(_ index: Int) -> Match? {
        guard index == 0 || scalars[index - 1] != "/", let first = digits(at: index, most: 3),
            scalar(first.end) == "/" || scalar(first.end) == "\u{2044}",
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

/// Numbers in words, in one language.
///
/// The words are those of Unicode's spell-out rules (CLDR's rule-based number formats), which ICU computes.
public final class NumberSpeller: Sendable {
    /// An ISO 639-1 code such as `en`.
    public let language: String
    private let formatter: Mutex<NumberFormatter>
    /// Numbers that have been spelled before: many occur repeatedly in a text.
    private let said = Mutex<[Int: String]>([:])

    public init(language: String) {
        self.language = language
        let formatter = NumberFormatter()
        formatter.locale = Locale(identifier: language)
        formatter.numberStyle = .spellOut
        self.formatter = Mutex(formatter)
    }

    /// A whole number in words, such as "one thousand two hundred thirty-four".
    public func cardinal(_ number: Int) -> String {
        if let known = said.withLock({ $0[number] }) { return known }
        let spelled = spell(NSNumber(value: number))
        said.withLock { if $0.count < 4096 { $0[number] = spelled } }
        return spelled
    }

    /// Digits one by one, such as "zero zero seven".
    public func digits(_ digits: some StringProtocol) -> String {
        digits.compactMap(\.wholeNumberValue).map { cardinal($0) }.joined(separator: " ")
    }

    /// A number written with digits and possibly a decimal point; a number that is too long to have a name is spoken digit by digit.
    ///
    /// - Parameters:
    ///   - whole: the digits before the point.
    ///   - fraction: the digits after it; nil if there is no point.
    public func number(whole: String, fraction: String?) -> String {
        let isNamed = whole.count <= 15 && (whole.count == 1 || !whole.hasPrefix("0")) && !whole.isEmpty
        let beginning = isNamed ? Int(whole).map(cardinal) ?? digits(whole) : whole.isEmpty ? cardinal(0) : digits(whole)
        guard let fraction else { return beginning }
        if language == "ru", fraction.count <= 3, isNamed, let value = Decimal(string: "\(whole).\(fraction)") {
            // Numbers below one also begin with "ноль целых".
            return (whole == "0" ? "ноль целых " : "") + spell(value as NSDecimalNumber)
        }
        let point = LanguageWords.of(language).point
        if language == "zh" || language == "ja" { return beginning + point + digits(fraction).filter { $0 != " " } }
        return "\(beginning) \(point) \(digits(fraction))"
    }

    /// Corrections where ICU's rules differ from usage: Arabic hundreds are one word, and the Arabic word for two thousand is in the nominative like
    /// the rest; Chinese models have rarely been trained with 〇.
    private static let corrections = written.mapValues { $0.map { (Array($0.0.unicodeScalars), Array($0.1.unicodeScalars)) } }
    private static let written: [String: [(String, String)]] = [
        "zh": [("〇", "零")], "ja": [("〇", "零")], "ko": [("공", "영")], "ru": [("одна целый", "одна целая")],
        "el": [("χίλιάδες", "χιλιάδες")],
        "ar": [
            ("ثلاثة مائة", "ثلاثمائة"), ("أربعة مائة", "أربعمائة"), ("خمسة مائة", "خمسمائة"), ("ستة مائة", "ستمائة"),
            ("سبعة مائة", "سبعمائة"), ("ثمانية مائة", "ثمانمائة"), ("تسعة مائة", "تسعمائة"), ("إثنان مليون", "مليونان"),
            ("إحدى عشر", "أحد عشر"), ("ألفين", "ألفان"),
        ],
    ]

    private func spell(_ number: NSNumber) -> String {
        // ICU inserts soft hyphens into long words.
        let spelled = formatter.withLock { $0.string(from: number) } ?? "\(number)"
        var scalars = spelled.unicodeScalars.filter { $0 != "\u{AD}" }.map(\.self)
        for (found, replacement) in Self.corrections[language] ?? [] { scalars.replaceEach(found, with: replacement) }
        return String(scalars: scalars)
    }
}
