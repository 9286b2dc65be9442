/// Days of the month where they are neither cardinal numbers nor in ``Ordinals``, and months as they are shortened.
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

    /// Those that have a feminine form of their own.
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

    /// What months are shortened to, without their full stops, in lower case, and their numbers from 0.
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
