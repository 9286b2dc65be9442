import Chatterbox

/// Computes how much of the sent sound a listener has heard who plays it as it arrives.
struct PlaybackClock: Sendable {
    /// Seconds of sound that were sent.
    private(set) var sent = 0.0
    /// When the last of it will have been played.
    private var end: ContinuousClock.Instant?

    mutating func take(_ seconds: Double, at now: ContinuousClock.Instant = .now) {
        sent += seconds
        end = max(now, end ?? now) + .seconds(seconds)
    }

    /// The seconds that have been played so far.
    func played(at now: ContinuousClock.Instant = .now) -> Double { end.map { max(0, sent - max(0, ($0 - now) / .seconds(1))) } ?? 0 }
}

/// The part of a speech that was heard before it was interrupted.
struct HeardSpeech: Sendable, Hashable {
    var seconds: Double
    /// Whether the client stated how much it played; otherwise it is assumed to have played everything as it arrived.
    var isTold: Bool
    /// The words that began to sound, as they were written.
    var words: [String]

    var json: JSON {
        let text = words.joined(separator: " ")
        return [
            "seconds": .number((seconds * 1000).rounded() / 1000), "told": .bool(isTold), "words": .init(words.count),
            "characters": .init(text.count),
            "text": .string(text),
        ]
    }
}

/// The text spoken so far, with the times of its words.
struct SpokenSoFar: Sendable {
    private var words: [SpokenWord] = []
    /// The sentence without all its word times, and its beginning.
    private var open: (words: [String], known: Int, start: Double)?
    var clock = PlaybackClock()

    /// Characters per second, for a sentence without word times yet.
    private static let usualRate = 14.0

    /// Records that a sentence begins this many seconds after the beginning.
    mutating func begin(_ sentence: String, at start: Double) {
        open = (sentence.split(whereSeparator: \.isWhitespace).map(String.init), 0, start)
    }

    /// Records the next sound, and the words in it.
    mutating func take(_ seconds: Double, _ words: [SpokenWord]) {
        clock.take(seconds)
        self.words += words
        open?.known += words.count
    }

    /// All of a sentence has been sent.
    mutating func endSentence() { open = nil }

    /// - Parameter told: the seconds that the client says it has played; nil if it does not say.
    func heard(_ told: Double?, at now: ContinuousClock.Instant = .now) -> HeardSpeech {
        let seconds = min(clock.sent, told ?? clock.played(at: now))
        var heard = words.filter { $0.start < seconds }.map(\.text)
        if let open, heard.count == words.count {
            // Its words follow each other at the usual rate.
            var position = words.last.map { max($0.end, open.start) } ?? open.start
            for word in open.words.dropFirst(open.known) where position < seconds {
                heard.append(word)
                position += Double(word.count + 1) / Self.usualRate
            }
        }
        return HeardSpeech(seconds: seconds, isTold: told != nil, words: heard)
    }
}
