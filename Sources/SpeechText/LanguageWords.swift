/// The words that stand for signs, money and measures in a language, and how its numbers are written.
struct LanguageWords: Sendable {
    /// Singular and plural; languages that know more forms take the plural.
    typealias Forms = (one: String, many: String)

    /// What is said for the mark before a fraction's digits.
    var point: String
    /// Marks that a number's fraction and its thousands are written with.
    var decimal: Unicode.Scalar = ","
    var thousands: Set<Unicode.Scalar> = [".", " ", "\u{A0}", "\u{202F}", "'", "’"]
    var minus, plus, percent, and, to, equals, times, degrees, number, at: String
    /// "Euro", with what hundredths of it are called.
    var euro, dollar, pound, yen, cent: Forms
    /// How a time of day is said from its hour and minute in words: `%h` and `%m`, and without minutes.
    var time, fullHour: String
    /// January first; empty where dates are not read.
    var months: [String] = []
    /// A date: `%d` day, `%m` month, `%y` year.
    var date = "%d %m %y"
    /// The first of a month, where it is not said like other days.
    var firstDay: String?
    var units: [String: Forms] = [:]
    /// Whether the singular stands with its article, which is then said in place of the number.
    var singularHasArticle = false
    var abbreviations: [String: String] = [:]
    /// Further currencies, by sign or short name, and what their hundredths are called.
    var otherMoney: [String: Forms] = [:]
    var otherCent: Forms = ("cent", "cents")
    /// Whether a word stands between the parts of an amount of money.
    var hasAndInMoney = true
    /// What the scales of temperature are called, by their English names.
    var scales: [String: String] = [:]
    var permille: String?
    /// What is said between the numbers of a fraction that has no name.
    var over = "/"
    /// Signs in addresses.
    var marks: [Unicode.Scalar: String] = [:]
    /// Signs of arithmetic that not every language's table has.
    var formulas: [Unicode.Scalar: String] = [:]
    /// "squared" and "cubed".
    var square = "", cube = "", power = ""
    /// Words that a Roman numeral follows, in lower case, and how it is said there.
    var numbered: Set<String> = []

    static func of(_ language: String) -> LanguageWords { all[language] ?? all["en"]! }


    static let all: [String: LanguageWords] = Dictionary(uniqueKeysWithValues: basic.map { ($0.key, $0.value.completed(as: $0.key)) })

    private static let basic: [String: LanguageWords] = [
        "en": LanguageWords(
            point: "point", decimal: ".", thousands: [","], minus: "minus", plus: "plus", percent: "percent", and: "and", to: "to",
            equals: "equals", times: "times", degrees: "degrees", number: "number", at: "at",
            euro: ("euro", "euros"), dollar: ("dollar", "dollars"), pound: ("pound", "pounds"), yen: ("yen", "yen"), cent: ("cent", "cents"),
            time: "%h %m", fullHour: "%h o'clock", months: English.months, units: English.units),
        "de": LanguageWords(
            point: "Komma", minus: "minus", plus: "plus", percent: "Prozent", and: "und", to: "bis", equals: "gleich", times: "mal",
            degrees: "Grad", number: "Nummer", at: "ät",
            euro: ("ein Euro", "Euro"), dollar: ("ein Dollar", "Dollar"), pound: ("ein Pfund", "Pfund"), yen: ("ein Yen", "Yen"), cent: ("ein Cent", "Cent"),
            time: "%h Uhr %m", fullHour: "%h Uhr",
            months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
            date: "%d %m %y",
            units: [
                "km": ("ein Kilometer", "Kilometer"), "m": ("ein Meter", "Meter"), "cm": ("ein Zentimeter", "Zentimeter"), "mm": ("ein Millimeter", "Millimeter"),
                "kg": ("ein Kilogramm", "Kilogramm"), "g": ("ein Gramm", "Gramm"), "l": ("ein Liter", "Liter"), "ml": ("ein Milliliter", "Milliliter"),
                "km/h": ("ein Kilometer pro Stunde", "Kilometer pro Stunde"), "min": ("eine Minute", "Minuten"), "h": ("eine Stunde", "Stunden"),
            ], singularHasArticle: true,
            abbreviations: [
                "z. B.": "zum Beispiel", "z.B.": "zum Beispiel", "d. h.": "das heißt", "d.h.": "das heißt", "u. a.": "unter anderem", "u.a.": "unter anderem",
                "usw.": "und so weiter", "bzw.": "beziehungsweise", "ca.": "circa", "Dr.": "Doktor", "Prof.": "Professor", "Nr.": "Nummer", "Str.": "Straße",
                "evtl.": "eventuell", "ggf.": "gegebenenfalls", "vgl.": "vergleiche", "Hr.": "Herr", "Fr.": "Frau",
            ]),
        "fr": LanguageWords(
            point: "virgule", minus: "moins", plus: "plus", percent: "pour cent", and: "et", to: "à", equals: "égale", times: "fois",
            degrees: "degrés", number: "numéro", at: "arobase",
            euro: ("euro", "euros"), dollar: ("dollar", "dollars"), pound: ("livre", "livres"), yen: ("yen", "yens"), cent: ("centime", "centimes"),
            time: "%h heures %m", fullHour: "%h heures",
            months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
            firstDay: "premier",
            units: [
                "km": ("kilomètre", "kilomètres"), "m": ("mètre", "mètres"), "cm": ("centimètre", "centimètres"), "mm": ("millimètre", "millimètres"),
                "kg": ("kilogramme", "kilogrammes"), "g": ("gramme", "grammes"), "l": ("litre", "litres"), "ml": ("millilitre", "millilitres"),
                "km/h": ("kilomètre par heure", "kilomètres par heure"), "min": ("minute", "minutes"), "h": ("heure", "heures"),
            ],
            abbreviations: ["M.": "Monsieur", "Mme": "Madame", "Mlle": "Mademoiselle", "Dr": "Docteur", "St": "Saint", "etc.": "et cetera", "p. ex.": "par exemple", "c.-à-d.": "c'est-à-dire"]),
        "es": LanguageWords(
            point: "coma", minus: "menos", plus: "más", percent: "por ciento", and: "y", to: "a", equals: "igual a", times: "por",
            degrees: "grados", number: "número", at: "arroba",
            euro: ("euro", "euros"), dollar: ("dólar", "dólares"), pound: ("libra", "libras"), yen: ("yen", "yenes"), cent: ("céntimo", "céntimos"),
            time: "%h y %m", fullHour: "%h en punto",
            months: ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
            date: "%d de %m de %y", firstDay: "primero",
            units: [
                "km": ("kilómetro", "kilómetros"), "m": ("metro", "metros"), "cm": ("centímetro", "centímetros"), "mm": ("milímetro", "milímetros"),
                "kg": ("kilogramo", "kilogramos"), "g": ("gramo", "gramos"), "l": ("litro", "litros"), "ml": ("mililitro", "mililitros"),
                "km/h": ("kilómetro por hora", "kilómetros por hora"), "min": ("minuto", "minutos"), "h": ("hora", "horas"),
            ],
            abbreviations: ["Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Dr.": "doctor", "Dra.": "doctora", "etc.": "etcétera", "p. ej.": "por ejemplo", "EE. UU.": "Estados Unidos"]),
        "it": LanguageWords(
            point: "virgola", minus: "meno", plus: "più", percent: "per cento", and: "e", to: "a", equals: "uguale", times: "per",
            degrees: "gradi", number: "numero", at: "chiocciola",
            euro: ("euro", "euro"), dollar: ("dollaro", "dollari"), pound: ("sterlina", "sterline"), yen: ("yen", "yen"), cent: ("centesimo", "centesimi"),
            time: "%h e %m", fullHour: "%h in punto",
            months: ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"],
            firstDay: "primo",
            units: [
                "km": ("chilometro", "chilometri"), "m": ("metro", "metri"), "cm": ("centimetro", "centimetri"), "mm": ("millimetro", "millimetri"),
                "kg": ("chilogrammo", "chilogrammi"), "g": ("grammo", "grammi"), "l": ("litro", "litri"), "ml": ("millilitro", "millilitri"),
                "km/h": ("chilometro orario", "chilometri orari"), "min": ("minuto", "minuti"), "h": ("ora", "ore"),
            ],
            abbreviations: ["Sig.": "signor", "Sig.ra": "signora", "Dott.": "dottor", "Prof.": "professor", "ecc.": "eccetera", "p.es.": "per esempio"]),
        "pt": LanguageWords(
            point: "vírgula", minus: "menos", plus: "mais", percent: "por cento", and: "e", to: "a", equals: "igual a", times: "vezes",
            degrees: "graus", number: "número", at: "arroba",
            euro: ("euro", "euros"), dollar: ("dólar", "dólares"), pound: ("libra", "libras"), yen: ("iene", "ienes"), cent: ("cêntimo", "cêntimos"),
            time: "%h e %m", fullHour: "%h horas",
            months: ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"],
            date: "%d de %m de %y", firstDay: "primeiro",
            units: [
                "km": ("quilómetro", "quilómetros"), "m": ("metro", "metros"), "cm": ("centímetro", "centímetros"), "mm": ("milímetro", "milímetros"),
                "kg": ("quilograma", "quilogramas"), "g": ("grama", "gramas"), "l": ("litro", "litros"), "ml": ("mililitro", "mililitros"),
                "km/h": ("quilómetro por hora", "quilómetros por hora"), "min": ("minuto", "minutos"), "h": ("hora", "horas"),
            ],
            abbreviations: ["Sr.": "senhor", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "etc.": "et cetera", "p. ex.": "por exemplo"]),
        "nl": LanguageWords(
            point: "komma", minus: "min", plus: "plus", percent: "procent", and: "en", to: "tot", equals: "is", times: "keer",
            degrees: "graden", number: "nummer", at: "apenstaartje",
            euro: ("euro", "euro"), dollar: ("dollar", "dollar"), pound: ("pond", "pond"), yen: ("yen", "yen"), cent: ("cent", "cent"),
            time: "%h uur %m", fullHour: "%h uur",
            months: ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
            units: [
                "km": ("kilometer", "kilometer"), "m": ("meter", "meter"), "cm": ("centimeter", "centimeter"), "mm": ("millimeter", "millimeter"),
                "kg": ("kilogram", "kilogram"), "g": ("gram", "gram"), "l": ("liter", "liter"), "ml": ("milliliter", "milliliter"),
                "km/h": ("kilometer per uur", "kilometer per uur"), "min": ("minuut", "minuten"), "h": ("uur", "uur"),
            ],
            abbreviations: ["bijv.": "bijvoorbeeld", "d.w.z.": "dat wil zeggen", "enz.": "enzovoort", "dhr.": "de heer", "mevr.": "mevrouw", "nr.": "nummer"]),
        "pl": plain(point: "przecinek", "minus", "plus", "procent", "i", "do", "równa się", "razy", "stopni", "numer", "małpa", "euro", "dolarów", "funtów", "jenów", "centów"),
        "ru": plain(point: "запятая", "минус", "плюс", "процентов", "и", "до", "равно", "умножить на", "градусов", "номер", "собака", "евро", "долларов", "фунтов", "иен", "центов"),
        "tr": plain(point: "virgül", "eksi", "artı", "yüzde", "ve", "ile", "eşittir", "çarpı", "derece", "numara", "et", "avro", "dolar", "sterlin", "yen", "sent"),
        "hi": plain(point: "दशमलव", decimal: ".", thousands: [","], "ऋण", "धन", "प्रतिशत", "और", "से", "बराबर", "गुणा", "डिग्री", "नंबर", "एट", "यूरो", "डॉलर", "पाउंड", "येन", "सेंट"),
        "zh": plain(point: "点", decimal: ".", thousands: [","], "负", "加", "百分之", "和", "到", "等于", "乘", "度", "号", "艾特", "欧元", "美元", "英镑", "日元", "分"),
        "ja": plain(point: "点", decimal: ".", thousands: [","], "マイナス", "プラス", "パーセント", "と", "から", "イコール", "かける", "度", "番", "アット", "ユーロ", "ドル", "ポンド", "円", "セント"),
        "ko": plain(point: "점", decimal: ".", thousands: [","], "마이너스", "플러스", "퍼센트", "그리고", "에서", "은", "곱하기", "도", "번", "골뱅이", "유로", "달러", "파운드", "엔", "센트"),
        "ar": plain(point: "فاصل", decimal: ".", thousands: [","], "ناقص", "زائد", "بالمئة", "و", "إلى", "يساوي", "ضرب", "درجة", "رقم", "آت", "يورو", "دولار", "جنيه", "ين", "سنت"),
        "da": plain(point: "komma", "minus", "plus", "procent", "og", "til", "lig med", "gange", "grader", "nummer", "snabel-a", "euro", "dollar", "pund", "yen", "cent"),
        "sv": plain(point: "komma", "minus", "plus", "procent", "och", "till", "lika med", "gånger", "grader", "nummer", "snabel-a", "euro", "dollar", "pund", "yen", "cent"),
        "no": plain(point: "komma", "minus", "pluss", "prosent", "og", "til", "er lik", "ganger", "grader", "nummer", "krøllalfa", "euro", "dollar", "pund", "yen", "cent"),
        "fi": plain(point: "pilkku", "miinus", "plus", "prosenttia", "ja", "viiva", "on yhtä kuin", "kertaa", "astetta", "numero", "ät", "euroa", "dollaria", "puntaa", "jeniä", "senttiä"),
        "el": plain(point: "κόμμα", "μείον", "συν", "τοις εκατό", "και", "έως", "ίσον", "επί", "βαθμοί", "αριθμός", "παπάκι", "ευρώ", "δολάρια", "λίρες", "γιεν", "σεντς"),
        "he": plain(point: "נקודה", decimal: ".", thousands: [","], "מינוס", "פלוס", "אחוז", "ו", "עד", "שווה", "כפול", "מעלות", "מספר", "שטרודל", "אירו", "דולר", "לירות", "ין", "סנט"),
        "ms": plain(point: "perpuluhan", decimal: ".", thousands: [","], "negatif", "tambah", "peratus", "dan", "hingga", "sama dengan", "kali", "darjah", "nombor", "alias", "euro", "dolar", "paun", "yen", "sen"),
        "sw": plain(point: "nukta", decimal: ".", thousands: [","], "kasoro", "kujumlisha", "asilimia", "na", "hadi", "ni sawa na", "mara", "digrii", "nambari", "at", "yuro", "dola", "pauni", "yeni", "senti"),
    ]

    /// A language of which numbers and signs are read.
    private static func plain(
        point: String, decimal: Unicode.Scalar = ",", thousands: Set<Unicode.Scalar> = [".", " ", "\u{A0}", "\u{202F}", "'", "’"],
        _ minus: String, _ plus: String, _ percent: String, _ and: String, _ to: String, _ equals: String, _ times: String, _ degrees: String,
        _ number: String, _ at: String, _ euro: String, _ dollar: String, _ pound: String, _ yen: String, _ cent: String
    ) -> LanguageWords {
        LanguageWords(
            point: point, decimal: decimal, thousands: thousands, minus: minus, plus: plus, percent: percent, and: and, to: to, equals: equals,
            times: times, degrees: degrees, number: number, at: at, euro: (euro, euro), dollar: (dollar, dollar), pound: (pound, pound),
            yen: (yen, yen), cent: (cent, cent), time: "%h %m", fullHour: "%h")
    }
}
