/// Words and rules for Japanese.
extension LanguageWords {
    static let japanese = LanguageWords(
        point: "点", decimal: ".", thousands: [","],
        minus: "マイナス", plus: "プラス", and: "と", to: "から", equals: "イコール", times: "かける",
        number: "番", at: "アット", percent: "パーセント", degrees: "度",
        money: [
            "$": Currency("ドル", "セント"), "€": Currency("ユーロ", "セント"), "£": Currency("ポンド", "セント"), "¥": Currency("円", "セント"),
            "￥": Currency("円", "cent|cents"), "JPY": Currency("円", "cent|cents"),
        ],
        hasAndInMoney: false,
        units: [
            "cm": "センチメートル", "g": "グラム", "GB": "ギガバイト", "kg": "キログラム", "km": "キロメートル", "km/h": "キロメートル毎時", "kW": "キロワット",
            "l": "リットル", "L": "リットル", "m": "メートル", "m²": "平方メートル", "MB": "メガバイト", "mg": "ミリグラム", "ml": "ミリリットル", "mL": "ミリリットル",
            "mm": "ミリメートル",
        ],
        scales: ["Celsius": "", "Fahrenheit": "華氏"],
        time: "%h時%m分", fullHour: "%h時",
        months: ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"],
        date: "%y年%m%d日",
        marks: ["_": "アンダーバー", "-": "ハイフン", ".": "ドット", "@": "アット", "/": "スラッシュ"],
        formulas: [
            "〜": "から", "*": "かける", "/": "わる", "±": "プラスマイナス", "÷": "わる", "<": "小なり", "≠": "ノットイコール", ">": "大なり", "√": "ルート",
            "∞": "無限大", "≈": "約", "≤": "以下", "≥": "以上",
        ],
        square: "の二乗", cube: "の三乗",
        telephone: Telephone(
            introductions: ["電話", "電話番号", "携帯", "ファックス"], extensionSigns: ["内線"], extension: "内線")
    )
}
