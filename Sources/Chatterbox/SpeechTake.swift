/// What can be wrong with the tokens that were drawn for a piece of text, the worst last.
enum SpeechProblem: Int, Comparable {
    case missingWords, oddLength, cutShort, loop

    static func < (a: SpeechProblem, b: SpeechProblem) -> Bool { a.rawValue < b.rawValue }
}

/// One draw of a piece's tokens, and how good it is: by its ending, its length and, where attention was recorded, the words that it
/// spoke.
struct SpeechTake {
    /// Tokens that were drawn.
    let tokens: Int
    /// Counted from 1.
    let number: Int
    let problem: SpeechProblem?
    /// Share of the words that the heads attended to; nil where nothing was recorded.
    let coverage: Double?
    /// What a judge heard; nil without one.
    var judged: JudgedTake?
    /// How far the length is from what is plausible, in seconds.
    private let distance: Double

    /// Share of the words below which some are thought to be missing.
    private static let enoughWords = 0.8

    /// - Parameters:
    ///   - text: as it is said.
    ///   - coverage: share of its words that were attended to.
    init(_ end: DecodingEnd?, tokens: Int, number: Int = 1, text: String, coverage: Double? = nil) {
        (self.tokens, self.number, self.coverage) = (tokens, number, coverage)
        let seconds = Double(tokens) / 25, plausible = Self.plausibleSeconds(of: text)
        distance = seconds < plausible.lowerBound ? plausible.lowerBound - seconds : max(0, seconds - plausible.upperBound)
        problem =
            switch end {
            case .loop: .loop
            case .budget: .cutShort
            case .stop where distance > 0: .oddLength
            default: coverage.map { $0 < Self.enoughWords } == true ? .missingWords : nil
            }
    }

    /// Seconds that saying a text can take: from five times as fast as slow speech to slower than that, with pauses.
    static func plausibleSeconds(of text: String) -> ClosedRange<Double> {
        let slow = slowSeconds(of: text)
        return 0.2 * slow...1.2 + 1.3 * slow
    }

    /// Whether nothing is drawn again. Which words were spoken a judge tells better than attention does.
    var isGood: Bool {
        guard let judged else { return problem == nil }
        return judged.errors.wrong == 0 && (problem == nil || problem == .missingWords)
    }

    /// By the words that a judge heard, where there is one; then by what is wrong, the length and the words that were attended to.
    func isBetter(than other: SpeechTake) -> Bool {
        if let mine = judged?.errors.wrong, let others = other.judged?.errors.wrong, mine != others { return mine < others }
        let (mine, others) = (problem?.rawValue ?? -1, other.problem?.rawValue ?? -1)
        if mine != others { return mine < others }
        if distance != other.distance { return distance < other.distance }
        return (coverage ?? 0) > (other.coverage ?? 0)
    }

    /// What to say of it where it is kept.
    ///
    /// - Parameters:
    ///   - first: the problem of the first draw.
    ///   - takes: how often it might have been drawn; an odd length is nobody's business where nothing is drawn again.
    func warning(_ text: String, first: SpeechProblem?, takes: Int) -> SpeechWarning? {
        switch problem {
        case .loop: .loop(in: text)
        case .cutShort: .cutShort(text, tokens: tokens)
        case .oddLength where takes == 1: nil
        case .oddLength: .oddLength(text, seconds: Double(tokens) / 25)
        case .missingWords, nil: number > 1 ? first.map { .redrawn(text, $0, draws: number) } : nil
        }
    }
}

extension AttentionRecorder {
    /// Share of a text's words that were attended to most at some step.
    ///
    /// - Parameter owners: the word of each text token, nil for tokens of none.
    func coverage(_ owners: [Int?], words: Int) -> Double? {
        guard words > 0, steps > 0, owners.count == positions.count else { return nil }
        var seen: Set<Int> = []
        for step in 0..<steps {
            let weights = weights(at: step)
            var best = 0, most = -Float.infinity
            for token in owners.indices where owners[token] != nil {
                var sum: Float = 0
                for head in heads.indices { sum += weights[weights.startIndex + head * owners.count + token] }
                if sum > most { (best, most) = (token, sum) }
            }
            if let word = owners[best] { seen.insert(word) }
        }
        return Double(seen.count) / Double(words)
    }
}
