import Foundation

/// A word of the text with its times.
public struct SpokenWord: Sendable, Hashable, Codable {
    /// The word as in the text, with the punctuation at its ends.
    public let text: String
    /// Seconds from the beginning of the speech.
    public let start, end: Double

    /// A word of a text with its times in seconds.
    public init(text: String, start: Double, end: Double) {
        self.text = text
        self.start = start
        self.end = end
    }

    /// The word's times if everything is spoken at this speed.
    func faster(_ speed: Double) -> SpokenWord { SpokenWord(text: text, start: start / speed, end: end / speed) }

    /// The word's times if everything after a time is spoken at this speed.
    func faster(_ speed: Double, from time: Double) -> SpokenWord {
        SpokenWord(text: text, start: time + (start - time) / speed, end: time + (end - time) / speed)
    }

    /// The word's times after silences have been inserted.
    func moved(by cuts: [(sample: Int, silence: Int)], sampleRate: Int) -> SpokenWord {
        func moved(_ seconds: Double) -> Double {
            seconds + Double(cuts.reduce(0) { $0 + (Double($1.sample) < seconds * Double(sampleRate) ? $1.silence : 0) }) / Double(sampleRate)
        }
        // A silence that begins within a word does not move the word's end.
        let start = moved(start)
        return SpokenWord(text: text, start: start, end: max(start, min(moved(end), start + (end - self.start) + 0.001)))
    }

    /// The word's times in a longer sound, in which a part of its own sound is inserted at a sample.
    func moved(into part: Range<Int>, at place: Int, sampleRate: Int) -> SpokenWord {
        func moved(_ seconds: Double) -> Double {
            let sample = min(max(seconds * Double(sampleRate), Double(part.lowerBound)), Double(part.upperBound))
            return (sample - Double(part.lowerBound) + Double(place)) / Double(sampleRate)
        }
        return SpokenWord(text: text, start: moved(start), end: moved(end))
    }
}

/// Why word times are not available.
public enum WordTimesError: Error, Hashable, CustomStringConvertible {
    /// The model has no heads whose attention follows the text.
    case noAlignmentHeads(model: String)

    public var description: String {
        switch self {
        case .noAlignmentHeads(let model):
            "\(model) cannot compute word times: it has no alignment heads (\"alignmentHeads\" in config.json); "
                + "Chatterbox and the multilingual models have"
        }
    }
}

extension Model {
    /// The attention heads from which word times are computed.
    ///
    /// - Throws: ``WordTimesError/noAlignmentHeads(model:)``.
    public func alignmentHeads() throws -> [AttentionHead] {
        guard let heads = configuration.t3.alignmentHeads, !heads.isEmpty else { throw WordTimesError.noAlignmentHeads(model: variant.title) }
        return heads
    }
}

/// Finds the frames in which each word of a text is spoken, from the attention of some heads when the frames were drawn.
struct WordAlignment {
    /// A word, or the text between two words, in the order of the text.
    private struct State {
        let word: Int?
        var tokens: Range<Int>
    }

    private let states: [State]
    private let wordCount: Int

    /// - Parameter owners: the word of each text token, nil for tokens outside of words; words in ascending order.
    init(owners: [Int?], wordCount: Int) {
        var states: [State] = []
        for (token, word) in owners.enumerated() {
            if let last = states.last, last.word == word {
                states[states.count - 1].tokens = last.tokens.lowerBound..<token + 1
            } else {
                states.append(State(word: word, tokens: token..<token + 1))
            }
        }
        self.states = states
        self.wordCount = wordCount
    }

    /// Fewer frames than these between two words are not a pause: they belong to the word before.
    private static let shortestPause = 4
    /// The share of its attention that a frame is assumed to give to any word by chance.
    private static let chance = 0.02

    /// The frames of each word; a range may be empty if there are too few frames.
    ///
    /// - Parameter attention: the attention of each frame, `[heads × tokens]`.
    func frames(_ attention: [ArraySlice<Float>]) -> [Range<Double>] {
        let mayBeSkipped = states.map { $0.word == nil }
        guard states.contains(where: { $0.word != nil }), let path = MonotonicPath.states(scores(attention), mayBeSkipped: mayBeSkipped) else {
            return (0..<wordCount).map { word in
                let share = Double(attention.count) / Double(wordCount)
                return Double(word) * share..<Double(word + 1) * share
            }
        }
        var found = [Range<Double>?](repeating: nil, count: wordCount)
        for (frame, state) in path.enumerated() {
            guard let word = states[state].word else { continue }
            found[word] = (found[word]?.lowerBound ?? Double(frame))..<Double(frame + 1)
        }
        return Self.joined(Self.shared(found))
    }

    /// The score of each state for each frame: the logarithm of its share of the attention, averaged over the heads.
    private func scores(_ attention: [ArraySlice<Float>]) -> [[Double]] {
        guard let tokens = states.last?.tokens.upperBound, tokens > 0 else { return [] }
        var shares = attention.map { frame in
            let heads = frame.count / tokens
            let sums = (0..<heads).map { head in
                states.map { state in
                    state.tokens.reduce(0.0) { $0 + Double(frame[frame.startIndex + head * tokens + $1]) }
                }
            }
            return states.indices.map { state in
                sums.reduce(0.0) { total, head in total + head[state] / max(1e-9, head.reduce(0, +)) } / Double(max(1, heads))
            }
        }
        // Text between words that has attention all the time is a resting position of a head, not a pause.
        for (index, state) in states.enumerated() where state.word == nil {
            let usual = Self.median(shares.map { $0[index] })
            for frame in shares.indices { shares[frame][index] = max(0, shares[frame][index] - usual) }
        }
        return shares.indices.map { frame in
            let neighbours = shares[max(0, frame - 1)...min(shares.count - 1, frame + 1)]
            let smoothed = states.indices.map { state in Self.median(neighbours.map { $0[state] }) }
            let sum = max(1e-9, smoothed.reduce(0, +))
            return smoothed.map { log(max(0, $0) / sum + Self.chance) }
        }
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted(), middle = sorted.count / 2
        guard !sorted.isEmpty else { return 0 }
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Words without tokens share the time of the word before them, or of the first word.
    private static func shared(_ found: [Range<Double>?]) -> [Range<Double>] {
        let owners = found.indices.filter { found[$0] != nil }
        return owners.enumerated().flatMap { place, owner in
            let first = place == 0 ? 0 : owner, end = place + 1 < owners.count ? owners[place + 1] : found.count
            let time = found[owner]!, share = (time.upperBound - time.lowerBound) / Double(end - first)
            return (0..<end - first).map { time.lowerBound + Double($0) * share..<time.lowerBound + Double($0 + 1) * share }
        }
    }

    private static func joined(_ words: [Range<Double>]) -> [Range<Double>] {
        words.indices.map { index in
            guard index + 1 < words.count, case let next = words[index + 1].lowerBound,
                next - words[index].upperBound < Double(shortestPause)
            else { return words[index] }
            return words[index].lowerBound..<max(words[index].upperBound, next)
        }
    }
}

/// The best path through states, with each frame in one state, and never backwards: dynamic time warping in which no frames are skipped (as in
/// Whisper's word times; Sakoe and Chiba 1978).
package enum MonotonicPath {
    /// The state of each frame.
    ///
    /// - Parameters:
    ///   - scores: the score of each state for each frame, `[frames][states]`; the path has the largest sum.
    ///   - mayBeSkipped: states that need no frame; no two of them are adjacent.
    /// - Returns: nil if there are fewer frames than states that need one.
    package static func states(_ scores: [[Double]], mayBeSkipped: [Bool]) -> [Int]? {
        let count = mayBeSkipped.count
        guard !scores.isEmpty, count > 0, scores.count >= mayBeSkipped.count(where: { !$0 }) else { return nil }
        // A path begins in the first state, or in the second if the first may be skipped.
        let starts = mayBeSkipped[0] ? 2 : 1
        var best = [Double](repeating: -.infinity, count: count)
        for state in 0..<min(starts, count) { best[state] = scores[0][state] }
        // The number of states by which each frame's state was reached from the previous one.
        var steps: [[UInt8]] = [[UInt8](repeating: 0, count: count)]
        for frame in scores.dropFirst() {
            var (next, taken) = (best, [UInt8](repeating: 0, count: count))
            for state in 0..<count {
                if state >= 1, best[state - 1] > next[state] { (next[state], taken[state]) = (best[state - 1], 1) }
                if state >= 2, mayBeSkipped[state - 1], best[state - 2] > next[state] { (next[state], taken[state]) = (best[state - 2], 2) }
                next[state] += frame[state]
            }
            best = next
            steps.append(taken)
        }
        var state = count >= 2 && mayBeSkipped[count - 1] && best[count - 2] > best[count - 1] ? count - 2 : count - 1
        guard best[state] > -.infinity else { return nil }
        var path: [Int] = []
        for taken in steps.reversed() {
            path.append(state)
            state -= Int(taken[state])
        }
        return path.reversed()
    }
}
