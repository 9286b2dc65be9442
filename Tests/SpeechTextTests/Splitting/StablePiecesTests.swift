import TestSupport
import Testing

@testable import SpeechText

@Suite("Pieces of a changed text") struct StablePiecesTests {
    private let splitter = SentenceSplitter()

    private static func sentences(_ count: Int, _ random: inout SeededRandom) -> [String] {
        (0..<count).map { number in
            let words = (0..<Int.random(in: 3...25, using: &random)).map { _ in
                ["the", "ship", "was", "late", "and", "nobody", "waited", "long"].randomElement(using: &random)!
            }
            return "Number \(number) " + words.joined(separator: " ") + "."
        }
    }

    /// Pieces that the other text does not have.
    private func changed(_ a: [String], _ b: [String]) -> Int {
        let (a, b) = (splitter(a.joined(separator: " ")).map(\.text), splitter(b.joined(separator: " ")).map(\.text))
        return Set(a).subtracting(b).count
    }

    @Test("inserting, removing or changing a sentence changes only its own piece and the adjacent ones", arguments: 0..<100) func local(
        seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let text = Self.sentences(60, &random), place = Int.random(in: 0..<60, using: &random)
        var longer = text, shorter = text, other = text
        longer.insert("A sentence that was not there before.", at: place)
        shorter.remove(at: place)
        other[place] = "Something else is said here, in more words or in fewer of them."
        for edited in [longer, shorter, other] { #expect(changed(text, edited) <= 3, "\(changed(text, edited))") }
        // Most pieces are the same.
        #expect(splitter(text.joined(separator: " ")).count > 15)
    }

    @Test("a paragraph that fits one piece is one") func short() {
        #expect(splitter("One is here. Two is there. Three is gone. Four is back.").count == 1)
    }

    @Test("sentences are spoken together, about as many as fit") func together() {
        var random = SeededRandom(seed: 1)
        let pieces = splitter(Self.sentences(200, &random).joined(separator: " "))
        let letters = pieces.reduce(0) { $0 + splitter.length($1.text) } / pieces.count
        #expect((120...280).contains(letters), "\(letters)")
        #expect(pieces.allSatisfy { splitter.length($0.text) <= splitter.limit })
    }
}
