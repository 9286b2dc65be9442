/// A text whose markup has been interpreted: the words without markup, the silences, and the manner in which each part is spoken.
///
/// ```swift
/// let text = MarkedText("**Bold** and `code`.<break time=\"1s\"/>See [the page](https://example.com).")
/// // speech "Bold and code.", silence of a second, speech "See the page."
/// ```
/// Supported markup: Markdown (emphasis, code, links, images, headings, lists, quotations, tables, front matter), HTML's tags and
/// entities, SSML (`break`, `p`, `s`, `say-as`, `sub`, `prosody rate`, `voice`), and `[pause]`, `[pause:0.5s]`. Headings, list items
/// and rows of tables end like sentences, as do deliberate line breaks; blocks of code are left out. Characters that are not markup, as in
/// `2 * 3 * 4`, `snake_case` and `a < b`, are not changed.
public struct MarkedText: Sendable, Hashable {
    /// How a part is spoken.
    public struct Manner: Sendable, Hashable {
        /// Speed factor.
        public var rate = 1.0
        /// The speaker's name; nil for the usual one.
        public var speaker: String?

        public init(rate: Double = 1, speaker: String? = nil) { (self.rate, self.speaker) = (rate, speaker) }
    }

    public enum Part: Sendable, Hashable {
        /// Text, as written and without its marks.
        case speech(SpokenText, Manner)
        /// Seconds of silence.
        case silence(Double)
    }

    public let parts: [Part]
    /// Parts that were left out, and markup without effect.
    public let notes: [TextNote]
    /// The language that the document declares, such as `en-US`.
    public let language: String?
    /// Speakers in the document without a voice.
    public let unknownSpeakers: [String]

    /// The supported speaking rates; others are changed to the nearest.
    public static let rates = 0.25...4.0
    /// The default length of a pause, in seconds.
    public static let usualPause = 0.5
    /// The longest pause, in seconds.
    public static let longestPause = 60.0

    /// - Parameters:
    ///   - text: with or without markup.
    ///   - speakers: names that begin a turn when they are in brackets, such as `[ada]`; other words in brackets are not changed.
    public init(_ text: String, speakers: Set<String> = []) {
        guard text.utf8.contains(where: Self.mayMark.contains) else {
            parts = text.isEmpty ? [] : [.speech(SpokenText(unchanged: text), Manner())]
            (notes, language, unknownSpeakers) = ([], nil, [])
            return
        }
        var scanner = MarkupScanner(text, speakers: speakers)
        scanner.scan()
        parts = scanner.parts()
        (notes, language, unknownSpeakers) = (scanner.allNotes, scanner.language, scanner.unknownSpeakers)
    }

    /// A text in which only the names of speakers in brackets are markup.
    public init(unmarked text: String, speakers: Set<String> = []) {
        (notes, language, unknownSpeakers) = ([], nil, [])
        guard !speakers.isEmpty else {
            parts = text.isEmpty ? [] : [.speech(SpokenText(unchanged: text), Manner())]
            return
        }
        var scanner = MarkupScanner(text, speakers: speakers)
        scanner.scanTurns()
        parts = scanner.parts()
    }

    private static let mayMark = Set("*_`#[<&~|\\\n\r>-+\u{2022}".utf8)

    /// The spoken text, without the silences.
    public var text: String { parts.compactMap { if case .speech(let text, _) = $0 { text.text } else { nil } }.joined() }
}

/// A replacement in a text, and what begins there.
struct MarkupEdit {
    enum Effect {
        case silence(Double)
        case manner(MarkedText.Manner)
    }

    let range: Range<Int>
    let spoken: String
    var effect: Effect?
}

/// Finds the markup in a text.
struct MarkupScanner {
    let scalars: [Unicode.Scalar]
    let speakers: Set<String>
    /// Whether the text is an SSML document, in which every tag is markup and line breaks have no meaning.
    let isSSML: Bool
    var edits: [MarkupEdit] = []
    /// Ranges in which no marks are searched: the end, by the first scalar.
    var closed: [Int: Int] = [:]
    /// The names of links that the text defines elsewhere.
    var references: Set<String> = []
    var language: String?
    var unknownSpeakers: [String] = []
    /// How the following text is spoken, the outermost element first.
    var manners: [(element: String, manner: MarkedText.Manner)] = []
    var base = MarkedText.Manner()
    /// Strings that do not occur after some position, and therefore not after a later one.
    private var absent: Set<String> = []
    private var notes: [TextNote] = []
    private var ignored: [String] = []

    init(_ text: String, speakers: Set<String>) {
        scalars = Array(text.unicodeScalars)
        self.speakers = speakers
        let beginning = text.drop(while: \.isWhitespace)
        isSSML = beginning.hasPrefix("<speak") || beginning.hasPrefix("<?xml") && text.contains("<speak")
    }

    mutating func scan() {
        if !isSSML { scanLines() }
        scanMarks()
    }

    var manner: MarkedText.Manner { manners.last?.manner ?? base }

    var allNotes: [TextNote] {
        var notes = notes
        if !ignored.isEmpty {
            notes.append(
                TextNote(
                    .ignoredMarkup,
                    "\(ignored.joined(separator: ", ")) in the markup \(ignored.count == 1 ? "is" : "are") not understood; "
                        + "the words are spoken as usual"))
        }
        return notes
    }

    // MARK: edits

    mutating func replace(_ range: Range<Int>, with spoken: String = "", _ effect: MarkupEdit.Effect? = nil) {
        edits.append(MarkupEdit(range: range, spoken: spoken, effect: effect))
    }

    mutating func note(_ kind: TextNote.Kind, _ description: String) { notes.append(TextNote(kind, description)) }

    /// Records markup that is not supported, each name once.
    mutating func ignore(_ name: String) { if !ignored.contains(name) { ignored.append(name) } }

    mutating func leaveOut(code range: Range<Int>, lines: Int, beginning: Range<Int>) {
        replace(range)
        closed[range.lowerBound] = range.upperBound
        let first = string(beginning).trimmingWhitespace()
        let beginning = first.isEmpty ? "" : ", beginning with \"\(first.prefix(40))\(first.count > 40 ? "…" : "")\""
        note(.codeLeftOut, "a block of code is left out (\(lines) line\(lines == 1 ? "" : "s")\(beginning))")
    }

    /// The text and the silences, in order.
    func parts() -> [MarkedText.Part] {
        var parts: [MarkedText.Part] = [], segments: [SpokenText.Segment] = [], manner = MarkedText.Manner(), position = 0
        /// Marks and spaces without words belong to what follows.
        func flush(isLast: Bool = false) {
            guard isLast ? !segments.isEmpty : segments.contains(where: { !$0.spoken.allSatisfy(\.isWhitespace) }) else { return }
            if isLast, segments.allSatisfy({ $0.spoken.allSatisfy(\.isWhitespace) }), case .speech(let text, let manner) = parts.last {
                parts[parts.count - 1] = .speech(SpokenText(segments: text.segments + segments), manner)
            } else {
                parts.append(.speech(SpokenText(segments: segments), manner))
            }
            segments = []
        }
        func keep(_ end: Int) {
            guard position < end else { return }
            let text = string(position..<end)
            segments.append(.init(written: text, spoken: text))
            position = end
        }
        for edit in edits.enumerated().sorted(by: { ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset) })
            .map(\.element)
        {
            // Edits within a range that was replaced are dropped.
            guard edit.range.lowerBound >= position else { continue }
            keep(edit.range.lowerBound)
            if !edit.range.isEmpty || !edit.spoken.isEmpty { segments.append(.init(written: string(edit.range), spoken: edit.spoken)) }
            position = edit.range.upperBound
            switch edit.effect {
            case .silence(let seconds):
                flush()
                parts.append(.silence(seconds))
            case .manner(let next):
                if next != manner { flush() }
                manner = next
            case nil: break
            }
        }
        keep(scalars.count)
        flush(isLast: true)
        return parts
    }

    // MARK: looking at characters

    func string(_ range: Range<Int>) -> String { String(scalars: scalars[range]) }
    func scalar(_ index: Int) -> Unicode.Scalar? { scalars.indices.contains(index) ? scalars[index] : nil }
    func isSpace(_ index: Int) -> Bool { scalars.indices.contains(index) ? scalars[index].isSpace : true }
    /// Whether there is a letter, a digit or an underscore at this index.
    func isWord(_ index: Int) -> Bool {
        guard scalars.indices.contains(index) else { return false }
        let scalar = scalars[index]
        if scalar.isASCII { return (48...57).contains(scalar.value) || (65...90).contains(scalar.value & ~32) }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    func has(_ text: String, at index: Int) -> Bool {
        var index = index
        for wanted in text.unicodeScalars {
            guard index < scalars.count, Self.lower(scalars[index]) == wanted else { return false }
            index += 1
        }
        return true
    }

    /// The position of a text before the end of a range.
    func find(_ text: String, from index: Int, to end: Int) -> Int? {
        guard let first = text.unicodeScalars.first else { return nil }
        var index = index
        while index < end {
            if Self.lower(scalars[index]) == first, has(text, at: index) { return index }
            index += 1
        }
        return nil
    }

    /// The same up to the end of the text; a text that was not found is not searched again.
    mutating func find(_ text: String, from index: Int) -> Int? {
        guard !absent.contains(text) else { return nil }
        let found = find(text, from: index, to: scalars.count)
        if found == nil { absent.insert(text) }
        return found
    }

    /// An ASCII letter in lower case.
    private static func lower(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        (65...90).contains(scalar.value) ? Unicode.Scalar(UInt8(scalar.value) | 32) : scalar
    }

    /// The mark to add where a line or block ends without the end of a sentence; nil if there is such a mark, or no word.
    func ending(before index: Int) -> String? {
        var last = index - 1
        while last >= 0, scalars[last].isSpace && scalars[last] != "\n" || Self.trailing.contains(scalars[last]) { last -= 1 }
        guard last >= 0,
            isWord(last) || scalars[last].properties.generalCategory == .otherSymbol || scalars[last] == "%" || scalars[last] == ")"
                || scalars[last] == "\"" || scalars[last] == "”"
        else { return nil }
        if scalars[last] == "\"" || scalars[last] == "”" || scalars[last] == ")" {
            guard last > 0, isWord(last - 1) else { return nil }
        }
        return (0x3040...0x9FFF).contains(scalars[last].value) ? "。" : "."
    }

    private static let trailing: Set<Unicode.Scalar> = ["*", "_", "~", "`", "#", "|"]
}

extension Unicode.Scalar {
    /// White space, detected quickly for ASCII.
    var isSpace: Bool { isASCII ? value == 32 || (9...13).contains(value) : isWhiteSpace }
}

extension StringProtocol {
    func trimmingWhitespace() -> String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
