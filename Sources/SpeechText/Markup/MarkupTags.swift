/// Tags of HTML and SSML, and entities.
extension MarkupScanner {
    /// A tag as it is written.
    struct Tag {
        let name: String
        let attributes: [String: String]
        let isClosing, isEmpty: Bool
        let range: Range<Int>
    }

    /// Reads a tag, a comment or an address between angle brackets.
    ///
    /// - Returns: its end; nil if there is none.
    mutating func tag(_ index: Int) -> Int? {
        if has("<!--", at: index) {
            guard let end = find("-->", from: index + 4) else { return nil }
            replace(index..<end + 3)
            return end + 3
        }
        if scalar(index + 1) == "?" || scalar(index + 1) == "!" {
            guard let next = scalar(index + 2), next.properties.isAlphabetic || next == "[",
                let end = find(">", from: index, to: min(scalars.count, index + 1000))
            else { return nil }
            if has("<![cdata[", at: index), let close = find("]]>", from: index + 9) {
                replace(index..<index + 9)
                replace(close..<close + 3)
                closed[close] = close + 3
                return index + 9
            }
            replace(index..<end + 1)
            return end + 1
        }
        if let end = address(index) { return end }
        guard let tag = parse(index) else { return nil }
        return understand(tag) ? closed[index] ?? tag.range.upperBound : nil
    }

    /// `<https://example.com>`: the brackets are removed.
    private mutating func address(_ index: Int) -> Int? {
        guard let end = find(">", from: index + 1, to: min(scalars.count, index + 500)) else { return nil }
        let text = string(index + 1..<end)
        guard !text.contains(where: { $0.isWhitespace || $0 == "<" }),
            text.hasPrefix("http://") || text.hasPrefix("https://") || text.hasPrefix("mailto:")
                || text.contains("@") && text.contains(".") && !text.contains("=")
        else { return nil }
        replace(index..<(text.hasPrefix("mailto:") ? index + 8 : index + 1))
        replace(end..<end + 1)
        closed[end] = end + 1
        return index + 1
    }

    func parse(_ index: Int) -> Tag? {
        var position = index + 1
        let isClosing = scalar(position) == "/"
        if isClosing { position += 1 }
        let limit = min(scalars.count, index + 2000)
        func isName(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-" || scalar == ":"
                    || scalar == "_")
        }
        func name() -> String {
            let start = position
            while position < limit, isName(scalars[position]) { position += 1 }
            return string(start..<position)
        }
        func skipSpace() { while position < limit, scalars[position].isSpace { position += 1 } }
        guard let first = scalar(position), first.isASCII, first.properties.isAlphabetic else { return nil }
        let element = name().lowercased()
        var attributes: [String: String] = [:]
        while true {
            let before = position
            skipSpace()
            guard position < limit else { return nil }
            if scalars[position] == ">" {
                return Tag(name: element, attributes: attributes, isClosing: isClosing, isEmpty: false, range: index..<position + 1)
            }
            if scalars[position] == "/", scalar(position + 1) == ">" {
                return Tag(name: element, attributes: attributes, isClosing: isClosing, isEmpty: true, range: index..<position + 2)
            }
            guard position > before else { return nil }
            let key = name().lowercased()
            guard !key.isEmpty else { return nil }
            skipSpace()
            guard scalar(position) == "=" else {
                attributes[key] = ""
                continue
            }
            position += 1
            skipSpace()
            guard position < limit else { return nil }
            let start: Int
            if scalars[position] == "\"" || scalars[position] == "'" {
                let quote = scalars[position]
                start = position + 1
                position = start
                while position < limit, scalars[position] != quote { position += 1 }
                guard position < limit else { return nil }
                attributes[key] = Self.decoded(string(start..<position))
                position += 1
            } else {
                start = position
                while position < limit, !scalars[position].isSpace, scalars[position] != ">" { position += 1 }
                attributes[key] = string(start..<position)
            }
        }
    }

    // MARK: elements

    /// HTML elements without influence on how their words are spoken.
    private static let silent: Set<String> = [
        "a", "abbr", "acronym", "address", "b", "bdi", "bdo", "big", "center", "cite", "data", "del", "dfn", "em", "font", "i", "ins",
        "kbd", "label", "mark", "q", "s",
        "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "html", "body", "code", "img",
        "input", "button",
        "picture", "source", "video", "svg", "path", "meta", "link", "nobr", "ruby", "rb",
    ]
    /// Elements that are separate paragraphs.
    private static let blocks: Set<String> = [
        "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "section", "article", "header",
        "footer", "main", "nav", "aside",
        "figure", "figcaption", "hr", "details", "summary", "form", "fieldset", "thead", "tbody", "tfoot", "caption",
    ]
    /// Elements that end like sentences.
    private static let lines: Set<String> = ["br", "li", "tr", "dt", "dd", "option"]
    /// Elements whose content is not part of the text.
    private static let hidden: Set<String> = ["script", "style", "head", "template", "rt", "rp", "metadata", "desc", "lexicon", "title"]

    /// - Returns: whether the tag is markup.
    private mutating func understand(_ tag: Tag) -> Bool {
        if isSSML || Self.speech.contains(tag.name) && isSpeech(tag) { return understandSpeech(tag) }
        if tag.name == "pre" {
            guard !tag.isClosing, let end = close(of: tag) else {
                replace(tag.range)
                return true
            }
            let content = tag.range.upperBound..<end.lowerBound
            leaveOut(
                code: tag.range.lowerBound..<end.upperBound, lines: scalars[content].count { $0 == "\n" } + 1,
                beginning: content.lowerBound..<content.lowerBound)
            return true
        }
        if Self.hidden.contains(tag.name) {
            hide(tag)
        } else if Self.blocks.contains(tag.name) {
            replace(tag.range, with: (ending(before: tag.range.lowerBound) ?? "") + "\n\n")
        } else if Self.lines.contains(tag.name) {
            replace(tag.range, with: (ending(before: tag.range.lowerBound) ?? "") + "\n")
        } else if tag.name == "td" || tag.name == "th" {
            replace(tag.range, with: tag.isClosing && isWord(tag.range.lowerBound - 1) && has("<t", at: tag.range.upperBound) ? ", " : "")
        } else if Self.silent.contains(tag.name) {
            let alternative = tag.name == "img" ? tag.attributes["alt"] ?? "" : ""
            replace(tag.range, with: alternative)
        } else {
            return false
        }
        return true
    }

    /// Leaves out an element with its content.
    mutating func hide(_ tag: Tag) {
        guard !tag.isClosing, !tag.isEmpty, let end = close(of: tag) else { return replace(tag.range) }
        replace(tag.range.lowerBound..<end.upperBound)
        closed[tag.range.lowerBound] = end.upperBound
    }

    /// The closing tag of an element.
    mutating func close(of tag: Tag) -> Range<Int>? {
        guard let start = find("</\(tag.name)", from: tag.range.upperBound),
            let end = find(">", from: start, to: min(scalars.count, start + 100))
        else { return nil }
        return start..<end + 1
    }

    // MARK: entities

    private static let entities: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "ensp": " ", "emsp": " ", "thinsp": " ", "shy": "",
        "zwnj": "", "zwj": "",
        "ndash": "–", "mdash": "—", "hellip": "…", "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "sbquo": "‚", "bdquo": "„",
        "laquo": "«",
        "raquo": "»", "lsaquo": "‹", "rsaquo": "›", "bull": "•", "middot": "·", "copy": "©", "reg": "®", "trade": "™", "euro": "€",
        "pound": "£", "yen": "¥",
        "cent": "¢", "sect": "§", "deg": "°", "plusmn": "±", "times": "×", "divide": "÷", "minus": "−", "frac12": "½", "frac14": "¼",
        "frac34": "¾",
        "iexcl": "¡", "iquest": "¿", "szlig": "ß", "auml": "ä", "ouml": "ö", "uuml": "ü", "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü",
        "eacute": "é", "egrave": "è",
        "ecirc": "ê", "euml": "ë", "agrave": "à", "acirc": "â", "aacute": "á", "aring": "å", "aelig": "æ", "ccedil": "ç",
        "iacute": "í", "icirc": "î",
        "iuml": "ï", "ntilde": "ñ", "oacute": "ó", "ocirc": "ô", "otilde": "õ", "atilde": "ã", "oslash": "ø", "oelig": "œ",
        "uacute": "ú", "ugrave": "ù",
        "ucirc": "û", "Eacute": "É", "Agrave": "À", "Ccedil": "Ç", "Aring": "Å", "Oslash": "Ø", "rarr": "→", "larr": "←", "le": "≤",
        "ge": "≥", "ne": "≠",
    ]

    mutating func entity(_ index: Int) -> Int? {
        guard let (text, end) = entity(at: index) else { return nil }
        replace(index..<end, with: text)
        return end
    }

    private func entity(at index: Int) -> (text: String, end: Int)? {
        guard let end = find(";", from: index + 1, to: min(scalars.count, index + 12)) else { return nil }
        return Self.entity(string(index + 1..<end)).map { ($0, end + 1) }
    }

    private static func entity(_ name: String) -> String? {
        guard name.first == "#" else { return entities[name] }
        let digits = name.dropFirst()
        let value = digits.first == "x" || digits.first == "X" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        guard let value, value >= 32, let scalar = Unicode.Scalar(value) else { return nil }
        return String(scalar)
    }

    /// Replaces the entities of a text by characters.
    static func decoded(_ text: String) -> String {
        guard text.contains("&") else { return text }
        var decoded = "", rest = text[...]
        while let start = rest.firstIndex(of: "&") {
            decoded += rest[..<start]
            if let end = rest[start...].prefix(12).firstIndex(of: ";"),
                let character = entity(String(rest[rest.index(after: start)..<end]))
            {
                decoded += character
                rest = rest[rest.index(after: end)...]
            } else {
                decoded += "&"
                rest = rest[rest.index(after: start)...]
            }
        }
        return decoded + rest
    }
}
