/// Words and rules for Portuguese.
extension LanguageWords {
    static let portuguese = LanguageWords(
        point: "vírgula",
        minus: "menos", plus: "mais", and: "e", to: "a", equals: "igual a", times: "vezes",
        number: "número", at: "arroba", percent: "por cento", degrees: "grau|graus",
        money: [
            "$": Currency("dólar|dólares", "cêntimo|cêntimos"), "€": Currency("euro|euros", "cêntimo|cêntimos"),
            "£": Currency("libra|libras", "cêntimo|cêntimos"), "¥": Currency("iene|ienes", "cêntimo|cêntimos"),
            "₽": Currency("rublo|rublos", "copeque|copeques"), "BRL": Currency("real|reais", "centavo|centavos"),
        ],
        units: [
            "cm": "centímetro|centímetros", "g": "grama|gramas", "GB": "gigabyte|gigabytes", "h": "hora|horas",
            "ha": "hectare|hectares", "kg": "quilograma|quilogramas", "km": "quilômetro|quilômetros",
            "km/h": "quilômetro por hora|quilômetros por hora", "km²": "quilômetro quadrado|quilômetros quadrados",
            "kW": "quilowatt|quilowatts", "kWh": "quilowatt-hora|quilowatts-hora", "l": "litro|litros", "m": "metro|metros",
            "m²": "metro quadrado|metros quadrados", "m³": "metro cúbico|metros cúbicos", "MB": "megabyte|megabytes",
            "mg": "miligrama|miligramas", "min": "minuto|minutos", "ml": "mililitro|mililitros", "mm": "milímetro|milímetros",
            "s": "segundo|segundos", "t": "tonelada|toneladas",
        ],
        magnitudes: ["mi": "milhão|milhões", "bi": "bilhão|bilhões"],
        ofMoney: "de",
        time: "%h e %m", fullHour: "%h horas",
        months: [
            "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
            "dezembro",
        ],
        date: "%d de %m de %y", firstDay: "primeiro",
        abbreviations: [
            "a.C.": "antes de Cristo", "Av.": "avenida", "d.C.": "depois de Cristo", "Dr.": "doutor", "Dra.": "doutora",
            "etc.": "et cetera", "nº": "número", "p. ex.": "por exemplo", "pág.": "página", "Prof.": "professor",
            "Profa.": "professora", "Sr.": "senhor", "Sra.": "senhora", "Srs.": "senhores", "tel.": "telefone", "Tel.": "telefone",
        ],
        marks: ["_": "sublinhado", "-": "hífen", ".": "ponto", "@": "arroba", "/": "barra"],
        formulas: [
            "§": "parágrafo", "*": "vezes", "/": "dividido por", "±": "mais ou menos", "÷": "dividido por", "<": "menor que",
            "≠": "diferente de", ">": "maior que", "√": "raiz de", "∞": "infinito", "≈": "aproximadamente", "≤": "menor ou igual a",
            "≥": "maior ou igual a",
        ],
        moreThan: "mais de", lessThan: "menos de",
        square: "ao quadrado", cube: "ao cubo", power: "elevado a", over: "sobre", permille: "por mil",
        numbered: ["anexo", "artigo", "ato", "capítulo", "cena", "livro", "parte", "século", "tomo"],
        telephone: Telephone(
            introductions: ["tel", "telefone", "telemóvel", "celular", "fax"], extensionSigns: ["ramal", "ext."],
            extension: "ramal")
    )
}
