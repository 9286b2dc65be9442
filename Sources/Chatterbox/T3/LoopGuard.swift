/// Notices that speech goes round in a circle: the same few tokens again and again.
///
/// A held silence repeats one token too, so a circle must last for seconds to count.
public struct LoopGuard: Sendable, Hashable {
    /// Tokens that a circle must span; 25 are a second.
    public let span: Int
    /// The longest circle that is noticed, in tokens.
    public let longestPeriod: Int

    public init(span: Int = 75, longestPeriod: Int = 25) {
        precondition(longestPeriod >= 1 && span >= 2 * longestPeriod, "a circle is seen when it comes round twice")
        self.span = span
        self.longestPeriod = longestPeriod
    }

    /// How many of the last tokens do nothing but repeat those before them; 0 where speech goes on.
    public func repeated(in tokens: [Int]) -> Int {
        guard tokens.count >= span else { return 0 }
        let recent = tokens.suffix(span)
        let (start, end) = (recent.startIndex, recent.endIndex)
        for period in 1...longestPeriod where (start + period..<end).allSatisfy({ recent[$0] == recent[$0 - period] }) {
            return span - period
        }
        return 0
    }

    /// How many of the last tokens may be taken back should a repetition that is running now go on; the others stay.
    public func atRisk(in tokens: [Int]) -> Int {
        (1...longestPeriod).reduce(0) { most, period in
            var run = 0
            while tokens.count - run > period, tokens[tokens.count - 1 - run] == tokens[tokens.count - 1 - run - period] { run += 1 }
            return max(most, run)
        }
    }
}

/// Most tokens that speaking a text can sensibly take, 25 a second: half as much again as slow speech, and two seconds for pauses.
func speechBudget(for text: String) -> Int { Int((25 * (2 + 1.5 * slowSeconds(of: text))).rounded(.up)) }

/// Seconds that slow speech takes for a text: about 0.12 s a letter; figures are words, and a character of Chinese or Japanese a syllable
/// or two.
func slowSeconds(of text: String) -> Double {
    text.reduce(0.0) { total, character in
        if character.isNumber { return total + 0.5 }
        guard let scalar = character.unicodeScalars.first, !character.isASCII else { return total + 0.12 }
        return total + (scalar.value >= 0x2E80 ? 0.45 : 0.15)
    }
}
