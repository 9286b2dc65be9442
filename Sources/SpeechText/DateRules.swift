/// Dates, times and years.
extension TextScanner {
    /// A year in words, where a number reads as one; nil where it does not, or is said like any number.
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
            let third = digits(at: second.end + 1, most: 4), ends(third.end)
        else { return day(first.text, first.end, ending) }
        let (a, b, c) = (Int(first.text)!, Int(second.text)!, Int(third.text)!)
        if first.text.count == 4, third.text.count <= 2, mark != ".", (1...12).contains(b), (1...31).contains(c) {
            return Match(third.end, date(day: c, month: months[b - 1], year: first.text, ending: ending))
        }
        guard first.text.count <= 2, third.text.count == 4, mark != "-" || !isEnglish else { return nil }
        // Americans write the month first.
        let isMonthFirst = isEnglish && mark == "/" && a <= 12
        let (day, month) = isMonthFirst ? (b, a) : (a, b)
        guard (1...31).contains(day), (1...12).contains(month) else { return nil }
        return Match(third.end, date(day: day, month: months[month - 1], year: third.text, ending: ending))
    }

    /// 24.12. and "am 3.5." in German, whose second full stop may end the sentence as well; "Version 1.5." is none.
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
        if isEnglish, let full = English.shortMonths[name] {
            name = full
            if scalar(nameEnd) == "." { nameEnd += 1 }
        }
        guard isEnglish ? English.monthNames.contains(name) : form.months.contains(name.lowercased()) else { return nil }
        var year: String?, last = nameEnd
        for joint in ["", ",", " de"] where has(joint, at: nameEnd) {
            let start = nameEnd + joint.unicodeScalars.count
            if isSpace(scalar(start)), let found = self.digits(at: start + 1), found.text.count == 4, ends(found.end) {
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

    /// March 15, 2024; called where the month's name stands.
    func monthAndDay(_ month: String, _ end: Int) -> Match? {
        var next = end
        if scalar(next) == "." { next += 1 }
        guard isSpace(scalar(next)), let day = digits(at: next + 1, most: 2), let value = Int(day.text), (1...31).contains(value),
            !isDigit(scalar(day.end))
        else { return nil }
        var last = day.end
        for suffix in ["st", "nd", "rd", "th"] where has(suffix, at: last) { last += 2; break }
        guard ends(last), scalar(last) != ":" else { return nil }
        var spoken = "\(month) \(English.ordinal(value, speller))"
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
        let said = switch form.language {
        case "de": germanDay(day, ending)
        case "pl": Ordinals.polish(day, .genitive, speller) ?? speller.cardinal(day)
        case "ru": Ordinals.russian(day, .genitive, speller) ?? speller.cardinal(day)
        case "sv", "da", "no": Ordinals.nordicDay(day, form.language) ?? speller.cardinal(day)
        default: day == 1 ? words.firstDay ?? speller.cardinal(day) : speller.cardinal(day)
        }
        let date = words.date.replacing("%d", with: said).replacing("%m", with: month)
        if let year {
            let said = date.replacing("%y", with: year)
            return isDayFirst ? said : said + (["pl": " roku", "ru": " года"][form.language] ?? "")
        }
        // Without a year there is nothing before it either.
        let beginning = date.prefix { $0 != "%" }
        return String(beginning.hasSuffix(" de ") ? beginning.dropLast(4) : beginning.dropLast(beginning.hasSuffix(" ") ? 1 : 0))
    }

    /// German words before a day, and how it ends behind them; elsewhere it ends in -er.
    private static let dayEndings = [
        "am": "en", "vom": "en", "zum": "en", "dem": "en", "den": "en", "des": "en", "im": "en", "seit": "en", "ab": "en",
        "nach": "en", "vor": "en", "bis": "en", "der": "e", "dieser": "e",
    ]

    /// "dritter", after an article "dritte", after a preposition "dritten".
    private func germanDay(_ day: Int, _ ending: String) -> String {
        let irregular = [1: "erst", 3: "dritt", 7: "siebt", 8: "acht"]
        return (irregular[day] ?? speller.cardinal(day) + (day < 20 ? "t" : "st")) + ending
    }

    // MARK: times

    /// 9:30PM, 21:05, 9 p.m., 14 Uhr, 14h30.
    func time(_ index: Int) -> Match? {
        guard begins(index), let hours = digits(at: index, most: 2), let hour = Int(hours.text), hour <= 24 else { return nil }
        var minute: Int?, second: Int?, end = hours.end
        let marks: [Unicode.Scalar] = form.language == "fr" ? [":", "h"] : [":"]
        if let mark = scalar(end), marks.contains(mark), let minutes = digits(at: end + 1), minutes.text.count == 2,
            let value = Int(minutes.text), value < 60
        {
            (minute, end) = (value, minutes.end)
            if scalar(end) == ":", let seconds = digits(at: end + 1), seconds.text.count == 2, let value = Int(seconds.text), value < 60 {
                (second, end) = (value, seconds.end)
            }
        } else if form.language == "de", scalar(end) == ".", let minutes = digits(at: end + 1), minutes.text.count == 2,
            has(" Uhr", at: minutes.end), let value = Int(minutes.text), value < 60
        {
            (minute, end) = (value, minutes.end)
        } else if form.language == "fr", scalar(end) == "h", ends(end + 1) {
            return Match(
                end + 1,
                words.fullHour.replacing("%h", with: hour == 1 ? "une" : speller.cardinal(hour)).replacing(
                    "heures", with: hour == 1 ? "heure" : "heures"))
        }
        if isEnglish { return englishTime(hour, minute, second, end) }
        guard let minute else { return nil }
        guard ends(end), scalar(end) != ":" else { return nil }
        if form.language == "ko" {
            let hours = (1...12).contains(hour) ? Self.native(hour) : speller.cardinal(hour)
            return Match(end, hours + " 시" + (minute == 0 ? "" : " \(speller.cardinal(minute)) 분"))
        }
        if form.language == "pl" { return Match(end, polishTime(hour, minute, before: index)) }
        if form.language == "de", has(" Uhr", at: end), ends(end + 4) { end += 4 }
        if form.language == "nl", has(" uur", at: end), ends(end + 4) { end += 4 }
        let one = ["de": "ein", "fr": "une", "es": "una", "it": "una", "pt": "uma"][form.language]
        let said = hour == 1 ? one ?? speller.cardinal(1) : speller.cardinal(hour)
        var spoken = (minute == 0 ? words.fullHour : words.time).replacing("%h", with: said).replacing("%m", with: speller.cardinal(minute))
        if form.language == "fr", hour <= 1 { spoken = spoken.replacing("heures", with: "heure") }
        if form.language == "zh", hour == 2 { spoken = "两" + spoken.dropFirst() }
        if let second, second > 0 { spoken += " \(words.and) \(speller.cardinal(second))" }
        return Match(end, spoken)
    }

    private func englishTime(_ hour: Int, _ minute: Int?, _ second: Int?, _ end: Int) -> Match? {
        let half = halfOfDay(end)
        guard minute != nil || half != nil, half != nil || ends(end) && scalar(end) != ":" else { return nil }
        if let second, half == nil {
            return Match(
                end, "\(speller.cardinal(hour)) hours, \(speller.cardinal(minute ?? 0)) minutes and \(speller.cardinal(second)) seconds")
        }
        var spoken = speller.cardinal(hour)
        switch minute ?? 0 {
        case 0: if half == nil { spoken += (1...12).contains(hour) ? " o'clock" : " hundred" }
        case let minute: spoken += (minute < 10 ? " oh " : " ") + speller.cardinal(minute)
        }
        return Match(half?.end ?? end, spoken + (half.map { " " + $0.name } ?? ""))
    }

    /// "AM" or "PM" here, in any of its spellings.
    private func halfOfDay(_ index: Int) -> (name: String, end: Int)? {
        let start = skippingSpace(index)
        for (name, spellings) in [("AM", ["a.m.", "am"]), ("PM", ["p.m.", "pm"])] {
            for spelling in spellings where has(spelling, at: start, ignoringCase: true) {
                let end = start + spelling.unicodeScalars.count
                // The full stop of an abbreviation may be the sentence's as well.
                if ends(end) { return (name, spelling.hasSuffix(".") && isSentenceEnd(end) ? end - 1 : end) }
            }
        }
        return nil
    }

    /// Whether the text ends here, or a capital follows.
    func isSentenceEnd(_ index: Int) -> Bool {
        guard let next = scalar(index) else { return true }
        guard next.properties.isWhitespace else { return false }
        guard let after = scalar(index + 1) else { return true }
        return after.properties.isUppercase || after.properties.isWhitespace
    }
}
