/// Words of Russian and Polish that have three forms behind a number, by the form that is listed in the language's table.
enum PluralWords {
    typealias Forms = (one: String, few: String, many: String)

    static let russian: [String: Forms] = [
        "процентов": ("процент", "процента", "процентов"), "долларов": ("доллар", "доллара", "долларов"), "фунтов": ("фунт", "фунта", "фунтов"),
        "иен": ("иена", "иены", "иен"), "центов": ("цент", "цента", "центов"), "градусов": ("градус", "градуса", "градусов"), "рублей": ("рубль", "рубля", "рублей"),
        "копеек": ("копейка", "копейки", "копеек"), "километров": ("километр", "километра", "километров"), "метров": ("метр", "метра", "метров"),
        "сантиметров": ("сантиметр", "сантиметра", "сантиметров"), "миллиметров": ("миллиметр", "миллиметра", "миллиметров"),
        "килограммов": ("килограмм", "килограмма", "килограммов"), "граммов": ("грамм", "грамма", "граммов"), "литров": ("литр", "литра", "литров"),
        "миллилитров": ("миллилитр", "миллилитра", "миллилитров"), "километров в час": ("километр в час", "километра в час", "километров в час"),
        "минут": ("минута", "минуты", "минут"), "часов": ("час", "часа", "часов"), "секунд": ("секунда", "секунды", "секунд"),
    ]
    static let polish: [String: Forms] = [
        "procent": ("procent", "procent", "procent"), "dolarów": ("dolar", "dolary", "dolarów"), "funtów": ("funt", "funty", "funtów"), "jenów": ("jen", "jeny", "jenów"),
        "centów": ("cent", "centy", "centów"), "stopni": ("stopień", "stopnie", "stopni"), "złotych": ("złoty", "złote", "złotych"), "groszy": ("grosz", "grosze", "groszy"),
        "kilometrów": ("kilometr", "kilometry", "kilometrów"), "metrów": ("metr", "metry", "metrów"), "centymetrów": ("centymetr", "centymetry", "centymetrów"),
        "milimetrów": ("milimetr", "milimetry", "milimetrów"), "kilogramów": ("kilogram", "kilogramy", "kilogramów"), "gramów": ("gram", "gramy", "gramów"),
        "litrów": ("litr", "litry", "litrów"), "mililitrów": ("mililitr", "mililitry", "mililitrów"),
        "kilometrów na godzinę": ("kilometr na godzinę", "kilometry na godzinę", "kilometrów na godzinę"), "minut": ("minuta", "minuty", "minut"),
        "godzin": ("godzina", "godziny", "godzin"), "sekund": ("sekunda", "sekundy", "sekund"),
    ]
    /// Those of a fraction: "трёх целых пяти десятых процента", "3,5 procent".
    static func forms(of word: String, _ language: String) -> Forms? { language == "ru" ? russian[word] : language == "pl" ? polish[word] : nil }

    private static let feminine: Set<String> = ["иена", "копейка", "минута", "секунда", "minuta", "godzina", "sekunda"]

    static func isFeminine(_ forms: Forms) -> Bool { feminine.contains(forms.one) }
}
