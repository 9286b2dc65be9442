import Foundation

/// Finds the frames in which each word of a text is spoken, from what some heads attended to when the frames were drawn.
struct WordAlignment {
    /// Words and what lies between them, in the order of the text.
    private struct State {
        let word: Int?
        var tokens: Range<Int>
    }

    private let states: [State]
    private let wordCount: Int

    /// - Parameter owners: the word of each text token, nil for tokens of none; words in ascending order.
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

    /// Frames between two words that are fewer than these are no pause: the word before lasts as long.
    private static let shortestPause = 4
    /// Share of its attention that a frame is thought to give to any word by chance.
    private static let chance = 0.02

    /// The frames of each word, a range that may be empty where there are too few.
    ///
    /// - Parameter attention: of each frame, `[heads × tokens]`.
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

    /// How well each state suits each frame: the logarithm of its share of the attention, averaged over the heads.
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
        // What lies between words and is looked at all the time is where a head rests, not a pause.
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

    /// Words without tokens of their own take a part of the time of the word before them, or of the first.
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
