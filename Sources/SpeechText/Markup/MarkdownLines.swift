/// Markup of whole lines: headings, lists, quotations, tables, code, and deliberate line breaks.
extension MarkupScanner {
    private struct Line {
        let start: Int
        /// The line's end, without the line break.
        let end: Int
        /// The first character that is not a space; `end` in a blank line.
        let content: Int
        var isBlank: Bool { content == end }
        var kind = Kind.text
    }

    private enum Kind { case text, heading, item, row, gone }

    mutating func scanLines() {
        var lines = self.lines()
        var index = frontMatter(&lines)
        while index < lines.count {
            let line = lines[index]
            if line.isBlank {
                index += 1
            } else if let last = fence(lines, from: index) {
                for gone in index...last { lines[gone].kind = .gone }
                index = last + 1
            } else {
                lines[index].kind = mark(lines, index)
                index += 1
            }
        }
        for index in lines.indices { finish(lines, index) }
    }

    private func lines() -> [Line] {
        var lines: [Line] = [], start = 0
        func add(_ next: Int) {
            var end = next
            if end > start, scalars[end - 1] == "\r" { end -= 1 }
            var content = start
            while content < end, scalars[content].isSpace { content += 1 }
            lines.append(Line(start: start, end: end, content: content))
        }
        for index in scalars.indices where scalars[index] == "\n" {
            add(index)
            start = index + 1
        }
        add(scalars.count)
        return lines
    }

    // MARK: blocks

    /// Leaves out the metadata before a document.
    ///
    /// - Returns: the first line after it.
    private mutating func frontMatter(_ lines: inout [Line]) -> Int {
        func isRule(_ line: Line) -> Bool { line.end - line.start == 3 && has("---", at: line.start) }
        guard isRule(lines[0]), lines.count > 2, let end = lines.indices.prefix(100).dropFirst().first(where: { isRule(lines[$0]) }),
            end > 1
        else { return 0 }
        let isData = lines[1..<end].allSatisfy { line in
            line.isBlank || line.content > line.start || scalars[line.content] == "-" || scalars[line.content] == "#"
                || scalars[line.start..<line.end].contains(":")
        }
        guard isData else { return 0 }
        replace(lines[0].start..<lines[end].end)
        closed[lines[0].start] = lines[end].end
        for index in 0...end { lines[index].kind = .gone }
        return end + 1
    }

    /// Leaves out a block of code between fences.
    ///
    /// - Returns: its last line; nil if none begins here.
    private mutating func fence(_ lines: [Line], from index: Int) -> Int? {
        let line = lines[index]
        guard let mark = scalar(line.content), mark == "`" || mark == "~" else { return nil }
        func length(_ line: Line) -> Int { scalars[line.content..<line.end].prefix { $0 == mark }.count }
        let opening = length(line)
        guard opening >= 3, !scalars[line.content + opening..<line.end].contains("`") else { return nil }
        let end = lines.indices[(index + 1)...].first { candidate in
            let line = lines[candidate]
            return !line.isBlank && length(line) >= opening && scalars[line.content..<line.end].allSatisfy { $0 == mark || $0.isSpace }
        }
        guard let end else {
            // A fence that is not closed hides no words.
            replace(line.start..<line.end)
            closed[line.start] = line.end
            return index
        }
        let isEmpty = end == index + 1
        leaveOut(
            code: line.start..<lines[end].end, lines: end - index - 1,
            beginning: isEmpty ? line.end..<line.end : lines[index + 1].start..<lines[index + 1].end)
        return end
    }

    /// Removes the marks of a line.
    private mutating func mark(_ lines: [Line], _ index: Int) -> Kind {
        let line = lines[index]
        let content = quotation(line)
        guard content < line.end else { return .gone }
        if isRule(content..<line.end) {
            replace(content..<line.end)
            closed[content] = line.end
            return .gone
        }
        if isDelimiterRow(content..<line.end) {
            replace(content..<line.end)
            closed[content] = line.end
            return .gone
        }
        if scalars[content] == "#" { return heading(content, line.end) }
        if let next = lines.indices.contains(index + 1) ? lines[index + 1] : nil,
            isRow(content..<line.end, before: next) || lines[..<index].last?.kind == .row && scalars[content..<line.end].contains("|")
                || scalars[content] == "|" && scalars[line.end - 1] == "|"
        {
            row(content, line.end)
            return .row
        }
        if scalars[content] == "|", line.end - content > 2, scalars[content + 1..<line.end].last(where: { !$0.isSpace }) == "|" {
            row(content, line.end)
            return .row
        }
        if definition(content, line.end) { return .gone }
        return item(content, line.end, isAlone: lines.count == 1) ? .item : .text
    }

    /// Removes the marks of a quotation.
    ///
    /// - Returns: where its text begins.
    private mutating func quotation(_ line: Line) -> Int {
        var content = line.content
        while content < line.end, scalars[content] == ">",
            isSpace(content + 1) || scalars[content + 1] == ">" || content > line.content || isWord(content + 1)
        {
            content += 1
            while content < line.end, scalars[content].isSpace { content += 1 }
        }
        if content > line.content { replace(line.content..<content) }
        return content
    }

    /// Lines such as `---`, `* * *` and `=====`.
    private func isRule(_ range: Range<Int>) -> Bool {
        let mark = scalars[range.lowerBound]
        guard ["-", "*", "_", "=", "~", "—", "─", "═"].contains(mark) else { return false }
        var count = 0
        for scalar in scalars[range] {
            if scalar == mark { count += 1 } else if !scalar.isSpace { return false }
        }
        return count >= 3 || count == 2 && mark == "-" && range.count <= 3
    }

    private mutating func heading(_ content: Int, _ end: Int) -> Kind {
        let marks = scalars[content..<end].prefix { $0 == "#" }.count
        guard marks <= 6, content + marks < end, scalars[content + marks].isSpace else { return .text }
        var first = content + marks
        while first < end, scalars[first].isSpace { first += 1 }
        replace(content..<first)
        var last = end
        while last > first, scalars[last - 1].isSpace { last -= 1 }
        var closing = last
        while closing > first, scalars[closing - 1] == "#" { closing -= 1 }
        guard closing < last, closing == first || scalars[closing - 1].isSpace else { return .heading }
        while closing > first, scalars[closing - 1].isSpace { closing -= 1 }
        replace(closing..<last)
        return .heading
    }

    private mutating func item(_ content: Int, _ end: Int, isAlone: Bool) -> Bool {
        var first = content
        if ["-", "*", "+", "•", "◦", "▪", "‣", "·", "–"].contains(scalars[content]) {
            guard scalar(content + 1).map({ $0.isSpace }) == true else { return false }
            first = content + 1
        } else {
            var last = content
            while last < end, last - content < 4, let digit = scalar(last), (48...57).contains(digit.value) { last += 1 }
            guard last > content, last - content < 4, let mark = scalar(last), mark == "." || mark == ")", last + 1 < end,
                scalars[last + 1].isSpace, !isAlone
            else { return false }
            // The number is spoken; its full stop would end a sentence.
            replace(last..<last + 1, with: ",")
            return true
        }
        while first < end, scalars[first].isSpace { first += 1 }
        guard first < end else { return false }
        // A single "- 5" is a number.
        if isAlone, isWord(first), !scalars[first].properties.isAlphabetic { return false }
        if scalars[first] == "[", first + 2 < end, scalars[first + 2] == "]", isSpace(first + 3),
            [" ", "x", "X"].contains(scalars[first + 1])
        {
            first += 3
            while first < end, scalars[first].isSpace { first += 1 }
        }
        replace(content..<first)
        return true
    }

    /// `[name]: https://example.com`, which is used by links elsewhere; `[^1]: a note` is text.
    private mutating func definition(_ content: Int, _ end: Int) -> Bool {
        guard scalars[content] == "[", let close = find("]", from: content, to: min(end, content + 200)), scalar(close + 1) == ":" else {
            return false
        }
        let name = string(content + 1..<close)
        if name.hasPrefix("^") {
            replace(content..<close + 2)
            return false
        }
        let target = string(close + 2..<end).trimmingWhitespace()
        guard
            target.hasPrefix("http") || target.hasPrefix("/") || target.hasPrefix("#") || target.hasPrefix("<") || target.hasPrefix(".")
                || target.hasPrefix("mailto:")
        else { return false }
        references.insert(name.lowercased())
        replace(content..<end)
        closed[content] = end
        return true
    }

    // MARK: tables

    private func isDelimiterRow(_ range: Range<Int>) -> Bool {
        let text = scalars[range]
        return text.contains("|") && text.contains("-") && text.allSatisfy { ["|", "-", ":", "+"].contains($0) || $0.isSpace }
    }

    private func isRow(_ range: Range<Int>, before next: Line) -> Bool {
        scalars[range].contains("|") && !next.isBlank && isDelimiterRow(next.content..<next.end)
    }

    /// Cells become clauses.
    private mutating func row(_ content: Int, _ end: Int) {
        var hasCell = false
        var bar = content
        while bar < end {
            if scalars[bar] == "|", bar == content || scalars[bar - 1] != "\\" {
                var next = bar + 1
                while next < end, scalars[next].isSpace { next += 1 }
                var before = bar
                while before > content, scalars[before - 1].isSpace { before -= 1 }
                let isFollowed = next < end && scalars[next] != "|" && (next..<end).contains { isWord($0) }
                replace(before..<next, with: hasCell && isFollowed ? ", " : isFollowed || next == end ? "" : " ")
                bar = next
            } else {
                hasCell = hasCell || isWord(bar)
                bar += 1
            }
        }
    }

    // MARK: ends of lines

    /// Makes a line end like a sentence if something else begins after it, and a heading like a paragraph.
    private mutating func finish(_ lines: [Line], _ index: Int) {
        let line = lines[index]
        guard index + 1 < lines.count, !line.isBlank, line.kind != .gone else { return }
        let next = lines[index + 1]
        guard !next.isBlank else { return }
        let isBlock = line.kind == .heading || line.kind == .row || next.kind != .text
        guard isBlock || isBrokenOnPurpose(lines, index) else { return }
        if let mark = ending(before: line.end) { replace(line.end..<line.end, with: mark) }
        if line.kind == .heading || next.kind == .heading || next.kind == .gone { replace(line.end..<next.start, with: "\n\n") }
    }

    /// Whether a line break is deliberate: the next word would have fitted into the line, or all lines around it are short and begin with a capital.
    private func isBrokenOnPurpose(_ lines: [Line], _ index: Int) -> Bool {
        let isText = { (line: Line) in !line.isBlank && line.kind != .gone }
        var first = index, last = index + 1
        while first > 0, index - first < 50, isText(lines[first - 1]) { first -= 1 }
        while last + 1 < lines.count, last - index < 50, isText(lines[last + 1]) { last += 1 }
        let width = lines[first...last].map { $0.end - $0.start }.max() ?? 0
        let next = lines[index + 1]
        let word = scalars[next.content..<next.end].prefix { !$0.isSpace }.count
        guard let beginning = scalar(next.content), !beginning.properties.isLowercase else { return false }
        if lines[index].end - lines[index].start + 1 + word <= width * 17 / 20 { return true }
        return width < 45 && lines[first + 1...last].allSatisfy { scalars[$0.content].properties.isUppercase }
    }
}
