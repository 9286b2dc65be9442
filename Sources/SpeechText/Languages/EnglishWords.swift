/// Words and rules for English; ``English`` has the words of its own rules.
extension LanguageWords {
    static let english = LanguageWords(
        point: "point", decimal: ".", thousands: [","],
        minus: "minus", plus: "plus", and: "and", to: "to", equals: "equals", times: "times",
        number: "number", at: "at", percent: "percent", degrees: "degree|degrees",
        money: [
            "$": Currency("dollar|dollars", "cent|cents"), "€": Currency("euro|euros", "cent|cents"),
            "£": Currency("pound|pounds", "penny|pence"), "¥": Currency("yen", "cent|cents"), "₩": Currency("won", "jeon"),
            "₪": Currency("shekel|shekels", "agora|agorot"), "₹": Currency("rupee|rupees", "paisa|paise"),
            "₺": Currency("lira", "kurush"), "₽": Currency("ruble|rubles", "kopek|kopeks"), "₿": Currency("bitcoin", "cent|cents"),
            "¢": Currency("cent|cents", "cent|cents"), "AUD": Currency("Australian dollar|Australian dollars", "cent|cents"),
            "CAD": Currency("Canadian dollar|Canadian dollars", "cent|cents"),
            "CHF": Currency("Swiss franc|Swiss francs", "centime|centimes"),
            "CNY": Currency("yuan", "fen"), "HKD": Currency("Hong Kong dollar|Hong Kong dollars", "cent|cents"),
            "INR": Currency("rupee|rupees", "paisa|paise"), "NZD": Currency("New Zealand dollar|New Zealand dollars", "cent|cents"),
            "SGD": Currency("Singapore dollar|Singapore dollars", "cent|cents"),
        ],
        units: [
            "cm": "centimeter|centimeters", "dB": "decibel|decibels", "ft": "foot|feet", "g": "gram|grams",
            "GB": "gigabyte|gigabytes", "GHz": "gigahertz", "h": "hour|hours", "ha": "hectare|hectares", "hr": "hour|hours",
            "hrs": "hour|hours", "Hz": "hertz", "kB": "kilobyte|kilobytes", "KB": "kilobyte|kilobytes",
            "kbps": "kilobit per second|kilobits per second", "kg": "kilogram|kilograms", "kHz": "kilohertz",
            "km": "kilometer|kilometers", "km/h": "kilometer per hour|kilometers per hour",
            "km²": "square kilometer|square kilometers", "kW": "kilowatt|kilowatts", "kWh": "kilowatt hour|kilowatt hours",
            "l": "liter|liters", "L": "liter|liters", "lb": "pound|pounds", "lbs": "pound|pounds", "m": "meter|meters",
            "m/s": "meter per second|meters per second", "m²": "square meter|square meters", "m³": "cubic meter|cubic meters",
            "MB": "megabyte|megabytes", "Mbps": "megabit per second|megabits per second", "mg": "milligram|milligrams",
            "MHz": "megahertz", "mi": "mile|miles", "min": "minute|minutes", "mins": "minute|minutes",
            "ml": "milliliter|milliliters", "mL": "milliliter|milliliters", "mm": "millimeter|millimeters",
            "mph": "mile per hour|miles per hour", "ms": "millisecond|milliseconds", "MW": "megawatt|megawatts",
            "oz": "ounce|ounces", "px": "pixel|pixels", "s": "second|seconds", "sec": "second|seconds", "TB": "terabyte|terabytes",
            "V": "volt|volts", "W": "watt|watts", "yd": "yard|yards",
            "µg": "microgram|micrograms", "µm": "micrometer|micrometers", "µs": "microsecond|microseconds", "μg": "microgram|micrograms",
            "μm": "micrometer|micrometers", "μs": "microsecond|microseconds",
        ],
        time: "%h %m", fullHour: "%h o'clock",
        months: [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
            "December",
        ],
        formulas: [
            "*": "times", "/": "divided by", "→": "to", "÷": "divided by", "<": "is less than", "≠": "is not equal to",
            ">": "is greater than", "√": "square root of", "∞": "infinity", "≤": "is at most", "≥": "is at least",
        ],
        moreThan: "more than", lessThan: "less than",
        square: "squared", cube: "cubed", power: "to the power of", permille: "per mille",
        telephone: Telephone(
            introductions: ["isbn", "pin", "tel", "telephone", "phone", "mobile", "cell", "fax", "hotline"],
            extensionSigns: ["ext.", "ext", "extension", "x"], extension: "extension")
    )
}
