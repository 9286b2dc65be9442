/// A text as it is said, and which written words each part of it was.
public struct SpokenText: Sendable, Hashable {
    /// A stretch of the text.
    public struct Segment: Sendable, Hashable {
        public let written: String
        /// What is said instead; the written stretch itself where nothing was changed.
        public let spoken: String

        public init(written: String, spoken: String) {
            (self.written, self.spoken) = (written, spoken)
        }

        public var isChanged: Bool { written != spoken }
    }

    /// In order: joined, what is written in them is the text that was given.
    public let segments: [Segment]

    public init(segments: [Segment]) { self.segments = segments }
    /// A text that is said as it is written.
    public init(unchanged text: String) { segments = [Segment(written: text, spoken: text)] }

    /// What is said.
    public var text: String { segments.lazy.map(\.spoken).joined() }
    /// What was written.
    public var written: String { segments.lazy.map(\.written).joined() }

    /// The written form of a word of ``text`` that begins at a character of it.
    ///
    /// - Parameter word: its characters in ``text``.
    /// - Returns: the stretch of the text that it stands for, and that stretch's number; nil for a word that is said as written.
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
