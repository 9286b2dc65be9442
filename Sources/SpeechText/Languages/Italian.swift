/// Words and rules for Italian.
extension LanguageWords {
    static let italian = LanguageWords(
        point: "virgola",
        minus: "meno", plus: "più", and: "e", to: "a", equals: "uguale", times: "per",
        number: "numero", at: "chiocciola", percent: "per cento", degrees: "grado|gradi",
        money: [
            "$": Currency("dollaro|dollari", "centesimo|centesimi"), "€": Currency("euro", "centesimo|centesimi"),
            "£": Currency("sterlina|sterline", "centesimo|centesimi"), "¥": Currency("yen", "centesimo|centesimi"),
            "₽": Currency("rublo|rubli", "copeco|copechi"), "CHF": Currency("franco|franchi", "centesimo|centesimi"),
        ],
        units: [
            "cm": "centimetro|centimetri", "g": "grammo|grammi", "GB": "gigabyte", "h": "ora|ore", "ha": "ettaro|ettari",
            "kg": "chilogrammo|chilogrammi", "km": "chilometro|chilometri", "km/h": "chilometro orario|chilometri orari",
            "km²": "chilometro quadrato|chilometri quadrati", "kW": "chilowatt", "kWh": "chilowattora", "l": "litro|litri",
            "m": "metro|metri", "m²": "metro quadrato|metri quadrati", "m³": "metro cubo|metri cubi", "MB": "megabyte",
            "mg": "milligrammo|milligrammi", "min": "minuto|minuti", "ml": "millilitro|millilitri", "mm": "millimetro|millimetri",
            "s": "secondo|secondi", "t": "tonnellata|tonnellate",
        ],
        magnitudes: ["mln": "milione|milioni", "mld": "miliardo|miliardi"],
        ofMoney: "di",
        time: "%h e %m", fullHour: "%h in punto",
        months: [
            "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre",
            "dicembre",
        ],
        firstDay: "primo",
        abbreviations: [
            "a.C.": "avanti Cristo", "Avv.": "avvocato", "d.C.": "dopo Cristo", "dott.": "dottor", "Dott.": "dottor",
            "Dott.ssa": "dottoressa",
            "ecc.": "eccetera", "Ing.": "ingegner", "n.": "numero", "p.es.": "per esempio", "pag.": "pagina", "Prof.": "professor",
            "S.": "San", "Sig.": "signor", "Sig.ra": "signora", "Sigg.": "signori", "tel.": "telefono", "Tel.": "telefono",
        ],
        marks: ["_": "trattino basso", "-": "trattino", ".": "punto", "@": "chiocciola", "/": "barra"],
        formulas: [
            "§": "paragrafo", "*": "per", "/": "diviso", "±": "più o meno", "÷": "diviso", "<": "minore di", "≠": "diverso da",
            ">": "maggiore di", "√": "radice di", "∞": "infinito", "≈": "circa", "≤": "minore o uguale a",
            "≥": "maggiore o uguale a",
        ],
        moreThan: "più di", lessThan: "meno di",
        square: "al quadrato", cube: "al cubo", power: "alla", over: "su", permille: "per mille",
        numbered: ["allegato", "articolo", "atto", "capitolo", "libro", "parte", "scena", "tomo"],
        telephone: Telephone(
            introductions: ["tel", "telefono", "cell", "cellulare", "fax"], extensionSigns: ["int.", "interno"],
            extension: "interno")
    )
}
