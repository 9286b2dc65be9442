/// Dates and years.
extension TextScanner {
    /// A year in words, if the number is read as a year; nil if it is not, or if years are read like any number.
    func year(_ number: Number) -> String? {
        guard number.whole.count == 4, !number.isGrouped, let value = number.value, (1010...2099).contains(value),
            value % 100 > 9 || value >= 1100
        else { return nil }
        let (century, rest) = value.quotientAndRemainder(dividingBy: 100)
        switch form.language {
        case "en":
            if (2000...2009).contains(value) { return speller.cardinal(value) }
            if rest == 0 { return "\(speller.cardinal(century)) hundred" }
            return "\(speller.cardinal(century)) \(rest < 10 ? "oh " : "")\(speller.cardinal(rest))"
        case "de" where value < 2000:
            return speller.cardinal(century) + "hundert" + (rest == 0 ? "" : speller.cardinal(rest))
        case "sv" where value < 2000 && value >= 1100:
            return speller.cardinal(century) + "hundra" + (rest == 0 ? "" : speller.cardinal(rest))
        case "da" where value < 2000 && value >= 1100:
            return rest == 0 ? speller.cardinal(century) + "hundrede" : "\(speller.cardinal(century)) hundrede og \(speller.cardinal(rest))"
        case "no" where value < 2000 && value >= 1100:
            if rest == 0 { return speller.cardinal(century) + "hundre" }
            return speller.cardinal(century) + (rest < 10 ? " hundre og " : " ") + speller.cardinal(rest)
        case "hi" where value < 2000 && value >= 1100:
            return "\(speller.cardinal(century)) सौ" + (rest == 0 ? "" : " " + speller.cardinal(rest))
        case "nl" where value < 2000:
            return speller.cardinal(century) + "honderd" + (rest == 0 ? "" : speller.cardinal(rest))
        default: return nil
        }
    }

    private func sayYear(_ digits: String) -> String {
        if form.language == "zh" { return speller.digits(digits).filter { $0 != " " } }
        if form.language == "pl", let value = Int(digits), let said = Ordinals.polish(value, .genitive, speller) { return said }
        if form.language == "ru", let value = Int(digits), let said = Ordinals.russian(value, .genitive, speller) { return said }
        let number = Number(whole: digits, fraction: nil, end: 0)
        return year(number) ?? say(number)
    }

    // MARK: dates

    /// 2024-03-15, 15.3.2024, 3/15/2024, and a day before a month's name.
    func date(_ index: Int) -> Match? {
        guard begins(index), let first = digits(at: index, most: 4) else { return nil }
        let months = words.months
        guard !months.isEmpty else { return nil }
        let ending = form.language == "de" ? Self.dayEndings[word(before: index)?.lowercased() ?? ""] ?? "er" : ""
        if let short = germanDayAndMonth(index, first, ending) { return short }
        guard let mark = scalar(first.end), ["-", ".", "/"].contains(mark), let second = digits(at: first.end + 1, most: 2),
            scalar(second.end) == mark,
            let third = digits(at: second.end + 1, most: 4), ends(third.end) || scalar(third.end) == "T"
        else { return day(first.text, first.end, ending) }
        let (a, b, c) = (Int(first.text)!, Int(second.text)!, Int(third.text)!)
        if first.text.count == 4, third.text.count <= 2, mark != ".", (1...12).contains(b), (1...31).contains(c) {
            let said = date(day: c, month: months[b - 1], year: first.text, ending: ending)
            return timeOfDate(third.end).map { Match($0.end, said + gap + $0.spoken) } ?? Match(third.end, said)
        }
        guard first.text.count <= 2, third.text.count == 4, mark != "-" || !isEnglish else { return nil }
        // American dates have the month first.
        let isMonthFirst = isEnglish && mark == "/" && a <= 12
        let (day, month) = isMonthFirst ? (b, a) : (a, b)
        guard (1...31).contains(day), (1...12).contains(month) else { return nil }
        return Match(third.end, date(day: day, month: months[month - 1], year: third.text, ending: ending))
    }

    /// T23:59:59Z after a date, as computers write it: hour and minute are spoken.
    private func timeOfDate(_ mark: Int) -> Match? {
        guard scalar(mark) == "T", isDigit(scalar(mark + 1)), let hours = digits(at: mark + 1, most: 2), scalar(hours.end) == ":",
            let minutes = digits(at: hours.end + 1, most: 2), let said = timeOfDay(hours.text, minutes.text)
        else { return nil }
        var end = minutes.end
        if scalar(end) == ":", let seconds = digits(at: end + 1, most: 2) { end = seconds.end }
        if scalar(end) == ".", let part = digits(at: end + 1) { end = part.end }
        if scalar(end) == "Z" {
            end += 1
        } else if scalar(end) == "+" || scalar(end) == "-", let offset = digits(at: end + 1, most: 2), scalar(offset.end) == ":",
            let minutes = digits(at: offset.end + 1, most: 2)
        {
            end = minutes.end
        }
        return ends(end) ? Match(end, said) : nil
    }

    /// An hour and a minute in the language's form of a time.
    private func timeOfDay(_ hours: String, _ minutes: String) -> String? {
        TextScanner("\(hours):\(minutes)", form).time(0)?.spoken
    }

    /// 24.12. and "am 3.5." in German; the second full stop may also end the sentence. "Version 1.5." is not a date.
    private func germanDayAndMonth(_ index: Int, _ day: (text: String, end: Int), _ ending: String) -> Match? {
        guard form.language == "de", scalar(day.end) == ".", let month = digits(at: day.end + 1, most: 2), scalar(month.end) == ".",
            !isDigit(scalar(month.end + 1)), let value = Int(day.text), let number = Int(month.text), (1...31).contains(value),
            (1...12).contains(number)
        else { return nil }
        let isDate = Self.dayEndings[word(before: index)?.lowercased() ?? ""] != nil || month.end - index == 5
        guard isDate else { return nil }
        let end = isSentenceEnd(month.end + 1) ? month.end : month.end + 1
        return Match(end, date(day: value, month: words.months[number - 1], year: nil, ending: ending))
    }

    /// 3 March 2024, 3. Oktober 1990, 1er mai.
    private func day(_ digits: String, _ end: Int, _ ending: String) -> Match? {
        guard let day = Int(digits), (1...31).contains(day) else { return nil }
        var next = end
        for suffix in ["st", "nd", "rd", "th", "er", "º", ".", " de", " di"] where has(suffix, at: next) {
            next += suffix.unicodeScalars.count
            break
        }
        guard isSpace(scalar(next)), let month = word(at: next + 1), ends(month.end) else { return nil }
        var name = month.text, nameEnd = month.end
        if let full = shortMonth(month) { (name, nameEnd) = full }
        guard isEnglish ? English.monthNames.contains(name) : form.months.contains(name.lowercased()) else { return nil }
        var year: String?, last = nameEnd
        for joint in ["", ",", " de"] where has(joint, at: nameEnd) {
            let start = nameEnd + joint.unicodeScalars.count
            if isSpace(scalar(start)), let found = self.digits(at: start + 1), found.text.count == 4, ends(found.end),
                ![":", "-", "/"].contains(scalar(found.end)) || !isDigit(scalar(found.end + 1))
            {
                (year, last) = (found.text, found.end)
            }
        }
        if year != nil, let noun = ["pl": " roku", "ru": " года"][form.language], !has(noun, at: last) {
            let short = form.language == "pl" ? " r." : " г.", stop = last + 3
            let end = has(short, at: last) ? isSentenceEnd(stop) ? stop - 1 : stop : last
            return Match(end, date(day: day, month: name, year: year, isDayFirst: true, ending: ending) + noun)
        }
        guard !isEnglish || last > end else { return nil }
        return Match(last, date(day: day, month: name, year: year, isDayFirst: true, ending: ending))
    }

    /// An abbreviated month with its full stop, unless that also ends the sentence. Without a full stop it is a month only before a year, except in
    /// English, where these abbreviations mean nothing else.
    private func shortMonth(_ word: (text: String, end: Int)) -> (name: String, end: Int)? {
        guard let number = Days.shortMonths[form.language]?[word.text.lowercased()],
            word.text.lowercased() != words.months[number].lowercased()
        else { return nil }
        if isEnglish, word.text.first?.isUppercase != true { return nil }
        let hasStop = scalar(word.end) == "."
        let end = hasStop && !isSentenceEnd(word.end + 1) ? word.end + 1 : word.end
        guard hasStop || isEnglish || isSpace(scalar(end)) && digits(at: end + 1).map({ $0.text.count == 4 && ends($0.end) }) == true else {
            return nil
        }
        return (words.months[number], end)
    }

    /// "Dec. 2023", "Okt. 1990": an abbreviated month before a year.
    func monthAndYear(_ word: (text: String, end: Int)) -> Match? {
        // In Slavic languages a month without a day is in another case than the known form after a day.
        guard form.language != "ru", form.language != "pl", let month = shortMonth(word), isSpace(scalar(month.end)),
            let year = digits(at: month.end + 1), year.text.count == 4, ends(year.end)
        else { return nil }
        let joint = ["es", "pt"].contains(form.language) ? " de " : " "
        return Match(year.end, month.name + joint + sayYear(year.text))
    }

    /// March 15, 2024; called at the month's name.
    func monthAndDay(_ month: String, _ end: Int) -> Match? {
        var next = end
        if scalar(next) == "." { next += 1 }
        guard isSpace(scalar(next)), let day = digits(at: next + 1, most: 2), let value = Int(day.text), (1...31).contains(value),
            !isDigit(scalar(day.end))
        else { return nil }
        var last = day.end
        for suffix in ["st", "nd", "rd", "th"] where has(suffix, at: last) {
            last += 2
            break
        }
        guard ends(last), scalar(last) != ":" else { return nil }
        var spoken = "\(month) \(English.ordinal(value, speller))"
        // March 1–3, 2024.
        if scalar(last) == "–" || scalar(last) == "-", let until = digits(at: last + 1, most: 2), let day = Int(until.text), value < day,
            day <= 31
        {
            var end = until.end
            for suffix in ["st", "nd", "rd", "th"] where has(suffix, at: end) {
                end += 2
                break
            }
            if ends(end) { (spoken, last) = (spoken + " to \(English.ordinal(day, speller))", end) }
        }
        let start = scalar(last) == "," ? last + 1 : last
        if isSpace(scalar(start)), let year = digits(at: start + 1), year.text.count == 4, ends(year.end),
            scalar(year.end) != "," || !isDigit(scalar(year.end + 1))
        {
            spoken += ", \(sayYear(year.text))"
            last = year.end
        }
        return Match(last, spoken)
    }

    private func date(day: Int, month: String, year: String?, isDayFirst: Bool = false, ending: String) -> String {
        let year = year.map(sayYear)
        if isEnglish {
            let ordinal = English.ordinal(day, speller)
            return isDayFirst
                ? "the \(ordinal) of \(month)" + (year.map { " " + $0 } ?? "") : "\(month) \(ordinal)" + (year.map { ", " + $0 } ?? "")
        }
        let said =
            switch form.language {
            case "de": germanDay(day, ending)
            case "pl": Ordinals.polish(day, .genitive, speller) ?? speller.cardinal(day)
            case "ru": Ordinals.russian(day, .genitive, speller) ?? speller.cardinal(day)
            case "sv", "da", "no": Ordinals.nordicDay(day, form.language) ?? speller.cardinal(day)
            case "fi", "el", "he": Days.said(day, form.language, speller) ?? speller.cardinal(day)
            default: day == 1 ? words.firstDay ?? speller.cardinal(day) : speller.cardinal(day)
            }
        let date = words.date.replacing("%d", with: said).replacing("%m", with: month)
        if let year {
            let said = date.replacing("%y", with: year)
            return isDayFirst ? said : said + (["pl": " roku", "ru": " года"][form.language] ?? "")
        }
        // Without a year, the words before it are left out too.
        let beginning = date.prefix { $0 != "%" }
        return String(beginning.hasSuffix(" de ") ? beginning.dropLast(4) : beginning.dropLast(beginning.hasSuffix(" ") ? 1 : 0))
    }

    /// German words before a day, and the ending of the day after them; in other contexts it ends in -er.
    private static let dayEndings = [
        "am": "en", "vom": "en", "zum": "en", "dem": "en", "den": "en", "des": "en", "im": "en", "seit": "en", "ab": "en",
        "nach": "en", "vor": "en", "bis": "en", "der": "e", "dieser": "e",
    ]

    /// "dritter", after an article "dritte", after a preposition "dritten".
    private func germanDay(_ day: Int, _ ending: String) -> String {
        let irregular = [1: "erst", 3: "dritt", 7: "siebt", 8: "acht"]
        return (irregular[day] ?? speller.cardinal(day) + (day < 20 ? "t" : "st")) + ending
    }

    /// Whether the text ends here, or a capital follows.
    func isSentenceEnd(_ index: Int) -> Bool {
        guard let next = scalar(index) else { return true }
        guard next.properties.isWhitespace else { return false }
        guard let after = scalar(index + 1) else { return true }
        return after.properties.isUppercase || after.properties.isWhitespace
    }
}

/// Days of the month in languages in which they are neither cardinal numbers nor in ``Ordinals``, and abbreviations of months.
enum Days {
    /// A day in Finnish, Greek or Hebrew; nil in other languages.
    static func said(_ day: Int, _ language: String, _ speller: NumberSpeller) -> String? {
        guard (1...31).contains(day) else { return nil }
        return switch language {
        case "fi": finnish(day)
        case "el": greek[day] ?? speller.cardinal(day)
        case "he": hebrew(day)
        default: nil
        }
    }

    private static let finnishOnes = [
        "ensimmäinen", "toinen", "kolmas", "neljäs", "viides", "kuudes", "seitsemäs", "kahdeksas", "yhdeksäs", "kymmenes",
    ]

    private static func finnish(_ day: Int) -> String {
        if day <= 10 { return finnishOnes[day - 1] }
        let (tens, ones) = day.quotientAndRemainder(dividingBy: 10)
        if tens == 1 { return (ones == 1 ? "yhdes" : ones == 2 ? "kahdes" : finnishOnes[ones - 1]) + "toista" }
        return (tens == 2 ? "kahdes" : "kolmas") + "kymmenes" + (ones == 0 ? "" : finnishOnes[ones - 1])
    }

    /// The days with an irregular feminine form.
    private static let greek = [
        1: "πρώτη", 3: "τρεις", 4: "τέσσερις", 13: "δεκατρείς", 14: "δεκατέσσερις", 21: "είκοσι μία", 23: "είκοσι τρεις",
        24: "είκοσι τέσσερις", 31: "τριάντα μία",
    ]

    private static let hebrewOnes = ["אחד", "שניים", "שלושה", "ארבעה", "חמישה", "שישה", "שבעה", "שמונה", "תשעה", "עשרה"]

    private static func hebrew(_ day: Int) -> String {
        if day <= 10 { return hebrewOnes[day - 1] }
        let (tens, ones) = day.quotientAndRemainder(dividingBy: 10)
        if tens == 1 { return (ones == 2 ? "שנים" : hebrewOnes[ones - 1]) + " עשר" }
        return (tens == 2 ? "עשרים" : "שלושים") + (ones == 0 ? "" : " ו" + hebrewOnes[ones - 1])
    }

    // MARK: months

    /// Abbreviations of months without full stops, in lower case, with the month's number from 0.
    static let shortMonths: [String: [String: Int]] = [
        "en": numbered("jan feb mar apr may jun jul aug sep oct nov dec", ["sept": 8]),
        "de": numbered("jan feb mär apr mai jun jul aug sep okt nov dez", ["sept": 8, "jän": 0, "mrz": 2]),
        "fr": numbered("janv févr mars avr mai juin juil août sept oct nov déc", ["fév": 1, "juill": 6]),
        "es": numbered("ene feb mar abr may jun jul ago sep oct nov dic", ["sept": 8]),
        "it": numbered("gen feb mar apr mag giu lug ago set ott nov dic", ["febbr": 1, "sett": 8]),
        "pt": numbered("jan fev mar abr mai jun jul ago set out nov dez"),
        "nl": numbered("jan feb mrt apr mei jun jul aug sep okt nov dec", ["sept": 8]),
        "pl": numbered(
            "sty lut mar kwi maj cze lip sie wrz paź lis gru",
            ["stycz": 0, "kwiet": 3, "czerw": 5, "sierp": 7, "wrześ": 8, "paźdz": 9, "listop": 10, "grudz": 11]),
        "ru": numbered("янв фев мар апр мая июн июл авг сен окт ноя дек", ["февр": 1, "сент": 8, "нояб": 10]),
        "sv": numbered("jan feb mars apr maj juni juli aug sep okt nov dec", ["febr": 1, "sept": 8]),
        "da": numbered("jan feb mar apr maj jun jul aug sep okt nov dec", ["sept": 8]),
        "no": numbered("jan feb mars apr mai juni juli aug sep okt nov des", ["sept": 8]),
    ]

    private static func numbered(_ names: String, _ others: [String: Int] = [:]) -> [String: Int] {
        let usual = names.split(separator: " ").enumerated().map { (String($0.element), $0.offset) }
        return others.merging(usual) { $1 }
    }
}
