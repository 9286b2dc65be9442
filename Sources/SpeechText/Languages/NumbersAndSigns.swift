/// Words and rules for Greek, Hebrew, Malay and Swahili: numbers, dates, money and signs.
extension LanguageWords {
    static let greek = LanguageWords(
        point: "κόμμα",
        minus: "μείον", plus: "συν", and: "και", to: "έως", equals: "ίσον", times: "επί",
        number: "αριθμός", at: "παπάκι", percent: "τοις εκατό", degrees: "βαθμός|βαθμοί",
        money: [
            "$": Currency("δολάρια", "σεντς"), "€": Currency("ευρώ", "σεντς"), "£": Currency("λίρες", "σεντς"),
            "¥": Currency("γιεν", "σεντς"),
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "Ιανουαρίου", "Φεβρουαρίου", "Μαρτίου", "Απριλίου", "Μαΐου", "Ιουνίου", "Ιουλίου", "Αυγούστου", "Σεπτεμβρίου",
            "Οκτωβρίου", "Νοεμβρίου", "Δεκεμβρίου",
        ],
        abbreviations: ["κ.λπ.": "και λοιπά", "κ.ά.": "και άλλα", "π.χ.": "για παράδειγμα"],
        marks: [".": "τελεία"]
    )

    static let hebrew = LanguageWords(
        point: "נקודה", decimal: ".", thousands: [","],
        minus: "מינוס", plus: "פלוס", and: "ו", to: "עד", equals: "שווה", times: "כפול",
        number: "מספר", at: "שטרודל", percent: "אחוז", degrees: "מעלה|מעלות",
        money: [
            "$": Currency("דולר", "סנט"), "₪": Currency("שקל", "אגורות"), "€": Currency("אירו", "סנט"), "£": Currency("לירות", "סנט"),
            "¥": Currency("ין", "סנט"),
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "בינואר", "בפברואר", "במרץ", "באפריל", "במאי", "ביוני", "ביולי", "באוגוסט", "בספטמבר",
            "באוקטובר", "בנובמבר", "בדצמבר",
        ],
        marks: [".": "נקודה"]
    )

    static let malay = LanguageWords(
        point: "perpuluhan", decimal: ".", thousands: [","],
        minus: "negatif", plus: "tambah", and: "dan", to: "hingga", equals: "sama dengan", times: "kali",
        number: "nombor", at: "alias", percent: "peratus", degrees: "darjah",
        money: [
            "$": Currency("dolar", "sen"), "RM": Currency("ringgit", "sen"), "€": Currency("euro", "sen"), "£": Currency("paun", "sen"),
            "¥": Currency("yen", "sen"),
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "Januari", "Februari", "Mac", "April", "Mei", "Jun", "Julai", "Ogos", "September",
            "Oktober", "November", "Disember",
        ],
        marks: [".": "titik"]
    )

    static let swahili = LanguageWords(
        point: "nukta", decimal: ".", thousands: [","],
        minus: "kasoro", plus: "kujumlisha", and: "na", to: "hadi", equals: "ni sawa na", times: "mara",
        number: "nambari", at: "at", percent: "asilimia", degrees: "digrii",
        money: [
            "$": Currency("dola", "senti"), "€": Currency("yuro", "senti"), "£": Currency("pauni", "senti"),
            "¥": Currency("yeni", "senti"),
        ],
        time: "%h %m", fullHour: "%h",
        months: [
            "Januari", "Februari", "Machi", "Aprili", "Mei", "Juni", "Julai", "Agosti", "Septemba",
            "Oktoba", "Novemba", "Desemba",
        ],
        marks: [".": "nukta"]
    )
}
