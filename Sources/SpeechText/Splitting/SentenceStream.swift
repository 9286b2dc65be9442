/// Finds the sentences of a text that comes in pieces, as a language model writes it: each as soon as nothing that follows can
/// change it.
///
/// ```swift
/// var stream = SentenceStream()
/// for await words in reply { for sentence in stream.append(words) { speak(sentence.text) } }
/// for sentence in stream.flush() { speak(sentence.text) }
/// ```
/// A sentence is certain when more text follows its end: "3." may become "3.5", and "Dr." is no end. Of one that is longer than a
/// breath, the parts into which a ``SentenceSplitter`` divides it are certain one after the other. However the text is cut, the
/// sentences are the same.
public struct SentenceStream: Sendable {
    /// What has come and is not certain.
    public private(set) var rest = ""

    private let splitter: SentenceSplitter

    public init(splitter: SentenceSplitter = SentenceSplitter()) { self.splitter = splitter }

    /// Takes the next piece of the text, spaces included.
    ///
    /// - Returns: what is certain now, in order.
    public mutating func append(_ text: String) -> [SentenceSplitter.Piece] {
        rest += text
        let pieces = splitter.sentences(rest).flatMap { splitter.divided($0) }
        guard pieces.count > 1, let last = pieces.last else { return [] }
        // What is kept begins where the last piece does, with all that stands behind that.
        rest = String(rest[rest.range(ofLast: last.text)...])
        return Array(pieces.dropLast())
    }

    /// Ends the text that has come: what is left of it is certain.
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
    /// Where a text begins that this one ends with, but for spaces.
    fileprivate func range(ofLast text: String) -> Index {
        var end = endIndex
        while end > startIndex, self[index(before: end)].isWhitespace { end = index(before: end) }
        return index(end, offsetBy: -text.count)
    }
}
