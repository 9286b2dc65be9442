/// Words and rules for Polish.
extension LanguageWords {
    static let polish = LanguageWords(
        point: "przecinek",
        minus: "minus", plus: "plus", and: "i", to: "do", equals: "równa się", times: "razy",
        number: "numer", at: "małpa", percent: "procent", degrees: "stopień|stopnie|stopni|stopnia",
        money: [
            "$": Currency("dolar|dolary|dolarów|dolara", "cent|centy|centów|centa"),
            "€": Currency("euro", "cent|centy|centów|centa"), "£": Currency("funt|funty|funtów|funta", "cent|centy|centów|centa"),
            "¥": Currency("jen|jeny|jenów|jena", "cent|centy|centów|centa"),
            "PLN": Currency("złoty|złote|złotych|złotego", "grosz|grosze|groszy|grosza"),
            "zł": Currency("złoty|złote|złotych|złotego", "grosz|grosze|groszy|grosza"),
            "CHF": Currency("frank|franki|franków|franka", "centym|centymy|centymów|centyma"),
        ],
        units: [
            "cm": "centymetr|centymetry|centymetrów|centymetra", "g": "gram|gramy|gramów|grama", "godz": "godzina|godziny|godzin",
            "h": "godzina|godziny|godzin", "kg": "kilogram|kilogramy|kilogramów|kilograma",
            "km": "kilometr|kilometry|kilometrów|kilometra",
            "km/h": "kilometr na godzinę|kilometry na godzinę|kilometrów na godzinę|kilometra na godzinę",
            "l": "litr|litry|litrów|litra", "m": "metr|metry|metrów|metra", "min": "minuta|minuty|minut",
            "ml": "mililitr|mililitry|mililitrów|mililitra", "mm": "milimetr|milimetry|milimetrów|milimetra",
            "s": "sekunda|sekundy|sekund", "mg": "miligram|miligramy|miligramów|miligrama", "t": "tona|tony|ton",
            "ha": "hektar|hektary|hektarów|hektara",
            "m²": "metr kwadratowy|metry kwadratowe|metrów kwadratowych|metra kwadratowego",
            "km²": "kilometr kwadratowy|kilometry kwadratowe|kilometrów kwadratowych|kilometra kwadratowego",
            "m³": "metr sześcienny|metry sześcienne|metrów sześciennych|metra sześciennego",
            "kW": "kilowat|kilowaty|kilowatów|kilowata", "kWh": "kilowatogodzina|kilowatogodziny|kilowatogodzin",
            "GB": "gigabajt|gigabajty|gigabajtów|gigabajta", "MB": "megabajt|megabajty|megabajtów|megabajta",
            "m/s": "metr na sekundę|metry na sekundę|metrów na sekundę|metra na sekundę", "gr": "grosz|grosze|groszy|grosza",
        ],
        magnitudes: [
            "tys.": "tysiąc|tysiące|tysięcy|tysiąca", "mln": "milion|miliony|milionów|miliona",
            "mld": "miliard|miliardy|miliardów|miliarda",
        ],
        scales: ["Celsius": "Celsjusza", "Fahrenheit": "Fahrenheita"],
        time: "%h %m", fullHour: "%h",
        months: [
            "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października",
            "listopada", "grudnia",
        ],
        abbreviations: [
            "al.": "aleja", "dr": "doktor", "itd.": "i tak dalej", "itp.": "i tym podobne", "m.in.": "między innymi",
            "np.": "na przykład", "nr": "numer", "ok.": "około", "prof.": "profesor", "str.": "strona", "św.": "święty",
            "tel.": "telefon", "tj.": "to jest", "tzn.": "to znaczy", "ul.": "ulica", "godz.": "godzina", "Tel.": "telefon",
        ],
        marks: ["_": "podkreślenie", "-": "myślnik", ".": "kropka", "@": "małpa", "/": "ukośnik"],
        formulas: [
            "§": "paragraf", "*": "razy", "/": "podzielić przez", "÷": "podzielić przez", "<": "jest mniejsze niż",
            "≠": "nie równa się", ">": "jest większe niż", "√": "pierwiastek z", "∞": "nieskończoność", "≈": "około",
            "≤": "mniejsze lub równe", "≥": "większe lub równe",
        ],
        moreThan: "ponad", lessThan: "poniżej",
        square: "do kwadratu", cube: "do sześcianu", power: "do potęgi", over: "przez", permille: "promili",
        numbered: ["akt", "artykuł", "część", "księga", "rozdział", "scena", "tom"],
        telephone: Telephone(
            introductions: ["tel", "telefon", "telefonu", "kom", "komórka", "fax", "faks"],
            extensionSigns: ["wew.", "wewn.", "wewnętrzny"], extension: "wewnętrzny", saysGroups: true)
    )
}
