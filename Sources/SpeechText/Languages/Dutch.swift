/// Words and rules for Dutch.
extension LanguageWords {
    static let dutch = LanguageWords(
        point: "komma",
        minus: "min", plus: "plus", and: "en", to: "tot", equals: "is", times: "keer",
        number: "nummer", at: "apenstaartje", percent: "procent", degrees: "graad|graden",
        money: [
            "$": Currency("dollar", "cent"), "€": Currency("euro", "cent"), "£": Currency("pond", "cent"),
            "¥": Currency("yen", "cent"),
        ],
        units: [
            "cm": "centimeter", "g": "gram", "GB": "gigabyte", "h": "uur", "ha": "hectare", "kg": "kilogram", "km": "kilometer",
            "km/h": "kilometer per uur", "km/u": "kilometer per uur", "km²": "vierkante kilometer", "kW": "kilowatt", "l": "liter",
            "m": "meter",
            "m²": "vierkante meter", "m³": "kubieke meter", "MB": "megabyte", "mg": "milligram", "min": "minuut|minuten",
            "ml": "milliliter", "mm": "millimeter", "s": "seconde|seconden",
        ],
        magnitudes: ["mln.": "miljoen", "mln": "miljoen", "mld.": "miljard", "mld": "miljard"],
        time: "%h uur %m", fullHour: "%h uur",
        months: [
            "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november",
            "december",
        ],
        abbreviations: [
            "a.u.b.": "alstublieft", "bijv.": "bijvoorbeeld", "blz.": "bladzijde", "ca.": "circa", "d.w.z.": "dat wil zeggen",
            "dhr.": "de heer", "Dr.": "dokter", "enz.": "enzovoort", "m.b.t.": "met betrekking tot", "mevr.": "mevrouw",
            "nr.": "nummer", "o.a.": "onder andere", "Prof.": "professor", "tel.": "telefoon", "Tel.": "telefoon",
        ],
        marks: ["_": "laag streepje", "-": "streepje", ".": "punt", "@": "apenstaartje", "/": "slash"],
        formulas: [
            "§": "paragraaf", "*": "keer", "/": "gedeeld door", "±": "plus of min", "÷": "gedeeld door", "<": "kleiner dan",
            "≠": "ongelijk aan", ">": "groter dan", "√": "wortel van", "∞": "oneindig", "≈": "ongeveer", "≤": "hoogstens",
            "≥": "minstens",
        ],
        moreThan: "meer dan", lessThan: "minder dan",
        square: "kwadraat", cube: "tot de derde", power: "tot de macht", over: "gedeeld door", permille: "promille",
        numbered: ["akte", "artikel", "bijlage", "boek", "deel", "hoofdstuk"],
        telephone: Telephone(
            introductions: ["tel", "telefoon", "telefoonnummer", "mobiel", "fax"], extensionSigns: ["toestel", "tst."],
            extension: "toestel")
    )
}
