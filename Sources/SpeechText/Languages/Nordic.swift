/// Words and rules for Swedish, Danish, Norwegian and Finnish.
extension LanguageWords {
    static let swedish = LanguageWords(
        point: "komma",
        minus: "minus", plus: "plus", and: "och", to: "till", equals: "lika med", times: "gånger",
        number: "nummer", at: "snabel-a", percent: "procent", degrees: "grad|grader",
        money: [
            "$": Currency("dollar", "cent"), "€": Currency("euro", "cent"), "£": Currency("pund", "cent"),
            "¥": Currency("yen", "cent"), "kr": Currency("krona|kronor", "öre"), "SEK": Currency("krona|kronor", "öre"),
        ],
        units: [
            "cm": "centimeter", "g": "gram", "kg": "kilogram", "km": "kilometer", "km/h": "kilometer i timmen", "l": "liter",
            "m": "meter", "min": "minuter", "mm": "millimeter", "tim": "timmar",
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november",
            "december",
        ],
        abbreviations: [
            "bl.a.": "bland annat", "ca": "cirka", "dvs.": "det vill säga", "kl": "klockan", "kl.": "klockan", "m.m.": "med mera",
            "nr": "nummer",
            "osv.": "och så vidare", "t.ex.": "till exempel",
        ],
        marks: ["_": "understreck", "-": "bindestreck", ".": "punkt", "@": "snabel-a", "/": "snedstreck"],
        square: "i kvadrat", cube: "i kubik", over: "genom"
    )

    static let danish = LanguageWords(
        point: "komma",
        minus: "minus", plus: "plus", and: "og", to: "til", equals: "lig med", times: "gange",
        number: "nummer", at: "snabel-a", percent: "procent", degrees: "grad|grader",
        money: [
            "$": Currency("dollar", "cent"), "€": Currency("euro", "cent"), "£": Currency("pund", "cent"),
            "¥": Currency("yen", "cent"), "DKK": Currency("krone|kroner", "øre"), "kr": Currency("krone|kroner", "øre"),
        ],
        units: [
            "cm": "centimeter", "g": "gram", "kg": "kilogram", "km": "kilometer", "km/t": "kilometer i timen", "l": "liter",
            "m": "meter", "min": "minutter", "mm": "millimeter",
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december",
        ],
        abbreviations: [
            "bl.a.": "blandt andet", "ca.": "cirka", "dvs.": "det vil sige", "f.eks.": "for eksempel", "kl": "klokken", "kl.": "klokken",
            "m.m.": "med mere", "nr.": "nummer", "osv.": "og så videre",
        ],
        marks: ["_": "understreg", "-": "bindestreg", ".": "punktum", "@": "snabel-a", "/": "skråstreg"],
        square: "i anden", cube: "i tredje", over: "over"
    )

    static let norwegian = LanguageWords(
        point: "komma",
        minus: "minus", plus: "pluss", and: "og", to: "til", equals: "er lik", times: "ganger",
        number: "nummer", at: "krøllalfa", percent: "prosent", degrees: "grad|grader",
        money: [
            "$": Currency("dollar", "cent"), "€": Currency("euro", "cent"), "£": Currency("pund", "cent"),
            "¥": Currency("yen", "cent"), "kr": Currency("krone|kroner", "øre"), "NOK": Currency("krone|kroner", "øre"),
        ],
        units: [
            "cm": "centimeter", "g": "gram", "kg": "kilogram", "km": "kilometer", "km/t": "kilometer i timen", "l": "liter",
            "m": "meter", "min": "minutter", "mm": "millimeter",
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember",
        ],
        abbreviations: [
            "bl.a.": "blant annet", "ca.": "cirka", "dvs.": "det vil si", "f.eks.": "for eksempel", "kl": "klokken", "kl.": "klokken",
            "m.m.": "med mer", "nr.": "nummer", "osv.": "og så videre",
        ],
        marks: ["_": "understrek", "-": "bindestrek", ".": "punktum", "@": "krøllalfa", "/": "skråstrek"],
        square: "i annen", cube: "i tredje", over: "delt på"
    )

    static let finnish = LanguageWords(
        point: "pilkku",
        minus: "miinus", plus: "plus", and: "ja", to: "viiva", equals: "on yhtä kuin", times: "kertaa",
        number: "numero", at: "ät", percent: "prosenttia", degrees: "aste|astetta",
        money: [
            "$": Currency("dollaria", "senttiä"), "€": Currency("euroa", "senttiä"), "£": Currency("puntaa", "senttiä"),
            "¥": Currency("jeniä", "senttiä"),
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "tammikuuta", "helmikuuta", "maaliskuuta", "huhtikuuta", "toukokuuta", "kesäkuuta", "heinäkuuta", "elokuuta", "syyskuuta",
            "lokakuuta", "marraskuuta", "joulukuuta",
        ],
        abbreviations: ["esim.": "esimerkiksi", "jne.": "ja niin edelleen", "klo": "kello", "n.": "noin", "ym.": "ynnä muuta"],
        marks: [".": "piste"]
    )
}
