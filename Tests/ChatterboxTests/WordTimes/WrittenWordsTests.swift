import SpeechText
import Testing

@testable import Chatterbox

@Suite("Times of words as they are written")
struct WrittenWordsTests {
    /// Each word a second long.
    func written(_ text: String) -> [String] {
        let spoken = SpokenForm(language: "en")(text)
        let words = WordSplitter.words(spoken.text).enumerated().map { SpokenWord(text: $1.text, start: Double($0), end: Double($0 + 1)) }
        let written = spoken.asWritten(words)
        #expect(written.first?.start == words.first?.start && written.last?.end == words.last?.end)
        #expect(zip(written, written.dropFirst()).allSatisfy { $0.end == $1.start })
        return written.map(\.text)
    }

    @Test("a number is one word, however many are said", arguments: [
        ("It cost $1,234.56 in 1984.", ["It", "cost", "$1,234.56", "in", "1984."]),
        ("(5 km) away", ["(5 km)", "away"]), ("Dr. Smith, 3rd", ["Dr.", "Smith,", "3rd"]), ("salt & pepper", ["salt", "&", "pepper"]), ("no change here", ["no", "change", "here"]),
        ("At 9:30PM, $5 and 40–60°C.", ["At", "9:30PM,", "$5", "and", "40–60°C."]), ("COVID-19 came", ["COVID-19", "came"]),
    ]) func words(text: String, expected: [String]) {
        #expect(written(text) == expected)
    }
}
