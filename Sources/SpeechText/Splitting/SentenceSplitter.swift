import FileSupport

/// Divides a text into pieces of a length that a model speaks well.
///
/// A piece ends at a sentence's end. Short sentences are joined; long ones are divided at commas or, if there are none, between words. If one
/// sentence of a paragraph that is longer than a piece is changed, inserted or removed, only its own piece and at most the adjacent ones change.
public struct SentenceSplitter: Sendable {
    /// The largest length of a piece in letters; only a single word may be longer. A Chinese or Japanese character or a Korean syllable takes as long
    /// as three letters, and counts as three: 280 are about 20 seconds in any script.
    public let limit: Int
    /// Whether short sentences are joined; otherwise each sentence is a piece.
    public let joins: Bool

    public init(limit: Int = 280, joins: Bool = true) {
        precondition(limit > 0, "pieces of at least one character")
        (self.limit, self.joins) = (limit, joins)
    }

    /// Words whose full stop does not end a sentence.
    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "etc", "e.g", "i.e", "no", "vol", "fig", "al", "inc", "ltd", "co",
        "approx",
    ]
    private static let longestAbbreviation = abbreviations.map(\.count).max() ?? 0
    package static let ends: Set<Character> = [".", "!", "?", "…", "。", "！", "？", "．", "।", "॥", "؟", "۔"]
    package static let closing: Set<Character> = ["\"", "'", "”", "’", ")", "]", "»", "」", "』", "）", "】", "›"]
    package static let breaks: Set<Character> = [",", ";", ":", "，", "、", "；", "：", "،", "؛", "·"]

    /// A piece of text, and the boundary after it.
    public struct Piece: Sendable, Hashable {
        public let text: String
        public let boundary: Boundary
    }

    /// Where a text is divided.
    public enum Boundary: Sendable, Hashable, CaseIterable {
        case word, clause, sentence, paragraph

        /// The default silence at this boundary, in seconds.
        public var usualPause: Double {
            switch self {
            case .word: 0.04
            case .clause: 0.15
            case .sentence: 0.35
            case .paragraph: 0.7
            }
        }
    }

    /// The pieces in order; together they contain every word of the text.
    public func callAsFunction(_ text: String) -> [Piece] {
        let parts = sentences(text).flatMap { divided($0) }
        var pieces: [Piece] = [], start = 0
        while start < parts.count {
            // Parts of a sentence that is too long are not joined, and neither are paragraphs.
            let end = joins ? parts[start...].firstIndex { $0.boundary != .sentence } ?? parts.count - 1 : start
            pieces += together(Array(parts[start...end]))
            start = end + 1
        }
        return pieces
    }

    /// Combines sentences into pieces: into one if they fit; otherwise they are divided between the two neighbours that are easiest to separate, and
    /// both sides likewise. How easily two neighbours are separated depends only on these two. If pieces were counted from the paragraph's start, all
    /// pieces after a changed sentence would change.
    private func together(_ parts: [Piece]) -> [Piece] {
        // Chinese and Japanese sentences follow each other without a space.
        let spaces = parts.map { ($0.text.unicodeScalars.last?.value ?? 0) >= 0x2E80 ? "" : " " }
        let lengths = parts.map { length($0.text) }
        var starts = [0]
        for index in parts.indices { starts.append(starts[index] + lengths[index] + spaces[index].count) }
        let ease = parts.indices.dropFirst().map { index in
            var ease = (parts[index - 1].text.fnv1a &* 0x9E37_79B9_7F4A_7C15) ^ parts[index].text.fnv1a
            ease = (ease ^ ease >> 32) &* 0xD6E8_FEB8_6659_FD93
            // Short sentences are kept with their neighbours where possible.
            return ease >> 1 | (min(lengths[index - 1], lengths[index]) < Self.short ? 0 : 1 << 63)
        }
        var pieces: [Piece] = [], open = [parts.indices]
        while let range = open.popLast() {
            guard range.count > 1, starts[range.upperBound] - starts[range.lowerBound] - spaces[range.upperBound - 1].count > limit else {
                let text = range.map { parts[$0].text + ($0 + 1 < range.upperBound ? spaces[$0] : "") }.joined()
                pieces.append(Piece(text: text, boundary: parts[range.upperBound - 1].boundary))
                continue
            }
            let middle = (range.lowerBound + range.upperBound) / 2
            let cut = range.dropFirst().max { (ease[$0 - 1], -abs($0 - middle)) < (ease[$1 - 1], -abs($1 - middle)) }!
            open += [cut..<range.upperBound, range.lowerBound..<cut]
        }
        return pieces
    }

    /// Sentences of fewer letters are short.
    private static let short = 40

    /// The boundary after a text, by the mark at its end.
    package static func boundary(atEndOf text: String) -> Boundary {
        let end = text.reversed().prefix { $0.isWhitespace }
        if end.count(where: \.isNewline) > 1 { return .paragraph }
        guard let mark = text.last(where: { !$0.isWhitespace && !closing.contains($0) }) else { return .word }
        return ends.contains(mark) ? .sentence : breaks.contains(mark) ? .clause : .word
    }

    func sentences(_ text: String) -> [Piece] {
        let characters = Array(text), indices = Array(text.indices) + [text.endIndex]
        var sentences: [Piece] = []
        var start = 0
        var position = 0
        func close(_ end: Int, _ boundary: Boundary = .sentence) {
            if let first = (start..<end).first(where: { !characters[$0].isWhitespace }),
                let last = (start..<end).last(where: { !characters[$0].isWhitespace })
            {
                sentences.append(Piece(text: String(text[indices[first]..<indices[last + 1]]), boundary: boundary))
            } else if boundary == .paragraph, let last = sentences.popLast() {
                sentences.append(Piece(text: last.text, boundary: boundary))
            }
            start = end
        }
        while position < characters.count {
            let character = characters[position]
            position += 1
            // Most characters are ASCII letters and spaces, which end nothing.
            if let byte = character.utf8.first, byte == 0x20 || (0x40..<0x80).contains(byte) { continue }
            if character.isNewline, let end = blankLine(after: position, in: characters) {
                position = end
                close(position, .paragraph)
                continue
            }
            guard Self.ends.contains(character) else { continue }
            while position < characters.count, Self.ends.contains(characters[position]) { position += 1 }
            let isWide = !character.isASCII && character != "…"
            let wordEnd = position - 1
            while position < characters.count, Self.closing.contains(characters[position]) { position += 1 }
            // A decimal point, or a dot within a name, is not followed by a space.
            guard isWide || position == characters.count || characters[position].isWhitespace else { continue }
            if character == ".", endsInAbbreviation(characters[start..<wordEnd]) { continue }
            close(position)
        }
        close(characters.count)
        return sentences
    }

    /// The end of a line that begins here and is empty except for spaces.
    private func blankLine(after position: Int, in characters: [Character]) -> Int? {
        var end = position
        while end < characters.count, characters[end].isWhitespace, !characters[end].isNewline { end += 1 }
        return end < characters.count && characters[end].isNewline ? end + 1 : nil
    }

    /// The length of a text in letters.
    func length(_ text: some Sequence<Character>) -> Int { text.reduce(0) { $0 + Self.letters($1) } }

    private static func letters(_ character: Character) -> Int {
        guard let value = character.unicodeScalars.first?.value, value >= 0x3040 else { return 1 }
        return value <= 0x9FFF || (0xAC00...0xD7AF).contains(value) || value >= 0x20000 && value < 0x40000 ? 3 : 1
    }

    /// The beginning of a text, up to the limit.
    private func window(_ text: ArraySlice<Character>) -> ArraySlice<Character> {
        var length = 0
        return text.prefix { character in
            length += Self.letters(character)
            return length <= limit
        }
    }

    private func endsInAbbreviation(_ characters: ArraySlice<Character>) -> Bool {
        var start = characters.endIndex
        while start > characters.startIndex, !characters[start - 1].isWhitespace { start -= 1 }
        let word = characters[start...].drop { !$0.isLetter }
        guard word.count <= Self.longestAbbreviation else { return false }
        let letters = String(word).lowercased()
        // An initial, as in "J. S. Bach"; "I" ends sentences more often than it is an initial.
        if word.count == 1, letters != "i", word.last?.isUppercase == true { return true }
        return Self.abbreviations.contains(letters)
    }

    func divided(_ sentence: Piece) -> [Piece] {
        guard length(sentence.text) > limit else { return [sentence] }
        var pieces: [Piece] = []
        var rest = Array(sentence.text)[...]
        func add(_ characters: ArraySlice<Character>, _ boundary: Boundary) {
            let text = String(characters).trimmingSpaces()
            if !text.isEmpty { pieces.append(Piece(text: text, boundary: boundary)) }
        }
        while length(rest) > limit {
            let window = window(rest)
            let comma = window.indices.last { Self.breaks.contains(window[$0]) && $0 > window.startIndex + window.count / 3 }
            let space = window.lastIndex { $0.isWhitespace }
            let cut =
                comma.map { $0 + 1 } ?? space.flatMap { $0 > window.startIndex ? $0 : nil } ?? max(window.endIndex, rest.startIndex + 1)
            add(rest[..<cut], comma == nil ? .word : .clause)
            rest = rest[cut...]
        }
        add(rest, sentence.boundary)
        return pieces
    }
}

extension String {
    package func trimmingSpaces() -> String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(self[first...last])
    }
}

/// Finds the sentences of a text that arrives in pieces, as a language model writes it. Each sentence is returned as soon as no following text can
/// change it.
///
/// ```swift
/// var stream = SentenceStream()
/// for await words in reply { for sentence in stream.append(words) { speak(sentence.text) } }
/// for sentence in stream.flush() { speak(sentence.text) }
/// ```
/// A sentence is final when more text follows its end: "3." may become "3.5", and "Dr." does not end a sentence. If a sentence is too long for one
/// piece, the parts into which a ``SentenceSplitter`` divides it become final one after the other. The sentences do not depend on how the text is
/// divided into pieces.
public struct SentenceStream: Sendable {
    /// The text that was received but is not certain yet.
    public private(set) var rest = ""

    private let splitter: SentenceSplitter

    public init(splitter: SentenceSplitter = SentenceSplitter()) { self.splitter = splitter }

    /// Appends the next part of the text, spaces included.
    ///
    /// - Returns: the sentences that are now final, in order.
    public mutating func append(_ text: String) -> [SentenceSplitter.Piece] {
        rest += text
        let pieces = splitter.sentences(rest).flatMap { splitter.divided($0) }
        guard pieces.count > 1, let last = pieces.last else { return [] }
        // The kept text begins with the last piece, including everything after it.
        rest = String(rest[rest.range(ofLast: last.text)...])
        return Array(pieces.dropLast())
    }

    /// Ends the text received so far: the rest of it is then certain.
    public mutating func flush() -> [SentenceSplitter.Piece] {
        defer { rest = "" }
        return splitter.sentences(rest).flatMap { splitter.divided($0) }.map { piece in
            // A text that stops within a sentence ends there.
            SentenceSplitter.Piece(
                text: piece.text, boundary: piece.boundary == .paragraph ? .paragraph : SentenceSplitter.boundary(atEndOf: piece.text))
        }
    }
}

extension String {
    /// The index at which a text begins with which this one ends, ignoring spaces.
    fileprivate func range(ofLast text: String) -> Index {
        var end = endIndex
        while end > startIndex, self[index(before: end)].isWhitespace { end = index(before: end) }
        return index(end, offsetBy: -text.count)
    }
}
