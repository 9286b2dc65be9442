/// Times of day.
extension TextScanner {
    /// 9:30PM, 21:05, 9 p.m., 14 Uhr, 14h30.
    func time(_ index: Int) -> Match? {
        guard begins(index), let hours = digits(at: index, most: 2), let hour = Int(hours.text), hour <= 24 else { return nil }
        var minute: Int?, second: Int?, end = hours.end
        let marks: [Unicode.Scalar] = form.language == "fr" || form.language == "pt" ? [":", "h"] : [":"]
        if let mark = scalar(end), marks.contains(mark), let minutes = digits(at: end + 1), minutes.text.count == 2,
            let value = Int(minutes.text), value < 60
        {
            (minute, end) = (value, minutes.end)
            if scalar(end) == ":", let seconds = digits(at: end + 1), seconds.text.count == 2, let value = Int(seconds.text), value < 60 {
                (second, end) = (value, seconds.end)
            }
        } else if scalar(end) == ".", let minutes = digits(at: end + 1), minutes.text.count == 2, let value = Int(minutes.text), value < 60,
            isTimeWithStop(index, minutes.end)
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
        // A word for the hour that follows is spoken within the time.
        for noun in Self.hoursBehind[form.language] ?? [] where has(noun, at: end) && ends(end + noun.unicodeScalars.count) {
            end += noun.unicodeScalars.count
            break
        }
        let one = ["de": "ein", "fr": "une", "es": "una", "it": "una", "pt": "uma"][form.language]
        let said = hour == 1 ? one ?? speller.cardinal(1) : speller.cardinal(hour)
        var spoken = (minute == 0 ? words.fullHour : words.time).replacing("%h", with: said).replacing("%m", with: speller.cardinal(minute))
        if form.language == "fr", hour <= 1 { spoken = spoken.replacing("heures", with: "heure") }
        if form.language == "zh", hour == 2 { spoken = "两" + spoken.dropFirst() }
        if let second, second > 0 { spoken += " \(words.and) \(speller.cardinal(second))" }
        if form.language == "tr", scalar(end) == "'" || scalar(end) == "’", let ending = word(at: end + 1), ending.text.count <= 4 {
            return Match(ending.end, spoken + ending.text)
        }
        return Match(end, spoken)
    }

    private static let hoursBehind = [
        "de": [" Uhr"], "nl": [" uur"], "hi": [" बजे"], "es": [" horas", " h"], "pt": [" horas", " h"], "it": [" h"],
    ]
    /// Words before a time that is written with a full stop.
    private static let hourWords: [String: Set<String>] = [
        "it": ["ore", "alle", "dalle", "delle", "dopo"], "pl": ["godz", "godzina", "godzinie", "godziny"], "tr": ["saat"],
        "sv": ["kl", "klockan"], "da": ["kl", "klokken"], "no": ["kl", "klokken", "klokka"], "fi": ["klo", "kello"],
    ]

    /// 14.30 Uhr, kl. 8.15: whether a full stop between two numbers belongs to a time.
    private func isTimeWithStop(_ index: Int, _ end: Int) -> Bool {
        guard ends(end), scalar(end) != "." || !isDigit(scalar(end + 1)) else { return false }
        if form.language == "de" || form.language == "nl" {
            return Self.hoursBehind[form.language]!.contains { has($0, at: end) && ends(end + $0.unicodeScalars.count) }
        }
        guard let hourWords = Self.hourWords[form.language], isSpace(scalar(index - 1)) else { return false }
        var last = index - 1
        if scalar(last - 1) == "." { last -= 1 }
        var start = last
        while let letter = scalar(start - 1), isLetter(letter), last - start < 12 { start -= 1 }
        return start < last && hourWords.contains(string(start..<last).lowercased())
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

    /// "AM" or "PM" at this index, in any spelling.
    func halfOfDay(_ index: Int) -> (name: String, end: Int)? {
        let start = skippingSpace(index)
        for (name, spellings) in [("AM", ["a.m.", "am"]), ("PM", ["p.m.", "pm"])] {
            for spelling in spellings where has(spelling, at: start, ignoringCase: true) {
                let end = start + spelling.unicodeScalars.count
                // The full stop of an abbreviation may also end the sentence.
                if ends(end) { return (name, spelling.hasSuffix(".") && isSentenceEnd(end) ? end - 1 : end) }
            }
        }
        return nil
    }
}
