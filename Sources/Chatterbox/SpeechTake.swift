/// What can be wrong with the tokens of a piece of text, in increasing severity.
enum SpeechProblem: Int, Comparable {
    case missingWords, oddLength, cutShort, loop

    static func < (a: SpeechProblem, b: SpeechProblem) -> Bool { a.rawValue < b.rawValue }
}

/// One take: the tokens drawn for a piece, and their quality, judged by their end, their length and, if attention was recorded, the words that were
/// spoken.
struct SpeechTake {
    /// The number of tokens drawn.
    let tokens: Int
    /// The take's number, from 1.
    let number: Int
    let problem: SpeechProblem?
    /// The share of the words to which the heads attended; nil if nothing was recorded.
    let coverage: Double?
    /// The judge's transcript; nil without a judge.
    var judged: JudgedTake?
    /// The difference between the length and the plausible range, in seconds.
    private let distance: Double

    /// The share of words below which some are assumed to be missing.
    private static let enoughWords = 0.8

    /// - Parameters:
    ///   - text: the text as spoken.
    ///   - coverage: the share of its words that were attended to.
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

    /// The plausible duration of a text in seconds: from five times as fast as slow speech to slower than that, with pauses.
    static func plausibleSeconds(of text: String) -> ClosedRange<Double> {
        let slow = slowSeconds(of: text)
        return 0.2 * slow...1.2 + 1.3 * slow
    }

    /// Whether no further take is needed. A judge shows better than attention which words were spoken.
    var isGood: Bool {
        guard let judged else { return problem == nil }
        return judged.errors.wrong == 0 && (problem == nil || problem == .missingWords)
    }

    /// Compares by the judge's word errors, if there is a judge; then by the problem, the length and the words that were attended to.
    func isBetter(than other: SpeechTake) -> Bool {
        if let mine = judged?.errors.wrong, let others = other.judged?.errors.wrong, mine != others { return mine < others }
        let (mine, others) = (problem?.rawValue ?? -1, other.problem?.rawValue ?? -1)
        if mine != others { return mine < others }
        if distance != other.distance { return distance < other.distance }
        return (coverage ?? 0) > (other.coverage ?? 0)
    }

    /// The warning if this take is kept.
    ///
    /// - Parameters:
    ///   - first: the problem of the first take.
    ///   - takes: the largest number of takes; an implausible length causes no warning if there is only one.
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
    /// The share of a text's words that had the most attention at some step.
    ///
    /// - Parameter owners: the word of each text token; nil for a token outside of words.
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
