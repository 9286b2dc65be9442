/// The elements of SSML (W3C, Speech Synthesis Markup Language 1.1).
extension MarkupScanner {
    /// Elements that have their SSML meaning outside of an SSML document as well.
    static let speech: Set<String> = ["speak", "break", "say-as", "prosody", "emphasis", "phoneme", "voice", "sub", "audio"]
    /// Elements without an audible meaning.
    private static let plain: Set<String> = ["speak", "w", "token", "mark", "s", "p", "sentence", "paragraph"]

    /// Whether a tag that also exists in HTML is meant as SSML.
    func isSpeech(_ tag: Tag) -> Bool {
        switch tag.name {
        case "sub": tag.attributes["alias"] != nil
        case "audio": tag.attributes["controls"] == nil && !tag.isClosing
        default: true
        }
    }

    /// - Returns: whether the tag is markup; in an SSML document every tag is.
    mutating func understandSpeech(_ tag: Tag) -> Bool {
        switch tag.name {
        case "speak":
            if language == nil { language = tag.attributes["xml:lang"] }
            replace(tag.range)
        case "break": rest(tag)
        case "p", "paragraph": replace(tag.range, with: (ending(before: tag.range.lowerBound) ?? "") + "\n\n")
        case "s", "sentence": replace(tag.range, with: tag.isClosing ? ending(before: tag.range.lowerBound) ?? "" : " ")
        case "sub": substitute(tag)
        case "say-as": sayAs(tag)
        case "prosody", "voice": change(tag)
        case "metadata", "meta", "desc", "lexicon", "title": hide(tag)
        case "emphasis", "w", "token", "mark": replace(tag.range)
        case "lang":
            if !tag.isClosing { ignore("<lang>") }
            replace(tag.range)
        default:
            if !tag.isClosing { ignore("<\(tag.name)>") }
            replace(tag.range)
        }
        return true
    }

    /// `<break time="500ms"/>`, `<break strength="strong"/>`.
    private mutating func rest(_ tag: Tag) {
        guard !tag.isClosing else { return replace(tag.range) }
        let strengths = ["none": 0, "x-weak": 0.1, "weak": 0.2, "medium": 0.35, "strong": 0.7, "x-strong": 1.2]
        var length = strengths[tag.attributes["strength"] ?? "medium"] ?? 0.35
        if let time = tag.attributes["time"] {
            if let seconds = Self.seconds(time) {
                length = seconds
                if seconds > MarkedText.longestPause {
                    length = MarkedText.longestPause
                    note(.ignoredMarkup, "<break time=\"\(time)\"> is cut to \(Int(MarkedText.longestPause)) s, the longest pause")
                }
            } else {
                ignore("<break time=\"\(time)\">")
            }
        }
        replace(tag.range, with: " ", length > 0 ? .silence(length) : nil)
    }

    /// `<sub alias="World Wide Web">WWW</sub>`.
    private mutating func substitute(_ tag: Tag) {
        guard !tag.isClosing, !tag.isEmpty, let end = close(of: tag), let alias = tag.attributes["alias"] else { return replace(tag.range) }
        replace(content: tag, end, with: alias)
    }

    /// Replaces an element's content.
    private mutating func replace(content tag: Tag, _ end: Range<Int>, with spoken: String) {
        replace(tag.range)
        replace(tag.range.upperBound..<end.lowerBound, with: spoken)
        replace(end)
        closed[tag.range.lowerBound] = end.upperBound
    }

    /// `<say-as interpret-as="characters">`.
    private mutating func sayAs(_ tag: Tag) {
        guard !tag.isClosing, !tag.isEmpty, let end = close(of: tag) else { return replace(tag.range) }
        let content = Self.decoded(string(tag.range.upperBound..<end.lowerBound)),
            kind = (tag.attributes["interpret-as"] ?? "").lowercased()
        guard let spoken = sayAs(content.trimmingWhitespace(), kind, tag.attributes["format"]?.lowercased()) else {
            ignore("<say-as interpret-as=\"\(kind)\">")
            return replace(tag.range)
        }
        // Content that a rule of the language reads without help is left as it is, including its marks.
        if spoken == content { replace(tag.range) } else { replace(content: tag, end, with: spoken) }
    }

    private func sayAs(_ content: String, _ kind: String, _ format: String?) -> String? {
        let isPlain = !content.contains("<")
        switch kind {
        case "characters", "spell-out", "verbatim", "letters":
            return isPlain ? content.filter { !$0.isWhitespace }.map(String.init).joined(separator: " ") : nil
        case "digits", "telephone":
            guard isPlain else { return nil }
            return content.split { !$0.isNumber && $0 != "+" }.map { $0.map(String.init).joined(separator: " ") }.joined(separator: ", ")
        case "cardinal", "number", "currency", "unit", "time", "fraction", "address", "name", "text": return content
        case "ordinal": return isPlain ? Int(content).map(ordinal) ?? content : nil
        case "date": return isPlain ? date(content, format ?? "") : nil
        case "expletive", "bleep": return ""
        default: return nil
        }
    }

    /// An ordinal in the document's language.
    private func ordinal(_ number: Int) -> String {
        switch language?.prefix(2).lowercased() ?? "en" {
        case "en":
            let suffix =
                switch (number % 100, number % 10) {
                case (11...13, _): "th"
                case (_, 1): "st"
                case (_, 2): "nd"
                case (_, 3): "rd"
                default: "th"
                }
            return "\(number)\(suffix)"
        case "fr": return number == 1 ? "1er" : "\(number)e"
        case "es", "it", "pt": return "\(number)º"
        case "nl": return "\(number)e"
        default: return "\(number)."
        }
    }

    /// A date in a form that the rules read, from one in a given order: `mdy`, `dmy`, `ymd`.
    private func date(_ content: String, _ format: String) -> String {
        let parts = content.split { !$0.isNumber }.map(String.init), order = format.filter { "mdy".contains($0) }
        guard parts.count == 3, order.count == 3, Set(order).count == 3, parts.allSatisfy({ Int($0) != nil }) else { return content }
        let named = Dictionary(uniqueKeysWithValues: zip(order, parts))
        guard let year = named["y"], let month = named["m"], let day = named["d"], year.count == 4, month.count <= 2, day.count <= 2
        else { return content }
        return "\(year)-\(month)-\(day)"
    }

    // MARK: manner

    private mutating func change(_ tag: Tag) {
        if tag.isClosing {
            if let last = manners.lastIndex(where: { $0.element == tag.name }) { manners.removeSubrange(last...) }
            return replace(tag.range, with: "", .manner(manner))
        }
        guard !tag.isEmpty else { return replace(tag.range) }
        var manner = manner
        if tag.name == "voice" {
            if let name = tag.attributes["name"] {
                if speakers.contains(name) {
                    manner.speaker = name
                } else if speakers.isEmpty {
                    ignore("<voice name=\"\(name)\">")
                } else if !unknownSpeakers.contains(name) {
                    unknownSpeakers.append(name)
                }
            } else {
                ignore("<voice>")
            }
        } else {
            for name in tag.attributes.keys.sorted() where name != "rate" { ignore("<prosody \(name)>") }
            if let rate = tag.attributes["rate"] {
                if let factor = Self.rate(rate) {
                    manner.rate = min(max(manner.rate * factor, MarkedText.rates.lowerBound), MarkedText.rates.upperBound)
                } else {
                    ignore("<prosody rate=\"\(rate)\">")
                }
            }
        }
        manners.append((tag.name, manner))
        replace(tag.range, with: "", .manner(manner))
    }

    /// `slow`, `80%`, `+20%`, `1.5`.
    private static func rate(_ text: String) -> Double? {
        let names = ["x-slow": 0.6, "slow": 0.8, "medium": 1, "default": 1, "fast": 1.2, "x-fast": 1.5]
        if let named = names[text] { return named }
        guard text.hasSuffix("%") else { return Double(text).flatMap { $0 > 0 ? $0 : nil } }
        guard let percent = Double(text.dropLast()) else { return nil }
        let factor = text.hasPrefix("+") || text.hasPrefix("-") ? 1 + percent / 100 : percent / 100
        return factor > 0 ? factor : nil
    }
}
