/// Words and rules for Spanish.
extension LanguageWords {
    static let spanish = LanguageWords(
        point: "coma",
        minus: "menos", plus: "más", and: "y", to: "a", equals: "igual a", times: "por",
        number: "número", at: "arroba", percent: "por ciento", degrees: "grado|grados",
        money: [
            "$": Currency("dólar|dólares", "céntimo|céntimos"), "€": Currency("euro|euros", "céntimo|céntimos"),
            "£": Currency("libra|libras", "céntimo|céntimos"), "¥": Currency("yen|yenes", "céntimo|céntimos"),
            "₽": Currency("rublo|rublos", "kopek|kopeks"), "MXN": Currency("peso|pesos", "centavo|centavos"),
        ],
        units: [
            "cm": "centímetro|centímetros", "g": "gramo|gramos", "GB": "gigabyte|gigabytes", "h": "hora|horas",
            "ha": "hectárea|hectáreas", "kg": "kilogramo|kilogramos", "km": "kilómetro|kilómetros",
            "km/h": "kilómetro por hora|kilómetros por hora", "km²": "kilómetro cuadrado|kilómetros cuadrados",
            "kW": "kilovatio|kilovatios", "kWh": "kilovatio hora|kilovatios hora", "l": "litro|litros", "m": "metro|metros",
            "m²": "metro cuadrado|metros cuadrados", "m³": "metro cúbico|metros cúbicos", "MB": "megabyte|megabytes",
            "mg": "miligramo|miligramos", "min": "minuto|minutos", "ml": "mililitro|mililitros", "mm": "milímetro|milímetros",
            "s": "segundo|segundos", "t": "tonelada|toneladas",
        ],
        magnitudes: ["M": "millón|millones"],
        ofMoney: "de",
        time: "%h y %m", fullHour: "%h en punto",
        months: [
            "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
            "diciembre",
        ],
        date: "%d de %m de %y", firstDay: "primero",
        abbreviations: [
            "a. C.": "antes de Cristo", "Av.": "avenida", "d. C.": "después de Cristo", "Dr.": "doctor", "Dra.": "doctora",
            "EE. UU.": "Estados Unidos", "etc.": "etcétera", "n.º": "número", "nº": "número", "núm.": "número", "p. ej.": "por ejemplo",
            "pág.": "página", "págs.": "páginas",
            "Prof.": "profesor", "s.": "siglo", "Sr.": "señor", "Sra.": "señora", "Sres.": "señores", "Srta.": "señorita",
            "tel.": "teléfono",
            "Ud.": "usted", "Uds.": "ustedes", "Tel.": "teléfono",
        ],
        marks: ["_": "guion bajo", "-": "guion", ".": "punto", "@": "arroba", "/": "barra"],
        formulas: [
            "§": "sección", "*": "por", "/": "dividido entre", "±": "más menos", "÷": "dividido entre", "<": "menor que",
            "≠": "distinto de", ">": "mayor que", "√": "raíz de", "∞": "infinito", "≈": "aproximadamente", "≤": "menor o igual que",
            "≥": "mayor o igual que",
        ],
        moreThan: "más de", lessThan: "menos de",
        square: "al cuadrado", cube: "al cubo", power: "elevado a", over: "sobre", permille: "por mil",
        numbered: ["acto", "anexo", "artículo", "capítulo", "escena", "libro", "parte", "siglo", "tomo"],
        telephone: Telephone(
            introductions: ["tel", "tfno", "tlf", "teléfono", "móvil", "celular", "fax"],
            extensionSigns: ["ext.", "ext", "extensión"], extension: "extensión")
    )
}
