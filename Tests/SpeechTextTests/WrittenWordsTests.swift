import Testing

@testable import SpeechText

@Suite("Words as they are written")
struct WrittenWordsTests {
    @Test(
        "a number is one written word, however many are spoken",
        arguments: [
            ("It cost $1,234.56 in 1984.", ["It", "cost", "$1,234.56", "in", "1984."]),
            ("(5 km) away", ["(5 km)", "away"]), ("Dr. Smith, 3rd", ["Dr.", "Smith,", "3rd"]), ("salt & pepper", ["salt", "&", "pepper"]),
            ("no change here", ["no", "change", "here"]),
            ("At 9:30PM, $5 and 40–60°C.", ["At", "9:30PM,", "$5", "and", "40–60°C."]), ("COVID-19 came", ["COVID-19", "came"]),
        ]) func words(text: String, expected: [String])
    {
        let spoken = SpokenForm(language: "en")(text), words = spoken.text.split(separator: " ").map(String.init)
        let written = spoken.written(words)
        #expect(written.map(\.text) == expected)
        // Every spoken word belongs to a written one, in order.
        #expect(written.first?.spoken.lowerBound == 0 && written.last?.spoken.upperBound == words.count)
        #expect(zip(written, written.dropFirst()).allSatisfy { $0.spoken.upperBound == $1.spoken.lowerBound })
    }
}
