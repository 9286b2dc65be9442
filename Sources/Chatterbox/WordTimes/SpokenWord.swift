/// A word of the text and when it is heard.
public struct SpokenWord: Sendable, Hashable, Codable {
    /// The word as the text has it, with the punctuation at its ends.
    public let text: String
    /// Seconds from the beginning of the speech.
    public let start, end: Double

    public init(text: String, start: Double, end: Double) {
        self.text = text
        self.start = start
        self.end = end
    }

    /// The word where all is spoken so many times as fast.
    func faster(_ speed: Double) -> SpokenWord { SpokenWord(text: text, start: start / speed, end: end / speed) }

    /// The word where all after a time is spoken so many times as fast.
    func faster(_ speed: Double, from time: Double) -> SpokenWord {
        SpokenWord(text: text, start: time + (start - time) / speed, end: time + (end - time) / speed)
    }

    /// The word in its sound after silences were put in.
    func moved(by cuts: [(sample: Int, silence: Int)], sampleRate: Int) -> SpokenWord {
        func moved(_ seconds: Double) -> Double {
            seconds + Double(cuts.reduce(0) { $0 + (Double($1.sample) < seconds * Double(sampleRate) ? $1.silence : 0) }) / Double(sampleRate)
        }
        // A word's end is not after a silence that begins within it.
        let start = moved(start)
        return SpokenWord(text: text, start: start, end: max(start, min(moved(end), start + (end - self.start) + 0.001)))
    }

    /// The word in a longer sound, of which a part of the sound that it is in takes the place from some sample on.
    func moved(into part: Range<Int>, at place: Int, sampleRate: Int) -> SpokenWord {
        func moved(_ seconds: Double) -> Double {
            let sample = min(max(seconds * Double(sampleRate), Double(part.lowerBound)), Double(part.upperBound))
            return (sample - Double(part.lowerBound) + Double(place)) / Double(sampleRate)
        }
        return SpokenWord(text: text, start: moved(start), end: moved(end))
    }
}

/// Why nobody can tell when words are heard.
public enum WordTimesError: Error, Hashable, CustomStringConvertible {
    /// The model has no heads whose attention follows the text.
    case noAlignmentHeads(model: String)

    public var description: String {
        switch self {
        case .noAlignmentHeads(let model):
            "\(model) cannot tell when words are heard: it has no alignment heads (\"alignmentHeads\" in config.json); "
                + "Chatterbox and the multilingual models have"
        }
    }
}

extension Model {
    /// The heads whose attention tells when words are heard.
    ///
    /// - Throws: ``WordTimesError/noAlignmentHeads(model:)``.
    public func alignmentHeads() throws -> [AttentionHead] {
        guard let heads = configuration.t3.alignmentHeads, !heads.isEmpty else { throw WordTimesError.noAlignmentHeads(model: variant.title) }
        return heads
    }
}
