/// Words and rules for French.
extension LanguageWords {
    static let french = LanguageWords(
        point: "virgule",
        minus: "moins", plus: "plus", and: "et", to: "à", equals: "égale", times: "fois",
        number: "numéro", at: "arobase", percent: "pour cent", degrees: "degré|degrés",
        money: [
            "$": Currency("dollar|dollars", "centime|centimes"), "€": Currency("euro|euros", "centime|centimes"),
            "£": Currency("livre|livres", "centime|centimes"), "¥": Currency("yen|yens", "centime|centimes"),
            "₽": Currency("rouble|roubles", "kopeck|kopecks"), "CHF": Currency("franc|francs", "centime|centimes"),
            "F": Currency("franc|francs", "centime|centimes"),
        ],
        units: [
            "cm": "centimètre|centimètres", "g": "gramme|grammes", "Go": "gigaoctet|gigaoctets", "h": "heure|heures",
            "ha": "hectare|hectares", "kg": "kilogramme|kilogrammes", "km": "kilomètre|kilomètres",
            "km/h": "kilomètre par heure|kilomètres par heure", "km²": "kilomètre carré|kilomètres carrés",
            "kW": "kilowatt|kilowatts", "kWh": "kilowattheure|kilowattheures", "l": "litre|litres", "m": "mètre|mètres",
            "m²": "mètre carré|mètres carrés", "m³": "mètre cube|mètres cubes", "mg": "milligramme|milligrammes",
            "min": "minute|minutes", "ml": "millilitre|millilitres", "mm": "millimètre|millimètres", "Mo": "mégaoctet|mégaoctets",
            "s": "seconde|secondes", "t": "tonne|tonnes",
        ],
        magnitudes: ["M": "million|millions", "Md": "milliard|milliards"],
        ofMoney: "de",
        time: "%h heures %m", fullHour: "%h heures",
        months: [
            "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
        ],
        firstDay: "premier",
        abbreviations: [
            "av. J.-C.": "avant Jésus-Christ", "bd": "boulevard", "c.-à-d.": "c'est-à-dire", "Dr": "Docteur", "env.": "environ",
            "etc.": "et cetera", "M.": "Monsieur", "Mlle": "Mademoiselle", "MM.": "Messieurs", "Mme": "Madame", "Mmes": "Mesdames",
            "n°": "numéro", "p.": "page", "p. ex.": "par exemple", "Pr": "Professeur", "St": "Saint", "Ste": "Sainte",
            "tél.": "téléphone", "Tél.": "téléphone",
        ],
        marks: ["_": "tiret bas", "-": "tiret", ".": "point", "@": "arobase", "/": "slash"],
        formulas: [
            "§": "paragraphe", "*": "fois", "/": "divisé par", "±": "plus ou moins", "÷": "divisé par", "<": "inférieur à",
            "≠": "différent de", ">": "supérieur à", "√": "racine de", "∞": "infini", "≈": "environ", "≤": "inférieur ou égal à",
            "≥": "supérieur ou égal à",
        ],
        moreThan: "plus de", lessThan: "moins de",
        square: "au carré", cube: "au cube", power: "puissance", over: "sur", permille: "pour mille",
        numbered: ["acte", "annexe", "article", "chapitre", "livre", "partie", "scène", "tome"],
        telephone: Telephone(
            introductions: ["tél", "tel", "téléphone", "mobile", "portable", "fax"], extensionSigns: ["poste"], extension: "poste",
            saysGroups: true)
    )
}
