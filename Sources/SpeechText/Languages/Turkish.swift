/// Words and rules for Turkish.
extension LanguageWords {
    static let turkish = LanguageWords(
        point: "virgül",
        minus: "eksi", plus: "artı", and: "ve", to: "ile", equals: "eşittir", times: "çarpı",
        number: "numara", at: "et", percent: "yüzde", degrees: "derece",
        money: [
            "$": Currency("dolar", "sent"), "€": Currency("avro", "sent"), "£": Currency("sterlin", "sent"),
            "¥": Currency("yen", "sent"), "₺": Currency("lira", "kuruş"), "TL": Currency("lira", "kuruş"),
            "TRY": Currency("lira", "kuruş"),
        ],
        hasAndInMoney: false,
        units: [
            "cm": "santimetre", "dk": "dakika", "g": "gram", "kg": "kilogram", "km": "kilometre", "km/s": "kilometre saatte",
            "km/sa": "kilometre saatte",
            "l": "litre", "m": "metre", "ml": "mililitre", "mm": "milimetre", "sa": "saat", "sn": "saniye",
        ],
        magnitudes: ["mn": "milyon", "mlr": "milyar"],
        scales: ["Celsius": "santigrat", "Fahrenheit": "fahrenhayt"],
        time: "%h %m", fullHour: "%h",
        months: ["Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"],
        abbreviations: [
            "Av.": "avukat", "bkz.": "bakınız", "Dr.": "doktor", "no.": "numara", "No.": "numara", "örn.": "örneğin", "Prof.": "profesör",
            "Sn.": "sayın", "vb.": "ve benzeri", "vs.": "vesaire", "yy.": "yüzyıl", "Tel.": "telefon", "tel.": "telefon",
        ],
        marks: ["_": "alt çizgi", "-": "tire", ".": "nokta", "@": "et", "/": "bölü"],
        formulas: [
            "*": "çarpı", "/": "bölü", "±": "artı eksi", "÷": "bölü", "<": "küçüktür", "≠": "eşit değildir", ">": "büyüktür",
            "√": "karekök", "∞": "sonsuz", "≈": "yaklaşık", "≤": "küçük eşit", "≥": "büyük eşit",
        ],
        square: "kare", cube: "küp", power: "üssü", over: "bölü",
        numbered: ["bölüm", "cilt", "kısım", "perde"],
        telephone: Telephone(
            introductions: ["tel", "telefon", "gsm", "cep", "faks"], extensionSigns: ["dahili"], extension: "dahili",
            saysGroups: true)
    )
}
