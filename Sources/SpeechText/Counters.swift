/// Numbers that are said otherwise before what they count.
extension TextScanner {
    /// 2个, 3개, 6월: Chinese and Korean numbers before their counters; years of Russian and Polish.
    func counter(_ number: Number) -> Match? {
        guard let value = number.value else { return nil }
        switch form.language {
        case "zh":
            guard value == 2, let next = scalar(number.end), Self.chineseMeasures.contains(next), scalar(number.end - 2) != "第" else {
                return nil
            }
            return Match(number.end, "两")
        case "ko":
            let next = skippingSpace(number.end)
            // Written next to it, a year, month or day is one word with its number.
            for unit in ["년대", "년", "월", "일", "분", "초", "원", "층", "도"] where has(unit, at: number.end) {
                let irregular = unit == "월" ? [6: "유", 10: "시"] : [:]
                return Match(number.end + unit.unicodeScalars.count, (irregular[value] ?? say(number)) + unit)
            }
            // "세 시": hours of the day are counted by Korea's own numbers up to twelve.
            if has("시", at: number.end), !["간", "즌", "장", "리", "속"].contains(scalar(number.end + 1)) {
                return Match(number.end + 1, ((1...12).contains(value) ? Self.native(value) + " " : say(number)) + "시")
            }
            if value == 1, has("번째", at: next) { return Match(next, "첫 ") }
            guard (1...99).contains(value), Self.koreanCounters.contains(where: { has($0, at: next) }) else { return nil }
            return Match(next, Self.native(value) + " ")
        case "ru", "pl": return slavicYear(number)
        default: return nil
        }
    }

    private static let chineseMeasures = Set("个位只条张本件次天岁种家名人周倍米公千百万亿元块斤年双对辆座間间页小分".unicodeScalars)
    private static let koreanCounters = [
        "개", "명", "살", "시간", "마리", "권", "잔", "병", "장", "대", "번째", "벌", "켤레", "송이", "그루", "가지", "달", "사람", "군데",
    ]

    /// Korea's own numbers, as they stand before a counter.
    static func native(_ value: Int) -> String {
        let ones = ["", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"], tens = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
        return value == 20 ? "스무" : tens[value / 10] + ones[value % 10]
    }
}
