/// Fractions in words.
enum Fractions {
    private static let arabic: [Int: (one: String, many: String)] = [
        2: ("نصف", "أنصاف"), 3: ("ثلث", "أثلاث"), 4: ("ربع", "أرباع"), 5: ("خمس", "أخماس"), 6: ("سدس", "أسداس"), 7: ("سبع", "أسباع"),
        8: ("ثمن", "أثمان"), 9: ("تسع", "أتساع"), 10: ("عشر", "أعشار"),
    ]
    /// From a half on.
    private static let nordic = [
        "sv": ["en halv", "tredjedel", "fjärdedel", "femtedel", "sjättedel", "sjundedel", "åttondel", "niondel", "tiondel"],
        "da": ["en halv", "tredjedel", "fjerdedel", "femtedel", "sjettedel", "syvendedel", "ottendedel", "niendedel", "tiendedel"],
        "no": ["en halv", "tredjedel", "fjerdedel", "femtedel", "sjettedel", "sjuendedel", "åttendedel", "niendedel", "tiendedel"],
    ]

    /// "drei Viertel"; nil where a language has no name for it here.
    static func said(_ a: Int, _ b: Int, _ language: String, _ speller: NumberSpeller) -> String? {
        guard a > 0, b > 1, a < b, b <= 10 || language == "zh" || language == "ja" || language == "ko" else { return nil }
        let isOne = a == 1, number = speller.cardinal(a)
        switch language {
        case "de":
            if b == 2 { return "ein halb" }
            let stem = [3: "Drittel", 4: "Viertel", 5: "Fünftel", 6: "Sechstel", 7: "Siebtel", 8: "Achtel", 9: "Neuntel", 10: "Zehntel"][b]!
            return (isOne ? "ein" : number) + " " + stem
        case "fr":
            let names = [2: "demi", 3: "tiers", 4: "quart"]
            if let name = names[b] { return number + " " + name + (isOne || name.hasSuffix("s") ? "" : "s") }
            return number + " " + Ordinals.french(b, speller) + (isOne ? "" : "s")
        case "es":
            let name = [
                2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno", 10: "décimo",
            ][b]!
            return (isOne ? "un" : number) + " " + name + (isOne ? "" : "s")
        case "pt":
            let name = [2: "meio", 3: "terço", 4: "quarto", 5: "quinto", 6: "sexto", 7: "sétimo", 8: "oitavo", 9: "nono", 10: "décimo"][b]!
            return number + " " + name + (isOne ? "" : "s")
        case "it":
            let name = [
                2: "mezzo", 3: "terzo", 4: "quarto", 5: "quinto", 6: "sesto", 7: "settimo", 8: "ottavo", 9: "nono", 10: "decimo",
            ][b]!
            return (isOne ? "un" : number) + " " + (isOne ? name : name.dropLast() + "i")
        case "nl":
            if b == 2 { return "een half" }
            return (isOne ? "een" : number) + " " + (b == 4 ? "kwart" : Ordinals.dutch(b, speller))
        case "pl":
            let names = [
                2: ("druga", "drugie"), 3: ("trzecia", "trzecie"), 4: ("czwarta", "czwarte"), 5: ("piąta", "piąte"),
                6: ("szósta", "szóste"), 7: ("siódma", "siódme"), 8: ("ósma", "ósme"), 9: ("dziewiąta", "dziewiąte"),
                10: ("dziesiąta", "dziesiąte"),
            ]
            let few = (2...4).contains(a)
            return (isOne ? "jedna" : a == 2 ? "dwie" : number) + " "
                + (isOne ? names[b]!.0 : few ? names[b]!.1 : String(names[b]!.1.dropLast()) + "ych")
        case "ru":
            if b == 2 { return "одна вторая" }
            let stems = [3: "трет", 4: "четвёрт", 5: "пят", 6: "шест", 7: "седьм", 8: "восьм", 9: "девят", 10: "десят"]
            return (isOne ? "одна" : a == 2 ? "две" : number) + " " + stems[b]! + (isOne ? b == 3 ? "ья" : "ая" : b == 3 ? "ьих" : "ых")
        case "zh": return "\(speller.cardinal(b))分之\(number)"
        case "ja": return "\(speller.cardinal(b))分の\(number)"
        case "ko": return "\(speller.cardinal(b))분의 \(number)"
        case "ar":
            return arabic[b].map { isOne ? $0.one : a == 2 ? $0.one + "ان" : (3...10).contains(a) ? "\(number) \($0.many)" : nil } ?? nil
        case "sv", "da", "no":
            guard let names = nordic[language] else { return nil }
            if b == 2 { return names[0] }
            return (isOne ? "en" : number) + " " + names[b - 2] + (isOne ? "" : language == "sv" ? "ar" : "e")
        default: return nil
        }
    }
}
