/// A spoken text, with the written text of each of its parts.
public struct SpokenText: Sendable, Hashable {
    /// A part of the text.
    public struct Segment: Sendable, Hashable {
        public let written: String
        /// The spoken text; the same as the written text if nothing was changed.
        public let spoken: String

        public init(written: String, spoken: String) {
            (self.written, self.spoken) = (written, spoken)
        }

        public var isChanged: Bool { written != spoken }
    }

    /// In order; their written texts, joined, are the original text.
    public let segments: [Segment]

    public init(segments: [Segment]) { self.segments = segments }
    /// A text that is spoken as it is written.
    public init(unchanged text: String) { segments = [Segment(written: text, spoken: text)] }

    /// The spoken text.
    public var text: String { segments.lazy.map(\.spoken).joined() }
    /// The written text.
    public var written: String { segments.lazy.map(\.written).joined() }

    /// The written form of a word of ``text``.
    ///
    /// - Parameter word: its characters in ``text``.
    /// - Returns: the written text for which it stands, and the number of its segment; nil for a word that is spoken as written.
    public func source(of word: Range<Int>) -> (written: String, segment: Int)? {
        var start = 0
        for (index, segment) in segments.enumerated() {
            let end = start + segment.spoken.count
            if word.lowerBound < end, start < word.upperBound, segment.isChanged {
                return (segment.written, index)
            }
            if start >= word.upperBound { return nil }
            start = end
        }
        return nil
    }
}

extension SpokenText {
    /// Whether anything is spoken differently from how it is written.
    public var isChanged: Bool { segments.contains(where: \.isChanged) }
}

/// Cuts a text into parts, from its beginning on.
///
/// Parts are measured in characters other than white space, so that they are found even if spaces were changed.
public struct SpokenTextSlices {
    private let segments: [SpokenText.Segment]
    /// The position up to which the first segments have been returned: segments, and scalars of the next one.
    private var (segment, scalar) = (0, 0)
    /// The spoken scalars of that segment.
    private var spoken: [Unicode.Scalar] = []

    public init(_ text: SpokenText) { segments = text.segments }

    /// The next part.
    ///
    /// - Parameter count: number of scalars of its spoken text, without white space. Punctuation without words belongs to the following part; a
    ///   changed segment that ends in a later part belongs to the first.
    public mutating func next(_ count: Int) -> SpokenText {
        var part: [SpokenText.Segment] = [], rest = count
        while segment < segments.count, rest > 0 || segments[segment].spoken.isEmpty {
            let whole = segments[segment]
            if scalar == 0 { spoken = Array(whole.spoken.unicodeScalars) }
            var end = scalar
            while end < spoken.count {
                let isSpace = spoken[end].isWhiteSpace
                if !isSpace, rest == 0 { break }
                if !isSpace { rest -= 1 }
                end += 1
            }
            let text = String(scalars: spoken[scalar..<end])
            part.append(.init(written: whole.isChanged ? scalar == 0 ? whole.written : "" : text, spoken: text))
            if end == spoken.count { (segment, scalar) = (segment + 1, 0) } else { scalar = end }
            if rest == 0, scalar > 0 { break }
        }
        return SpokenText(segments: part)
    }
}

extension String {
    /// Scalars that are no white space.
    public var inkedScalars: Int { unicodeScalars.count { !$0.isWhiteSpace } }
}

/// A written word, and the spoken words for it: "$5" is two.
public struct WrittenWord: Sendable, Hashable {
    public let text: String
    /// The range of the given spoken words; never empty.
    public let spoken: Range<Int>
}

extension SpokenText {
    /// The words as they are written: spoken words for one segment, such as "$5", become one word.
    ///
    /// - Parameter words: the words of ``text`` in order, with all its characters except spaces.
    public func written(_ words: [String]) -> [WrittenWord] {
        guard isChanged else { return words.enumerated().map { WrittenWord(text: $1, spoken: $0..<$0 + 1) } }
        // For each character other than a space, the index of its segment.
        let owners = segments.enumerated().flatMap { index, segment in
            segment.spoken.lazy.filter { !$0.isWhitespace }.map { _ in index }
        }
        var found: [(spoken: Range<Int>, first: Int, count: Int)] = []
        var position = 0
        for (number, word) in words.enumerated() {
            let count = word.count { !$0.isWhitespace }, range = position..<min(position + count, owners.count)
            let changed = range.lazy.map { owners[$0] }.first { segments[$0].isChanged }
            if let last = found.last, let changed, owners[last.first..<last.first + last.count].contains(changed) {
                found[found.count - 1] = (last.spoken.lowerBound..<number + 1, last.first, last.count + range.count)
            } else {
                found.append((number..<number + 1, position, range.count))
            }
            position = range.upperBound
        }
        let characters = Array(text.filter { !$0.isWhitespace })
        return found.map { spoken, first, count in
            var written = "", index = first
            while index < first + count {
                let owner = owners[index]
                let end = (index..<first + count).first { owners[$0] != owner } ?? first + count
                // A reader sees the character that an entity stands for.
                let isEntity = segments[owner].written.hasPrefix("&") && segments[owner].written.hasSuffix(";")
                written += segments[owner].isChanged && !isEntity ? segments[owner].written : String(characters[index..<end])
                index = end
            }
            let isChanged = owners[first..<first + count].contains { segments[$0].isChanged }
            return WrittenWord(text: isChanged ? written.trimmingSpaces() : words[spoken.lowerBound], spoken: spoken)
        }
    }
}
