/// Words and rules for German.
extension LanguageWords {
    static let german = LanguageWords(
        point: "Komma",
        minus: "minus", plus: "plus", and: "und", to: "bis", equals: "gleich", times: "mal",
        number: "Nummer", at: "ät", percent: "Prozent", degrees: "ein Grad|Grad",
        money: [
            "$": Currency("ein Dollar|Dollar", "ein Cent|Cent"), "€": Currency("ein Euro|Euro", "ein Cent|Cent"),
            "£": Currency("ein Pfund|Pfund", "ein Cent|Cent"), "¥": Currency("ein Yen|Yen", "ein Cent|Cent"),
            "₹": Currency("eine Rupie|Rupien", "eine Paisa|Paise"), "₺": Currency("eine Lira|Lira", "ein Kuruş|Kuruş"),
            "₽": Currency("ein Rubel|Rubel", "eine Kopeke|Kopeken"), "CHF": Currency("ein Franken|Franken", "ein Rappen|Rappen"),
        ],
        units: [
            "cm": "ein Zentimeter|Zentimeter", "g": "ein Gramm|Gramm", "GB": "ein Gigabyte|Gigabyte", "h": "eine Stunde|Stunden",
            "ha": "ein Hektar|Hektar", "Hz": "ein Hertz|Hertz", "kg": "ein Kilogramm|Kilogramm", "km": "ein Kilometer|Kilometer",
            "km/h": "ein Kilometer pro Stunde|Kilometer pro Stunde", "km²": "ein Quadratkilometer|Quadratkilometer",
            "kW": "ein Kilowatt|Kilowatt", "kWh": "eine Kilowattstunde|Kilowattstunden", "l": "ein Liter|Liter",
            "m": "ein Meter|Meter", "m²": "ein Quadratmeter|Quadratmeter", "m³": "ein Kubikmeter|Kubikmeter",
            "MB": "ein Megabyte|Megabyte", "mg": "ein Milligramm|Milligramm", "min": "eine Minute|Minuten",
            "Min": "eine Minute|Minuten", "ml": "ein Milliliter|Milliliter", "mm": "ein Millimeter|Millimeter",
            "s": "eine Sekunde|Sekunden", "Sek": "eine Sekunde|Sekunden", "Std": "eine Stunde|Stunden", "t": "eine Tonne|Tonnen",
            "V": "ein Volt|Volt", "W": "ein Watt|Watt",
        ],
        magnitudes: [
            "Tsd.": "eintausend|tausend", "Mio.": "eine Million|Millionen", "Mrd.": "eine Milliarde|Milliarden",
            "Mio": "eine Million|Millionen", "Mrd": "eine Milliarde|Milliarden",
        ],
        singularHasArticle: true,
        time: "%h Uhr %m", fullHour: "%h Uhr",
        months: [
            "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
        ],
        abbreviations: [
            "Abb.": "Abbildung", "Abs.": "Absatz", "Art.": "Artikel", "Jh.": "Jahrhundert", "bzw.": "beziehungsweise", "ca.": "circa",
            "d. h.": "das heißt", "d.h.": "das heißt",
            "Dr.": "Doktor", "evtl.": "eventuell", "Fr.": "Frau", "geb.": "geboren", "ggf.": "gegebenenfalls", "Hr.": "Herr",
            "inkl.": "inklusive", "max.": "maximal", "min.": "minimal", "n. Chr.": "nach Christus", "Nr.": "Nummer",
            "o. ä.": "oder ähnlich", "Prof.": "Professor", "S.": "Seite", "St.": "Sankt", "Str.": "Straße", "Tel.": "Telefon",
            "u. a.": "unter anderem", "u. s. w.": "und so weiter", "u.a.": "unter anderem", "usw.": "und so weiter",
            "v. Chr.": "vor Christus", "vgl.": "vergleiche", "z. B.": "zum Beispiel", "z.B.": "zum Beispiel",
        ],
        marks: ["_": "Unterstrich", "-": "Bindestrich", ".": "Punkt", "@": "ät", "/": "Schrägstrich"],
        formulas: [
            "§": "Paragraf", "*": "mal", "/": "geteilt durch", "±": "plus minus", "÷": "geteilt durch", "<": "ist kleiner als",
            "≠": "ungleich", ">": "ist größer als", "√": "Wurzel aus", "∞": "unendlich", "≈": "ungefähr", "≤": "ist höchstens",
            "≥": "ist mindestens",
        ],
        moreThan: "mehr als", lessThan: "weniger als",
        square: "zum Quadrat", cube: "hoch drei", power: "hoch", over: "durch", permille: "Promille",
        numbered: ["abschnitt", "akt", "anhang", "artikel", "band", "kapitel", "szene", "teil", "weltkrieg"],
        telephone: Telephone(
            introductions: ["tel", "telefon", "telefonnummer", "rufnummer", "handy", "handynummer", "mobil", "fax", "notruf", "hotline"],
            extensionSigns: ["durchwahl", "dw"], extension: "Durchwahl")
    )
}
