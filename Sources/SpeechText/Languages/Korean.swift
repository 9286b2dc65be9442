/// Words and rules for Korean.
extension LanguageWords {
    static let korean = LanguageWords(
        point: "점", decimal: ".", thousands: [","],
        minus: "마이너스", plus: "플러스", and: "그리고", to: "에서", equals: "은", times: "곱하기",
        number: "번", at: "골뱅이", percent: "퍼센트", degrees: "도",
        money: [
            "$": Currency("달러", "센트"), "€": Currency("유로", "센트"), "£": Currency("파운드", "센트"), "¥": Currency("엔", "센트"),
            "₩": Currency("원", "cent|cents"), "KRW": Currency("원", "cent|cents"),
        ],
        hasAndInMoney: false,
        units: [
            "cm": "센티미터", "g": "그램", "GB": "기가바이트", "kg": "킬로그램", "km": "킬로미터", "km/h": "킬로미터 퍼 아워", "kW": "킬로와트", "l": "리터",
            "L": "리터", "m": "미터", "m²": "제곱미터", "MB": "메가바이트", "mg": "밀리그램", "ml": "밀리리터", "mL": "밀리리터", "mm": "밀리미터",
        ],
        scales: ["Celsius": "", "Fahrenheit": "화씨"],
        time: "%h시 %m분", fullHour: "%h시",
        months: ["일월", "이월", "삼월", "사월", "오월", "유월", "칠월", "팔월", "구월", "시월", "십일월", "십이월"],
        date: "%y년 %m %d일",
        marks: ["_": "밑줄", "-": "하이픈", ".": "점", "@": "골뱅이", "/": "슬래시"],
        formulas: ["*": "곱하기", "/": "나누기", "±": "플러스 마이너스", "÷": "나누기", "≠": "같지 않음", "√": "루트", "∞": "무한대", "≈": "약"],
        square: "제곱", cube: "세제곱",
        telephone: Telephone(
            introductions: ["전화", "전화번호", "휴대폰", "핸드폰", "팩스"], extensionSigns: ["내선"], extension: "내선")
    )
}
