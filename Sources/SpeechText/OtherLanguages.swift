/// What the tables of ``LanguageWords`` have beyond numbers and signs, language by language.
extension LanguageWords {
    func completed(as language: String) -> LanguageWords {
        var words = self
        switch language {
        case "en": words.english()
        case "de": words.german()
        case "fr": words.french()
        case "es": words.spanish()
        case "it": words.italian()
        case "pt": words.portuguese()
        case "nl": words.dutch()
        case "pl": words.polish()
        case "ru": words.russian()
        case "tr": words.turkish()
        case "hi": words.hindi()
        case "zh": words.chinese()
        case "ja": words.japanese()
        case "ko": words.korean()
        case "ar": words.arabic()
        case "sv": words.swedish()
        case "da": words.danish()
        case "no": words.norwegian()
        default: break
        }
        return words
    }

    private static func same(_ units: [String: String]) -> [String: Forms] { units.mapValues { ($0, $0) } }

    private mutating func arithmetic(_ signs: String) {
        for pair in signs.split(separator: ";") {
            let parts = pair.split(separator: " ", maxSplits: 1)
            if parts.count == 2, let sign = parts[0].unicodeScalars.first { formulas[sign] = String(parts[1]) }
        }
    }

    private mutating func address(_ dot: String, _ slash: String, _ dash: String, _ underscore: String) {
        marks = [".": dot, "/": slash, "-": dash, "_": underscore, "@": at]
    }

    private mutating func english() {
        arithmetic("÷ divided by;≤ is at most;≥ is at least;≠ is not equal to;∞ infinity;√ square root of;→ to;< is less than;> is greater than;* times;/ divided by")
        (square, cube, power) = ("squared", "cubed", "to the power of")
        otherMoney = ["₹": ("rupee", "rupees"), "₩": ("won", "won"), "₽": ("ruble", "rubles"), "₺": ("lira", "lira"), "₪": ("shekel", "shekels"), "₿": ("bitcoin", "bitcoin")]
        permille = "per mille"
    }

    private mutating func german() {
        arithmetic("÷ geteilt durch;≤ ist höchstens;≥ ist mindestens;≠ ungleich;∞ unendlich;√ Wurzel aus;< ist kleiner als;> ist größer als;* mal;/ geteilt durch;≈ ungefähr;± plus minus;§ Paragraf")
        (square, cube, power, over, permille) = ("zum Quadrat", "hoch drei", "hoch", "durch", "Promille")
        address("Punkt", "Schrägstrich", "Bindestrich", "Unterstrich")
        otherMoney = ["CHF": ("ein Franken", "Franken"), "₽": ("ein Rubel", "Rubel"), "₹": ("eine Rupie", "Rupien"), "₺": ("eine Lira", "Lira")]
        otherCent = ("ein Rappen", "Rappen")
        units.merge([
            "m²": ("ein Quadratmeter", "Quadratmeter"), "km²": ("ein Quadratkilometer", "Quadratkilometer"), "m³": ("ein Kubikmeter", "Kubikmeter"), "s": ("eine Sekunde", "Sekunden"),
            "Std": ("eine Stunde", "Stunden"), "Min": ("eine Minute", "Minuten"), "Sek": ("eine Sekunde", "Sekunden"), "kW": ("ein Kilowatt", "Kilowatt"), "kWh": ("eine Kilowattstunde", "Kilowattstunden"),
            "GB": ("ein Gigabyte", "Gigabyte"), "MB": ("ein Megabyte", "Megabyte"), "Mio": ("eine Million", "Millionen"), "Mrd": ("eine Milliarde", "Milliarden"), "mg": ("ein Milligramm", "Milligramm"),
            "ha": ("ein Hektar", "Hektar"), "W": ("ein Watt", "Watt"), "V": ("ein Volt", "Volt"), "Hz": ("ein Hertz", "Hertz"), "t": ("eine Tonne", "Tonnen"),
        ]) { $1 }
        abbreviations.merge(["S.": "Seite", "Abb.": "Abbildung", "inkl.": "inklusive", "max.": "maximal", "min.": "minimal", "St.": "Sankt", "o. ä.": "oder ähnlich", "v. Chr.": "vor Christus", "n. Chr.": "nach Christus", "Tel.": "Telefon", "geb.": "geboren", "u. s. w.": "und so weiter"]) { $1 }
        numbered = ["kapitel", "teil", "band", "akt", "szene", "abschnitt", "artikel", "anhang", "weltkrieg"]
    }

    private mutating func french() {
        arithmetic("÷ divisé par;≤ inférieur ou égal à;≥ supérieur ou égal à;≠ différent de;∞ infini;√ racine de;< inférieur à;> supérieur à;* fois;/ divisé par;≈ environ;± plus ou moins;§ paragraphe")
        (square, cube, power, over, permille) = ("au carré", "au cube", "puissance", "sur", "pour mille")
        address("point", "slash", "tiret", "tiret bas")
        otherMoney = ["CHF": ("franc", "francs"), "₽": ("rouble", "roubles"), "F": ("franc", "francs")]
        otherCent = ("centime", "centimes")
        units.merge([
            "m²": ("mètre carré", "mètres carrés"), "km²": ("kilomètre carré", "kilomètres carrés"), "m³": ("mètre cube", "mètres cubes"), "s": ("seconde", "secondes"), "kW": ("kilowatt", "kilowatts"),
            "kWh": ("kilowattheure", "kilowattheures"), "Go": ("gigaoctet", "gigaoctets"), "Mo": ("mégaoctet", "mégaoctets"), "mg": ("milligramme", "milligrammes"), "ha": ("hectare", "hectares"), "t": ("tonne", "tonnes"),
        ]) { $1 }
        abbreviations.merge(["MM.": "Messieurs", "Mmes": "Mesdames", "Pr": "Professeur", "Ste": "Sainte", "n°": "numéro", "p.": "page", "av. J.-C.": "avant Jésus-Christ", "env.": "environ", "bd": "boulevard", "tél.": "téléphone"]) { $1 }
        numbered = ["chapitre", "partie", "tome", "acte", "scène", "article", "livre", "annexe"]
    }

    private mutating func spanish() {
        arithmetic("÷ dividido entre;≤ menor o igual que;≥ mayor o igual que;≠ distinto de;∞ infinito;√ raíz de;< menor que;> mayor que;* por;/ dividido entre;≈ aproximadamente;± más menos;§ sección")
        (square, cube, power, over, permille) = ("al cuadrado", "al cubo", "elevado a", "sobre", "por mil")
        address("punto", "barra", "guion", "guion bajo")
        otherMoney = ["MXN": ("peso", "pesos"), "₽": ("rublo", "rublos")]
        otherCent = ("centavo", "centavos")
        units.merge([
            "m²": ("metro cuadrado", "metros cuadrados"), "km²": ("kilómetro cuadrado", "kilómetros cuadrados"), "m³": ("metro cúbico", "metros cúbicos"), "s": ("segundo", "segundos"), "kW": ("kilovatio", "kilovatios"),
            "kWh": ("kilovatio hora", "kilovatios hora"), "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"), "mg": ("miligramo", "miligramos"), "ha": ("hectárea", "hectáreas"), "t": ("tonelada", "toneladas"),
        ]) { $1 }
        abbreviations.merge(["Sres.": "señores", "Ud.": "usted", "Uds.": "ustedes", "pág.": "página", "núm.": "número", "tel.": "teléfono", "a. C.": "antes de Cristo", "d. C.": "después de Cristo", "Prof.": "profesor", "Av.": "avenida"]) { $1 }
        numbered = ["capítulo", "parte", "tomo", "acto", "escena", "artículo", "siglo", "libro", "anexo"]
    }

    private mutating func italian() {
        arithmetic("÷ diviso;≤ minore o uguale a;≥ maggiore o uguale a;≠ diverso da;∞ infinito;√ radice di;< minore di;> maggiore di;* per;/ diviso;≈ circa;± più o meno;§ paragrafo")
        (square, cube, power, over, permille) = ("al quadrato", "al cubo", "alla", "su", "per mille")
        address("punto", "barra", "trattino", "trattino basso")
        otherMoney = ["CHF": ("franco", "franchi"), "₽": ("rublo", "rubli")]
        otherCent = ("centesimo", "centesimi")
        units.merge([
            "m²": ("metro quadrato", "metri quadrati"), "km²": ("chilometro quadrato", "chilometri quadrati"), "m³": ("metro cubo", "metri cubi"), "s": ("secondo", "secondi"), "kW": ("chilowatt", "chilowatt"),
            "kWh": ("chilowattora", "chilowattora"), "GB": ("gigabyte", "gigabyte"), "MB": ("megabyte", "megabyte"), "mg": ("milligrammo", "milligrammi"), "ha": ("ettaro", "ettari"), "t": ("tonnellata", "tonnellate"),
        ]) { $1 }
        abbreviations.merge(["Sigg.": "signori", "Dott.ssa": "dottoressa", "Ing.": "ingegner", "Avv.": "avvocato", "pag.": "pagina", "n.": "numero", "tel.": "telefono", "a.C.": "avanti Cristo", "d.C.": "dopo Cristo", "S.": "San"]) { $1 }
        numbered = ["capitolo", "parte", "tomo", "atto", "scena", "articolo", "libro", "allegato"]
    }

    private mutating func portuguese() {
        arithmetic("÷ dividido por;≤ menor ou igual a;≥ maior ou igual a;≠ diferente de;∞ infinito;√ raiz de;< menor que;> maior que;* vezes;/ dividido por;≈ aproximadamente;± mais ou menos;§ parágrafo")
        (square, cube, power, over, permille) = ("ao quadrado", "ao cubo", "elevado a", "sobre", "por mil")
        address("ponto", "barra", "hífen", "sublinhado")
        otherMoney = ["BRL": ("real", "reais"), "₽": ("rublo", "rublos")]
        otherCent = ("centavo", "centavos")
        units.merge([
            "m²": ("metro quadrado", "metros quadrados"), "km²": ("quilómetro quadrado", "quilómetros quadrados"), "m³": ("metro cúbico", "metros cúbicos"), "s": ("segundo", "segundos"), "kW": ("quilowatt", "quilowatts"),
            "kWh": ("quilowatt-hora", "quilowatts-hora"), "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"), "mg": ("miligrama", "miligramas"), "ha": ("hectare", "hectares"), "t": ("tonelada", "toneladas"),
        ]) { $1 }
        abbreviations.merge(["Srs.": "senhores", "Prof.": "professor", "Profa.": "professora", "pág.": "página", "tel.": "telefone", "a.C.": "antes de Cristo", "d.C.": "depois de Cristo", "Av.": "avenida", "nº": "número"]) { $1 }
        numbered = ["capítulo", "parte", "tomo", "ato", "cena", "artigo", "século", "livro", "anexo"]
    }

    private mutating func dutch() {
        arithmetic("÷ gedeeld door;≤ hoogstens;≥ minstens;≠ ongelijk aan;∞ oneindig;√ wortel van;< kleiner dan;> groter dan;* keer;/ gedeeld door;≈ ongeveer;± plus of min;§ paragraaf")
        (square, cube, power, over, permille) = ("kwadraat", "tot de derde", "tot de macht", "gedeeld door", "promille")
        address("punt", "slash", "streepje", "laag streepje")
        units.merge(["m²": ("vierkante meter", "vierkante meter"), "km²": ("vierkante kilometer", "vierkante kilometer"), "m³": ("kubieke meter", "kubieke meter"), "s": ("seconde", "seconden"), "kW": ("kilowatt", "kilowatt"), "GB": ("gigabyte", "gigabyte"), "MB": ("megabyte", "megabyte"), "mg": ("milligram", "milligram"), "ha": ("hectare", "hectare")]) { $1 }
        abbreviations.merge(["o.a.": "onder andere", "blz.": "bladzijde", "tel.": "telefoon", "a.u.b.": "alstublieft", "m.b.t.": "met betrekking tot", "Dr.": "dokter", "Prof.": "professor", "ca.": "circa"]) { $1 }
        numbered = ["hoofdstuk", "deel", "akte", "artikel", "boek", "bijlage"]
    }

    private mutating func polish() {
        arithmetic("÷ podzielić przez;≤ mniejsze lub równe;≥ większe lub równe;≠ nie równa się;∞ nieskończoność;√ pierwiastek z;< jest mniejsze niż;> jest większe niż;* razy;/ podzielić przez;≈ około;§ paragraf")
        (square, cube, power, over, permille) = ("do kwadratu", "do sześcianu", "do potęgi", "przez", "promili")
        address("kropka", "ukośnik", "myślnik", "podkreślenie")
        months = ["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"]
        otherMoney = ["zł": ("złotych", "złotych"), "PLN": ("złotych", "złotych")]
        otherCent = ("groszy", "groszy")
        (time, fullHour) = ("%h %m", "%h")
        scales = ["Celsius": "Celsjusza", "Fahrenheit": "Fahrenheita"]
        units = Self.same([
            "km": "kilometrów", "m": "metrów", "cm": "centymetrów", "mm": "milimetrów", "kg": "kilogramów", "g": "gramów", "l": "litrów", "ml": "mililitrów", "km/h": "kilometrów na godzinę",
            "min": "minut", "godz": "godzin", "h": "godzin", "s": "sekund",
        ])
        abbreviations = ["np.": "na przykład", "itd.": "i tak dalej", "itp.": "i tym podobne", "m.in.": "między innymi", "tzn.": "to znaczy", "tj.": "to jest", "ul.": "ulica", "nr": "numer", "dr": "doktor", "prof.": "profesor", "ok.": "około", "str.": "strona", "św.": "święty", "al.": "aleja", "tel.": "telefon"]
    }

    private mutating func russian() {
        arithmetic("÷ разделить на;≤ меньше или равно;≥ больше или равно;≠ не равно;∞ бесконечность;√ корень из;< меньше;> больше;* умножить на;/ разделить на;≈ примерно;± плюс-минус;§ параграф")
        (square, cube, power, over, permille) = ("в квадрате", "в кубе", "в степени", "на", "промилле")
        address("точка", "слэш", "дефис", "подчёркивание")
        months = ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"]
        otherMoney = ["₽": ("рублей", "рублей"), "руб": ("рублей", "рублей"), "RUB": ("рублей", "рублей")]
        otherCent = ("копеек", "копеек")
        hasAndInMoney = false
        scales = ["Celsius": "Цельсия", "Fahrenheit": "Фаренгейта"]
        units = Self.same([
            "км": "километров", "м": "метров", "см": "сантиметров", "мм": "миллиметров", "кг": "килограммов", "г": "граммов", "л": "литров", "мл": "миллилитров", "км/ч": "километров в час",
            "мин": "минут", "ч": "часов", "сек": "секунд",
        ])
        abbreviations = ["т. е.": "то есть", "т.е.": "то есть", "т. д.": "так далее", "т.д.": "так далее", "т. п.": "тому подобное", "т.п.": "тому подобное", "и др.": "и другие", "см.": "смотри", "ул.": "улица", "стр.": "страница", "им.": "имени", "д-р": "доктор", "проф.": "профессор", "тыс.": "тысяч", "млн": "миллионов", "млрд": "миллиардов"]
    }

    private mutating func turkish() {
        arithmetic("÷ bölü;≤ küçük eşit;≥ büyük eşit;≠ eşit değildir;∞ sonsuz;√ karekök;< küçüktür;> büyüktür;* çarpı;/ bölü;≈ yaklaşık;± artı eksi")
        (square, cube, power, over) = ("kare", "küp", "üssü", "bölü")
        address("nokta", "bölü", "tire", "alt çizgi")
        months = ["Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"]
        otherMoney = ["₺": ("lira", "lira"), "TL": ("lira", "lira"), "TRY": ("lira", "lira")]
        otherCent = ("kuruş", "kuruş")
        hasAndInMoney = false
        scales = ["Celsius": "santigrat", "Fahrenheit": "fahrenhayt"]
        units = Self.same([
            "km": "kilometre", "m": "metre", "cm": "santimetre", "mm": "milimetre", "kg": "kilogram", "g": "gram", "l": "litre", "ml": "mililitre", "km/s": "kilometre saatte", "dk": "dakika", "sn": "saniye", "sa": "saat",
        ])
        abbreviations = ["vb.": "ve benzeri", "vs.": "vesaire", "örn.": "örneğin", "Dr.": "doktor", "Prof.": "profesör", "Sn.": "sayın", "Av.": "avukat", "No.": "numara", "yy.": "yüzyıl", "bkz.": "bakınız"]
    }

    private mutating func hindi() {
        arithmetic("÷ भाग;∞ अनंत;√ वर्गमूल;* गुणा;≈ लगभग")
        over = "बटा"
        address("डॉट", "स्लैश", "डैश", "अंडरस्कोर")
        months = ["जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"]
        otherMoney = ["₹": ("रुपया", "रुपये"), "रु": ("रुपया", "रुपये")]
        otherCent = ("पैसा", "पैसे")
        hasAndInMoney = false
        (time, fullHour) = ("%h बजकर %m मिनट", "%h बजे")
        scales = ["Celsius": "सेल्सियस", "Fahrenheit": "फ़ारेनहाइट"]
        units = Self.same([
            "km": "किलोमीटर", "m": "मीटर", "cm": "सेंटीमीटर", "mm": "मिलीमीटर", "kg": "किलोग्राम", "g": "ग्राम", "l": "लीटर", "ml": "मिलीलीटर", "km/h": "किलोमीटर प्रति घंटा",
            "किमी": "किलोमीटर", "किग्रा": "किलोग्राम",
        ])
        abbreviations = ["डॉ.": "डॉक्टर", "प्रो.": "प्रोफ़ेसर", "श्री.": "श्री", "आदि.": "आदि", "उदा.": "उदाहरण"]
    }

    private mutating func chinese() {
        arithmetic("÷ 除以;≤ 小于等于;≥ 大于等于;≠ 不等于;∞ 无穷大;√ 根号;< 小于;> 大于;* 乘以;/ 除以;≈ 约等于;± 正负")
        (square, cube, permille) = ("平方", "立方", "千分之")
        permille = nil
        address("点", "斜杠", "横杠", "下划线")
        months = ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"]
        yen = ("元", "元")
        otherMoney = ["￥": ("元", "元"), "CNY": ("元", "元"), "RMB": ("元", "元")]
        hasAndInMoney = false
        otherCent = ("分", "分")
        cent = ("分", "分")
        (time, fullHour) = ("%h点%m分", "%h点")
        date = "%y年%m%d日"
        scales = ["Celsius": "摄氏", "Fahrenheit": "华氏"]
        units = Self.same([
            "km": "公里", "m": "米", "cm": "厘米", "mm": "毫米", "kg": "公斤", "g": "克", "mg": "毫克", "l": "升", "L": "升", "ml": "毫升", "mL": "毫升", "km/h": "公里每小时", "m²": "平方米", "km²": "平方公里",
            "GB": "吉字节", "MB": "兆字节", "kW": "千瓦", "kWh": "千瓦时",
        ])
    }

    private mutating func japanese() {
        arithmetic("÷ わる;≤ 以下;≥ 以上;≠ ノットイコール;∞ 無限大;√ ルート;< 小なり;> 大なり;* かける;/ わる;≈ 約;± プラスマイナス;〜 から")
        (square, cube) = ("の二乗", "の三乗")
        address("ドット", "スラッシュ", "ハイフン", "アンダーバー")
        months = ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"]
        otherMoney = ["￥": ("円", "円"), "JPY": ("円", "円")]
        hasAndInMoney = false
        (time, fullHour) = ("%h時%m分", "%h時")
        date = "%y年%m%d日"
        scales = ["Celsius": "", "Fahrenheit": "華氏"]
        units = Self.same([
            "km": "キロメートル", "m": "メートル", "cm": "センチメートル", "mm": "ミリメートル", "kg": "キログラム", "g": "グラム", "mg": "ミリグラム", "l": "リットル", "L": "リットル", "ml": "ミリリットル", "mL": "ミリリットル",
            "km/h": "キロメートル毎時", "m²": "平方メートル", "GB": "ギガバイト", "MB": "メガバイト", "kW": "キロワット",
        ])
    }

    private mutating func korean() {
        arithmetic("÷ 나누기;≠ 같지 않음;∞ 무한대;√ 루트;* 곱하기;/ 나누기;≈ 약;± 플러스 마이너스")
        (square, cube) = ("제곱", "세제곱")
        address("점", "슬래시", "하이픈", "밑줄")
        months = ["일월", "이월", "삼월", "사월", "오월", "유월", "칠월", "팔월", "구월", "시월", "십일월", "십이월"]
        otherMoney = ["₩": ("원", "원"), "KRW": ("원", "원")]
        hasAndInMoney = false
        (time, fullHour) = ("%h시 %m분", "%h시")
        date = "%y년 %m %d일"
        scales = ["Celsius": "", "Fahrenheit": "화씨"]
        units = Self.same([
            "km": "킬로미터", "m": "미터", "cm": "센티미터", "mm": "밀리미터", "kg": "킬로그램", "g": "그램", "mg": "밀리그램", "l": "리터", "L": "리터", "ml": "밀리리터", "mL": "밀리리터", "km/h": "킬로미터 퍼 아워",
            "m²": "제곱미터", "GB": "기가바이트", "MB": "메가바이트", "kW": "킬로와트",
        ])
    }

    private mutating func arabic() {
        arithmetic("÷ على;∞ ما لا نهاية;√ جذر;* ضرب;≈ حوالي")
        over = "على"
        address("نقطة", "شرطة مائلة", "شرطة", "شرطة سفلية")
        months = ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"]
        otherMoney = ["ر.س": ("ريال", "ريال"), "SAR": ("ريال", "ريال"), "AED": ("درهم", "درهم"), "EGP": ("جنيه", "جنيه")]
        (time, fullHour) = ("%h و%m دقيقة", "%h")
        scales = ["Celsius": "مئوية", "Fahrenheit": "فهرنهايت"]
        units = Self.same(["كم": "كيلومتر", "م": "متر", "سم": "سنتيمتر", "كغ": "كيلوغرام", "كجم": "كيلوغرام", "غ": "غرام", "km": "كيلومتر", "kg": "كيلوغرام", "cm": "سنتيمتر", "g": "غرام"])
        abbreviations = ["د.": "دكتور", "أ.": "أستاذ", "م.": "مهندس"]
    }

    private mutating func swedish() {
        address("punkt", "snedstreck", "bindestreck", "understreck")
        (square, cube, over) = ("i kvadrat", "i kubik", "genom")
        months = ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"]
        otherMoney = ["kr": ("krona", "kronor"), "SEK": ("krona", "kronor")]
        otherCent = ("öre", "öre")
        (time, fullHour) = ("%h %m", "%h")
        units = Self.same(["km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "kg": "kilogram", "g": "gram", "l": "liter", "km/h": "kilometer i timmen", "min": "minuter", "tim": "timmar"])
        abbreviations = ["t.ex.": "till exempel", "bl.a.": "bland annat", "osv.": "och så vidare", "dvs.": "det vill säga", "ca": "cirka", "kl.": "klockan", "nr": "nummer", "m.m.": "med mera"]
    }

    private mutating func danish() {
        address("punktum", "skråstreg", "bindestreg", "understreg")
        (square, cube, over) = ("i anden", "i tredje", "over")
        months = ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"]
        otherMoney = ["kr": ("krone", "kroner"), "DKK": ("krone", "kroner")]
        otherCent = ("øre", "øre")
        units = Self.same(["km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "kg": "kilogram", "g": "gram", "l": "liter", "km/t": "kilometer i timen", "min": "minutter"])
        abbreviations = ["f.eks.": "for eksempel", "bl.a.": "blandt andet", "osv.": "og så videre", "dvs.": "det vil sige", "ca.": "cirka", "kl.": "klokken", "nr.": "nummer", "m.m.": "med mere"]
    }

    private mutating func norwegian() {
        address("punktum", "skråstrek", "bindestrek", "understrek")
        (square, cube, over) = ("i annen", "i tredje", "delt på")
        months = ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"]
        otherMoney = ["kr": ("krone", "kroner"), "NOK": ("krone", "kroner")]
        otherCent = ("øre", "øre")
        units = Self.same(["km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "kg": "kilogram", "g": "gram", "l": "liter", "km/t": "kilometer i timen", "min": "minutter"])
        abbreviations = ["f.eks.": "for eksempel", "bl.a.": "blant annet", "osv.": "og så videre", "dvs.": "det vil si", "ca.": "cirka", "kl.": "klokken", "nr.": "nummer", "m.m.": "med mer"]
    }
}
