/// Words and rules for Chinese.
extension LanguageWords {
    static let chinese = LanguageWords(
        point: "点", decimal: ".", thousands: [","],
        minus: "负", plus: "加", and: "和", to: "到", equals: "等于", times: "乘",
        number: "号", at: "艾特", percent: "百分之", degrees: "度",
        money: [
            "$": Currency("美元", "分"), "€": Currency("欧元", "分"), "£": Currency("英镑", "分"), "¥": Currency("元", "分"),
            "￥": Currency("元", "分"), "CNY": Currency("元", "分"), "RMB": Currency("元", "分"),
        ],
        hasAndInMoney: false,
        units: [
            "cm": "厘米", "g": "克", "GB": "吉字节", "kg": "公斤", "km": "公里", "km/h": "公里每小时", "km²": "平方公里", "kW": "千瓦", "kWh": "千瓦时",
            "l": "升", "L": "升", "m": "米", "m²": "平方米", "MB": "兆字节", "mg": "毫克", "ml": "毫升", "mL": "毫升", "mm": "毫米",
        ],
        scales: ["Celsius": "摄氏", "Fahrenheit": "华氏"],
        time: "%h点%m分", fullHour: "%h点",
        months: ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"],
        date: "%y年%m%d日",
        marks: ["_": "下划线", "-": "横杠", ".": "点", "@": "艾特", "/": "斜杠"],
        formulas: [
            "*": "乘以", "/": "除以", "±": "正负", "÷": "除以", "<": "小于", "≠": "不等于", ">": "大于", "√": "根号", "∞": "无穷大", "≈": "约等于",
            "≤": "小于等于", "≥": "大于等于",
        ],
        moreThan: "大于", lessThan: "小于",
        square: "平方", cube: "立方",
        telephone: Telephone(
            introductions: ["电话", "手机", "热线", "拨打", "致电", "传真"], extensionSigns: ["转", "分机"], extension: "转")
    )
}
