import SpeechText

extension SpokenText {
    /// The words as they are written: those that stand together for one written stretch, as of "$5", become one.
    ///
    /// - Parameter spoken: the words of ``text`` in order, which have all its characters but spaces.
    func asWritten(_ spoken: [SpokenWord]) -> [SpokenWord] {
        guard segments.contains(where: \.isChanged) else { return spoken }
        // For each character that is no space, the segment that it is of.
        let owners = segments.enumerated().flatMap { index, segment in
            segment.spoken.lazy.filter { !$0.isWhitespace }.map { _ in index }
        }
        var words: [(word: SpokenWord, first: Int, count: Int)] = []
        var position = 0
        for word in spoken {
            let count = word.text.count { !$0.isWhitespace }, range = position..<min(position + count, owners.count)
            let changed = range.lazy.map { owners[$0] }.first { segments[$0].isChanged }
            if let last = words.last, let changed, owners[last.first..<last.first + last.count].contains(changed) {
                words[words.count - 1] = (SpokenWord(text: "", start: last.word.start, end: word.end), last.first, last.count + range.count)
            } else {
                words.append((word, position, range.count))
            }
            position = range.upperBound
        }
        let characters = Array(text.filter { !$0.isWhitespace })
        return words.map { word, first, count in
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
            return SpokenWord(text: isChanged ? written.trimmingSpaces() : word.text, start: word.start, end: word.end)
        }
    }
}
