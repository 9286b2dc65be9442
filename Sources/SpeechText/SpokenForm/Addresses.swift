/// Web and mail addresses.
extension TextScanner {
    /// https://example.com/a?b=1, www.example.com, name@example.com.
    func address(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        var start = index
        let isLink =
            (word.text == "http" || word.text == "https") && has("://", at: word.end) || word.text == "www" && scalar(word.end) == "."
        if isLink {
            if word.text != "www" { start = word.end + 3 }
            if has("www.", at: start) { start += 4 }
        } else {
            // The part of a mail address before the @ consists of letters, digits and a few marks.
            var end = word.end
            while let next = scalar(end), isWord(next) || [".", "_", "-", "+"].contains(next) { end += 1 }
            guard scalar(end) == "@", let next = scalar(end + 1), isWord(next) else { return nil }
        }
        var end = start
        while let next = scalar(end), !next.properties.isWhitespace, !["<", ">", "\"", "”", "“", "|", "，", "。"].contains(next) { end += 1 }
        while end > start, let last = scalar(end - 1), [".", ",", ";", ":", "!", "?", ")", "]", "'", "’"].contains(last) { end -= 1 }
        guard end > start, isLink || string(start..<end).contains(where: { $0 == "." }) else { return nil }
        return Match(end, spelled(start..<end))
    }

    /// github.com/apple, bbc.co.uk: words joined by full stops, with an ending of web addresses.
    func domain(_ index: Int, _ word: (text: String, end: Int)) -> Match? {
        guard scalar(word.end) == "." || scalar(word.end) == "-" || isDigit(scalar(word.end)),
            index == 0 || !"@./-_".unicodeScalars.contains(scalars[index - 1])
        else { return nil }
        var end = index, lastDot: Int?
        while let next = scalar(end), next.isASCII,
            isWord(next) || next == "-" || next == "." && scalar(end + 1).map({ $0.isASCII && isWord($0) }) == true
        {
            if next == "." { lastDot = end }
            end += 1
        }
        guard let lastDot, ends(end),
            Self.domains.contains(string(lastDot + 1..<end)) || Self.countries[form.language]?.contains(string(lastDot + 1..<end)) == true,
            scalar(end) != "-"
        else { return nil }
        if scalar(end) == "/" || scalar(end) == ":" && isDigit(scalar(end + 1)) {
            while let next = scalar(end), next.isASCII, !next.properties.isWhitespace, !["<", ">", "\"", "|"].contains(next) { end += 1 }
            while let last = scalar(end - 1), [".", ",", ";", ":", "!", "?", ")", "]", "'"].contains(last) { end -= 1 }
        }
        return Match(end, spelled(index..<end))
    }

    /// Endings of web addresses in lower case that are not words of a text.
    private static let domains: Set<String> = ["com", "org", "net", "edu", "gov", "io", "dev", "app", "info", "uk"]
    /// Endings of countries, for texts in their language.
    private static let countries: [String: Set<String>] = [
        "de": ["de", "at", "ch"], "fr": ["fr", "be"], "it": ["it"], "nl": ["nl", "be"], "pl": ["pl"], "ru": ["ru"], "sv": ["se"],
        "da": ["dk"], "fi": ["fi"], "ja": ["jp"], "zh": ["cn", "tw"], "ko": ["kr"], "tr": ["tr"],
    ]

    private func spelled(_ range: Range<Int>) -> String {
        var spoken: [String] = [], index = range.lowerBound
        while index < range.upperBound {
            if let run = digits(at: index) {
                spoken.append(run.text.count <= 2 ? speller.number(whole: run.text, fraction: nil) : speller.digits(run.text))
                index = run.end
            } else if let word = word(at: index) {
                spoken.append(word.text)
                index = word.end
            } else {
                if let name = words.marks[scalars[index]] ?? English.marks[scalars[index]] { spoken.append(name) }
                index += 1
            }
        }
        // A slash at the end is not spoken.
        if spoken.last == words.marks["/"] ?? "slash" { spoken.removeLast() }
        return spoken.joined(separator: " ")
    }
}
