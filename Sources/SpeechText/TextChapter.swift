import Foundation

/// A chapter of a book: a heading and the text after it.
///
/// Headings are of the first of these kinds that occurs at least twice in the text, or if there is none, of the first that occurs once:
/// 1. Markdown headings: those of the highest level that occurs at least twice, and of the levels above it.
/// 2. Lines alone, between blank ones, that name a part of a book: "Chapter 12", "BOOK THE FIRST. Recalled to Life", "Prologue", "Kapitel IV", "第三章".
///   Words of the languages that the models speak are known.
/// 3. Lines alone that are consecutive numbers, Roman or not: I, II, III.
/// 4. Lines alone in capitals, of at most sixty characters.
///
/// Headings without text after them, such as those of a table of contents, belong to the following chapter. Blocks of code have no headings, and a
/// document in SSML is one chapter.
public struct TextChapter: Sendable, Hashable {
    /// The heading without its marks; nil for text before the first heading.
    public let title: String?
    /// The heading and the text, as they are written.
    public let text: Substring

    /// The chapters in order; together they are the text. A text without headings is one chapter without a title.
    public static func chapters(of text: String) -> [TextChapter] {
        let beginning = text.drop(while: \.isWhitespace)
        guard !beginning.hasPrefix("<speak"), !beginning.hasPrefix("<?xml") else { return [TextChapter(title: nil, text: text[...])] }
        var starts = headings(of: lines(of: text))
        if starts.first.map({ !text[..<$0.line.start].allSatisfy(\.isWhitespace) }) ?? true {
            starts.insert((Line(text[..<text.startIndex], false), nil), at: 0)
        }
        var chapters: [TextChapter] = [], open = text.startIndex
        for (index, heading) in starts.enumerated() {
            let end = index + 1 < starts.count ? starts[index + 1].line.start : text.endIndex
            let body = heading.title == nil ? text[open..<end] : text[heading.line.end..<end]
            // The underline of a heading is not text.
            guard body.contains(where: { $0.isLetter || $0.isNumber }) || end == text.endIndex else { continue }
            chapters.append(TextChapter(title: heading.title, text: text[open..<end]))
            open = end
        }
        return chapters
    }

    // MARK: lines

    private struct Line {
        let text: Substring
        /// Whether it is between blank lines.
        let isAlone: Bool
        var start: String.Index { text.startIndex }
        var end: String.Index { text.endIndex }
        /// Whether it is a heading that the next line underlines.
        var isUnderlined = false

        init(_ text: Substring, _ isAlone: Bool) { (self.text, self.isAlone) = (text, isAlone) }

        var words: String { text.trimmingWhitespace() }
    }

    /// Lines that are not blank, without those in blocks of code.
    private static func lines(of text: String) -> [Line] {
        let all = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        func isBlank(_ index: Int) -> Bool { !all.indices.contains(index) || all[index].allSatisfy(\.isWhitespace) }
        var lines: [Line] = [], fence: Substring?
        for (index, line) in all.enumerated() where !isBlank(index) {
            let content = line.drop(while: \.isWhitespace)
            if content.hasPrefix("```") || content.hasPrefix("~~~") {
                if fence == nil { fence = content.prefix(3) } else if fence == content.prefix(3) { fence = nil }
                continue
            }
            guard fence == nil else { continue }
            var found = Line(line, isBlank(index - 1) && isBlank(index + 1))
            if !isBlank(index + 1), isBlank(index - 1) {
                let next = all[index + 1].trimmingWhitespace()
                found.isUnderlined = next.count >= 3 && next.allSatisfy { $0 == "=" }
            }
            lines.append(found)
        }
        return lines
    }

    // MARK: headings

    private typealias Heading = (line: Line, title: String?)

    private static func headings(of lines: [Line]) -> [Heading] {
        let kinds = [markdown(lines), named(lines), numbered(lines), capitals(lines)]
        return kinds.first { $0.count > 1 } ?? kinds.first { !$0.isEmpty } ?? []
    }

    private static func markdown(_ lines: [Line]) -> [Heading] {
        let found = lines.compactMap { line -> (Line, title: String, level: Int)? in
            if line.isUnderlined { return (line, line.words, 1) }
            let words = line.words, level = words.prefix { $0 == "#" }.count
            guard (1...6).contains(level), words.dropFirst(level).first?.isWhitespace == true else { return nil }
            var title = words.dropFirst(level).trimmingWhitespace()
            while title.hasSuffix("#") { title.removeLast() }
            title = title.trimmingWhitespace()
            return title.isEmpty ? nil : (line, title, level)
        }
        let level = (1...6).first { level in found.count { $0.level == level } > 1 } ?? found.map(\.level).min() ?? 0
        return found.filter { $0.level <= level }.map { ($0.0, plain($0.title)) }
    }

    /// A title without the marks of emphasis and links.
    private static func plain(_ title: String) -> String {
        let text = MarkedText(title).text.trimmingWhitespace()
        return text.isEmpty ? title : text
    }

    private static func named(_ lines: [Line]) -> [Heading] {
        lines.compactMap { line in
            guard line.isAlone else { return nil }
            let title = plain(line.words)
            guard title.count <= 100, isNamed(title) else { return nil }
            return (line, title)
        }
    }

    private static func isNamed(_ title: String) -> Bool {
        if title.firstMatch(of: /^第\s*[0-9０-９一二三四五六七八九十百千〇零两]+\s*[章节節回话話部卷篇]/) != nil { return true }
        if title.firstMatch(of: /^제\s*[0-9]+\s*[장부편화]/) != nil { return true }
        let words = title.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "'" }.map(String.init)
        guard let first = words.first, title.first?.isLetter == true || title.first?.isNumber == true else { return false }
        let afterFirst = title.dropFirst(first.count).first
        if alone.contains(first), title.count <= 60,
            afterFirst == nil || ".:—–-".contains(afterFirst!) || title.dropFirst(first.count).hasPrefix(" —")
        {
            return true
        }
        guard parts.contains(first) else { return false }
        guard words.count > 1 else { return false }
        let second = words[1] == "the" || words[1] == "no" || words[1] == "number" ? words.dropFirst(2).first ?? "" : words[1]
        guard isNumber(second) else { return false }
        // "Part one of the plan was simple." is a sentence.
        let tail = title.dropFirst(first.count)
        guard let number = tail.range(of: second, options: .caseInsensitive), case let rest = tail[number.upperBound...], let next = rest.first else {
            return true
        }
        return ".:,)—–-".contains(next)
            || rest.drop(while: \.isWhitespace).first.map { "—–-:".contains($0) || $0.isUppercase || !$0.isLetter } == true
    }

    private static func isNumber(_ word: String) -> Bool {
        word.allSatisfy(\.isNumber) && !word.isEmpty || roman(word.uppercased()) != nil || numberWords.contains(word)
            || word.contains("-") && word.split(separator: "-").allSatisfy { numberWords.contains(String($0)) }
    }

    private static func roman(_ word: String) -> Int? {
        guard !word.isEmpty, word.utf8.count <= 9, word.utf8.allSatisfy({ English.romanDigits[$0] != nil }) else { return nil }
        return English.romanValue(word)
    }

    /// Headings that are consecutive numbers, or begin again at the first.
    private static func numbered(_ lines: [Line]) -> [Heading] {
        var last: Int?
        return lines.compactMap { line in
            guard line.isAlone else { return nil }
            let title = plain(line.words).trimmingCharacters(in: CharacterSet(charactersIn: " .—–-*§"))
            guard let value = roman(title) ?? (title.count <= 3 && title.utf8.allSatisfy { (48...57).contains($0) } ? Int(title) : nil) else {
                return nil
            }
            guard value == 1 || value == last.map({ $0 + 1 }) else { return nil }
            last = value
            return (line, title)
        }
    }

    private static func capitals(_ lines: [Line]) -> [Heading] {
        lines.compactMap { line in
            guard line.isAlone else { return nil }
            let title = plain(line.words)
            guard title.count <= 60, title.count(where: \.isLetter) >= 3, title.first?.isLetter == true || title.first?.isNumber == true,
                title.allSatisfy({ !$0.isLetter || $0.isUppercase }), let last = title.last, !"!?,;\"”»’'…".contains(last),
                !ends.contains(title.trimmingCharacters(in: .punctuationCharacters))
            else { return nil }
            return (line, title)
        }
    }

    /// Lines in capitals after the last chapter.
    private static let ends: Set<String> = ["THE END", "END", "FINIS", "FIN", "ENDE", "FINE", "FIM", "EINDE", "KONIEC", "КОНЕЦ"]

    /// Names of parts of a book, before a number.
    private static let parts: Set<String> = [
        "chapter", "part", "book", "volume", "act", "scene", "letter", "section", "canto", "kapitel", "teil", "buch", "band", "chapitre", "partie",
        "livre",
        "tome", "capítulo", "capitulo", "parte", "libro", "livro", "capitolo", "hoofdstuk", "deel", "boek", "rozdział", "część", "księga", "tom",
        "глава",
        "часть", "книга", "том", "bölüm", "kısım", "kitap", "kapittel", "del", "bok", "luku", "osa", "κεφάλαιο", "μέρος", "bab", "sura", "sehemu",
    ]
    /// Names of parts of a book without a number.
    private static let alone: Set<String> = [
        "prologue", "prolog", "epilogue", "epilog", "introduction", "preface", "foreword", "afterword", "interlude", "conclusion", "einleitung",
        "vorwort",
        "nachwort", "préface", "épilogue", "prólogo", "epílogo", "prefacio", "prefácio", "introducción", "introdução", "prologo", "epilogo",
        "prefazione",
        "introduzione", "voorwoord", "nawoord", "proloog", "epiloog", "wstęp", "пролог", "эпилог", "предисловие", "введение", "послесловие", "önsöz",
        "sonsöz",
    ]
    private static let numberWords: Set<String> = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
        "sixteen",
        "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "first",
        "second", "third", "fourth",
        "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
        "seventeenth",
        "eighteenth", "nineteenth", "twentieth", "last", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf",
        "zwölf", "un", "deux",
        "trois", "quatre", "cinq", "sept", "huit", "neuf", "dix", "premier", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho",
        "nueve",
        "diez", "primero", "primeiro", "primera", "primo", "secondo", "terzo", "первая", "вторая", "третья", "четвертая", "пятая", "шестая",
        "седьмая", "восьмая",
        "девятая", "десятая", "первый", "второй", "третий",
    ]
}
