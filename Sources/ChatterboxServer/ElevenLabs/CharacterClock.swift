import Chatterbox

/// The start and end times of characters, in order.
struct CharacterTimes: Sendable, Hashable {
    var characters: [String] = []
    /// In seconds.
    var starts: [Double] = [], ends: [Double] = []

    var isEmpty: Bool { characters.isEmpty }

    static func + (one: Self, other: Self) -> Self {
        Self(characters: one.characters + other.characters, starts: one.starts + other.starts, ends: one.ends + other.ends)
    }

    /// In the format of ElevenLabs' HTTP responses.
    var json: JSON {
        [
            "characters": .array(characters.map { .string($0) }),
            "character_start_times_seconds": .array(starts.map { .number($0.inMilliseconds / 1000) }),
            "character_end_times_seconds": .array(ends.map { .number($0.inMilliseconds / 1000) }),
        ]
    }

    /// In the format of its messages: milliseconds relative to a time, where the message's sound begins.
    func message(since origin: Double) -> JSON {
        [
            "chars": .array(characters.map { .string($0) }),
            "charStartTimesMs": .array(starts.map { .number(max(0, ($0 - origin).inMilliseconds)) }),
            "charDurationsMs": .array(zip(starts, ends).map { .number(max(0, $1.inMilliseconds - $0.inMilliseconds)) }),
        ]
    }
}

/// Computes the times of a text's characters from the times of its words: a word's time is divided among its characters, and the characters between
/// two words fill the time between them.
struct CharacterClock: Sendable {
    private var rest: Substring
    /// The time at which the following characters begin, in seconds.
    private(set) var time: Double

    /// - Parameter start: the time at which the text begins, in seconds.
    init(_ text: String, from start: Double = 0) { (rest, time) = (text[...], start) }

    /// The characters up to the end of the last of these words. A word that the text does not contain, because it was written as markup, is inserted
    /// with a space before it.
    mutating func take(_ words: [SpokenWord]) -> CharacterTimes {
        var times = CharacterTimes()
        for word in words {
            let found = rest.firstRange(of: word.text)
            add(found.map { rest[..<$0.lowerBound] } ?? " ", until: word.start, to: &times)
            add(word.text[...], until: word.end, to: &times)
            if let found { rest = rest[found.upperBound...] }
        }
        return times
    }

    /// The remaining characters, until the given time.
    mutating func rest(until end: Double) -> CharacterTimes {
        var times = CharacterTimes()
        add(rest, until: end, to: &times)
        rest = ""
        return times
    }

    private mutating func add(_ text: some StringProtocol, until end: Double, to times: inout CharacterTimes) {
        let begin = time, share = max(0, end - begin) / Double(max(1, text.count))
        for (index, character) in text.enumerated() {
            times.characters.append(String(character))
            times.starts.append(begin + share * Double(index))
            times.ends.append(begin + share * Double(index + 1))
        }
        time = max(begin, end)
    }
}

extension Double {
    fileprivate var inMilliseconds: Double { (self * 1000).rounded() }
}
