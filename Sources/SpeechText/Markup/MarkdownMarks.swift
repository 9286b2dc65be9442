/// Marks within lines: emphasis, code, links, tags, entities.
extension MarkupScanner {
    /// A run of `*`, `_` or `~` that may be half of a pair.
    private struct Delimiter {
        let range: Range<Int>
        let mark: Unicode.Scalar
        let opens, closes: Bool
    }

    private static let escapable = Set("\\`*_{}[]()#+-.!|~<>&".unicodeScalars)
    /// The largest distance at which the other end of a mark is searched.
    private static let reach = 2000

    mutating func scanMarks() {
        var delimiters: [Delimiter] = [], index = 0
        while index < scalars.count {
            if let end = closed[index], end > index {
                index = end
                continue
            }
            switch scalars[index] {
            case "\\" where scalar(index + 1).map(Self.escapable.contains) == true && !isSSML:
                replace(index..<index + 1)
                index += 2
            case "`" where !isSSML: index = code(index)
            case "*" where !isSSML, "_" where !isSSML, "~" where !isSSML:
                let delimiter = delimiter(index)
                index = delimiter.range.upperBound
                pair(delimiter, &delimiters)
            case "!" where scalar(index + 1) == "[" && !isSSML: index = link(index + 1, from: index) ?? index + 1
            case "[": index = bracket(index)
            case "<": index = tag(index) ?? index + 1
            case "&": index = entity(index) ?? index + 1
            case ">" where !isSSML && isStray(index):
                replace(index..<index + 1)
                index += 1
            case "\n":
                index += 1
                if isSpace(index), index < scalars.count, blankLine(index) { delimiters = [] }
            default: index += 1
            }
        }
    }

    /// Finds only the names of speakers.
    mutating func scanTurns() {
        for index in scalars.indices where scalars[index] == "[" { _ = turn(index) }
    }

    /// `[ada]`, from which the speaker of that name speaks.
    ///
    /// - Returns: the end of the name; nil if there is none.
    private mutating func turn(_ index: Int) -> Int? {
        guard let close = find("]", from: index + 1, to: min(scalars.count, index + 100)) else { return nil }
        let name = string(index + 1..<close)
        guard speakers.contains(name) else { return nil }
        base.speaker = name
        for index in manners.indices { manners[index].manner.speaker = name }
        replace(index..<close + 1, with: " ", .manner(manner))
        return close + 1
    }

    /// Whether this `>` follows a word of letters and precedes a space, like the rest of a tag or a quotation; `x > 5` and `x> 5` are comparisons.
    private func isStray(_ index: Int) -> Bool {
        guard index > 1, isSpace(index + 1), scalars[index - 1].properties.isAlphabetic, scalars[index - 2].properties.isAlphabetic else {
            return false
        }
        // `Vector<Int>` is a name.
        guard !scalars[..<index].reversed().prefix(100).prefix(while: { !$0.isSpace }).contains("<") else { return false }
        var next = index + 1
        while next < scalars.count, scalars[next].isSpace { next += 1 }
        return scalar(next).map { $0.properties.numericType == nil && $0 != "-" && $0 != "=" } ?? true
    }

    private func blankLine(_ index: Int) -> Bool {
        var end = index
        while end < scalars.count, scalars[end] != "\n" {
            guard scalars[end].isSpace else { return false }
            end += 1
        }
        return true
    }

    // MARK: emphasis

    private func delimiter(_ index: Int) -> Delimiter {
        let mark = scalars[index]
        var end = index
        while scalar(end) == mark { end += 1 }
        let opens = !isSpace(end) && !isWord(index - 1), closes = !isSpace(index - 1) && index > 0 && (!isWord(end) || isStrong(index, end))
        return Delimiter(range: index..<end, mark: mark, opens: opens, closes: closes)
    }

    /// `**Bold**text`: two asterisks also close before letters; after a digit they may mean a power.
    private func isStrong(_ index: Int, _ end: Int) -> Bool {
        scalars[index] == "*" && end == index + 2 && scalar(index - 1)?.properties.isAlphabetic == true
            && scalar(end)?.properties.isAlphabetic == true
    }

    /// Takes both halves of a pair away.
    private mutating func pair(_ delimiter: Delimiter, _ open: inout [Delimiter]) {
        let count = delimiter.range.count
        guard count <= 3, delimiter.mark != "~" || count == 2 else { return }
        if delimiter.closes,
            let match = open.suffix(20).lastIndex(where: {
                $0.mark == delimiter.mark && $0.range.count == count && $0.range.upperBound < delimiter.range.lowerBound
            })
        {
            replace(open[match].range)
            replace(delimiter.range)
            open.removeSubrange(match...)
        } else if delimiter.opens {
            open.append(delimiter)
        }
    }

    // MARK: code, links

    /// Removes the marks around a code span; the code itself is not changed.
    private mutating func code(_ index: Int) -> Int {
        var start = index
        while scalar(start) == "`" { start += 1 }
        let marks = String(repeating: "`", count: start - index)
        var end = start
        let limit = min(scalars.count, start + Self.reach)
        while let found = find(marks, from: end, to: limit) {
            end = found
            while scalar(end) == "`" { end += 1 }
            guard end - found == start - index else { continue }
            guard found > start, !string(start..<found).contains("\n\n") else { break }
            replace(index..<start)
            replace(found..<end)
            return end
        }
        return start
    }

    private mutating func bracket(_ index: Int) -> Int {
        guard let close = find("]", from: index + 1, to: min(scalars.count, index + 60)) else {
            return (isSSML ? nil : link(index, from: index)) ?? index + 1
        }
        let content = string(index + 1..<close)
        if let seconds = Self.pause(content) {
            replace(index..<close + 1, with: " ", .silence(seconds))
            return close + 1
        }
        if let end = turn(index) { return end }
        if isSSML { return index + 1 }
        if content.hasPrefix("^"), content.count > 1, !content.contains(where: \.isWhitespace) {
            replace(index..<close + 1)
            return close + 1
        }
        return link(index, from: index) ?? index + 1
    }

    /// Keeps the words of `[words](target)`, `[words][name]` and `![words](target)`.
    ///
    /// - Returns: the beginning of its words; nil if it is not a link.
    private mutating func link(_ bracket: Int, from start: Int) -> Int? {
        var depth = 0, close = bracket
        let limit = min(scalars.count, bracket + 300)
        while close < limit {
            if scalars[close] == "[" { depth += 1 }
            if scalars[close] == "]" { depth -= 1 }
            if depth == 0 { break }
            close += 1
        }
        guard close < limit, depth == 0, let next = scalar(close + 1) else { return nil }
        if next == "(", let end = find(")", from: close + 2, to: min(scalars.count, close + Self.reach)) {
            // An address may itself contain brackets.
            var end = end
            while scalars[close + 2..<end].count(where: { $0 == "(" }) > scalars[close + 2..<end].count(where: { $0 == ")" }),
                scalar(end + 1) != nil,
                let further = find(")", from: end + 1, to: min(scalars.count, end + 100))
            {
                end = further
            }
            let target = string(close + 2..<end)
            let address = target.prefix { $0 != "\"" }.trimmingWhitespace()
            let isAddress =
                address.isEmpty || address.hasPrefix("<")
                || address.contains { "/.#:".contains($0) } && !address.contains(where: \.isWhitespace)
            guard isAddress, target.first != " " else { return nil }
            replace(start..<bracket + 1)
            replace(close..<end + 1)
            closed[close] = end + 1
            return bracket + 1
        }
        if next == "[", let end = find("]", from: close + 2, to: min(scalars.count, close + 200)) {
            let name = end == close + 2 ? string(bracket + 1..<close) : string(close + 2..<end)
            guard references.contains(name.lowercased()) else { return nil }
            replace(start..<bracket + 1)
            replace(close..<end + 1)
            closed[close] = end + 1
            return bracket + 1
        }
        return nil
    }

    /// The seconds of `pause`, `pause:0.5s` or `pause:500ms`; nil if the content is not a pause.
    static func pause(_ content: String) -> Double? {
        let content = content.lowercased()
        guard content.hasPrefix("pause") else { return nil }
        if content == "pause" { return MarkedText.usualPause }
        guard content.hasPrefix("pause:"), let seconds = seconds(content.dropFirst(6)), seconds <= MarkedText.longestPause else {
            return nil
        }
        return seconds
    }

    /// `0.5s` or `500ms`.
    static func seconds(_ length: some StringProtocol) -> Double? {
        let written = length.trimmingWhitespace().lowercased()
        let (number, unit) =
            written.hasSuffix("ms") ? (written.dropLast(2), 1e-3) : written.hasSuffix("s") ? (written.dropLast(), 1) : ("", 1)
        guard let value = Double(number.trimmingWhitespace()), value.isFinite, value >= 0 else { return nil }
        return value * unit
    }
}
