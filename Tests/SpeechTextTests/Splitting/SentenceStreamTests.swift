import Testing

@testable import SpeechText

@Suite("Sentences of a text that arrives in pieces") struct SentenceStreamTests {
    /// The sentences, and the number of characters after which each was final.
    private func sentences(_ text: String, inPiecesOf size: Int) -> [String] {
        var stream = SentenceStream(), found: [String] = [], rest = text[...]
        while !rest.isEmpty {
            found += stream.append(String(rest.prefix(size))).map(\.text)
            rest = rest.dropFirst(size)
        }
        return found + stream.flush().map(\.text)
    }

    static let texts = [
        "Hello there. How are you? Fine!  Good.", "It costs 3.50 at Dr. Smith's shop... \"Really?\" he said. Yes.", "One\n\nTwo.\n\n\nThree",
        "今日は雨です。明日は晴れ。「そうですか。」はい", "A [pause:0.5s] b. C e.g. d. J. S. Bach wrote it. No", "", "   ", "...", "No end at all",
        String(repeating: "a word, and another one; ", count: 40) + "end. Next.", String(repeating: "x", count: 700) + " y. Z.",
    ]

    @Test("the sentences do not depend on how a text is divided", arguments: texts) func cuts(text: String) {
        let whole = sentences(text, inPiecesOf: max(1, text.count))
        for size in [1, 2, 3, 7, 50] { #expect(sentences(text, inPiecesOf: size) == whole, "\(size)") }
        #expect(whole.joined().filter { !$0.isWhitespace } == text.filter { !$0.isWhitespace })
    }

    @Test("a sentence is final when more text follows it, and not before") func certain() {
        var stream = SentenceStream()
        for piece in ["The ship was late.", " ", "\n"] { #expect(stream.append(piece).isEmpty) }
        #expect(stream.append("I").map(\.text) == ["The ship was late."])
        #expect(stream.append(" paid 3.").isEmpty && stream.append("5").isEmpty && stream.append("0 to Dr.").isEmpty && stream.append(" No").isEmpty)
        #expect(stream.append(".\n\nWhat").map(\.boundary) == [.paragraph])
        #expect(stream.rest == "What")
        #expect(stream.flush().map { [$0.text, "\($0.boundary)"] } == [["What", "word"]])
        #expect(stream.flush().isEmpty && stream.rest.isEmpty)
    }

    @Test("of a sentence that is too long for one piece only one piece is buffered") func long() {
        var stream = SentenceStream(), longest = 0
        for _ in 0..<500 {
            _ = stream.append("and on, ")
            longest = max(longest, stream.rest.count)
        }
        #expect(longest < 300)
    }
}
