/// A word as it is written, and the words that are heard for it: "$5" is two.
public struct WrittenWord: Sendable, Hashable {
    public let text: String
    /// Which of the words that were asked about; never empty.
    public let spoken: Range<Int>
}

extension SpokenText {
    /// The words as they are written: those that stand together for one written stretch, as of "$5", become one.
    ///
    /// - Parameter words: those of ``text`` in order, which have all its characters but spaces.
    public func written(_ words: [String]) -> [WrittenWord] {
        guard isChanged else { return words.enumerated().map { WrittenWord(text: $1, spoken: $0..<$0 + 1) } }
        // For each character that is no space, the segment that it is of.
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
                // A reader sees the sign that an entity stands for.
                let isEntity = segments[owner].written.hasPrefix("&") && segments[owner].written.hasSuffix(";")
                written += segments[owner].isChanged && !isEntity ? segments[owner].written : String(characters[index..<end])
                index = end
            }
            let isChanged = owners[first..<first + count].contains { segments[$0].isChanged }
            return WrittenWord(text: isChanged ? written.trimmingSpaces() : words[spoken.lowerBound], spoken: spoken)
        }
    }
}
