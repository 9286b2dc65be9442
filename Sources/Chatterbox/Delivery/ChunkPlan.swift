/// Where the chunks of an utterance end: a function of how many tokens the utterance has, never of when they come.
///
/// A chunk is made once the tokens beyond it are certain that the encoder looks at. What is left at the end is the last chunk.
struct ChunkPlan {
    struct Chunk: Hashable {
        /// What is new.
        let tokens: Range<Int>
        /// Those behind them that they depend on; none at the end.
        let ahead: Range<Int>
        let isLast: Bool
    }

    private let sizes: ChunkSizes
    private let lookahead, reserve: Int
    private var made = 0
    /// The first token of the next chunk.
    private(set) var start = 0
    private(set) var isAtEnd = false

    /// - Parameters:
    ///   - lookahead: tokens beyond a chunk that it depends on.
    ///   - unheard: tokens at the end of the utterance whose sound is left out.
    init(_ sizes: ChunkSizes, lookahead: Int, unheard: Int = 0) {
        (self.sizes, self.lookahead) = (sizes, lookahead)
        // The last chunk is never empty.
        reserve = max(1, lookahead, unheard)
    }

    private var end: Int { start + sizes[made] }

    /// Tokens that must be certain before the next chunk can be made, unless no more will come.
    var needed: Int { end + reserve }

    /// The next chunk; nil where more tokens are needed, or after the last.
    ///
    /// - Parameters:
    ///   - count: tokens that are certain.
    ///   - isComplete: whether no more will come.
    mutating func next(of count: Int, isComplete: Bool) -> Chunk? {
        let isLast = count < needed
        guard !isAtEnd, !isLast || isComplete && count > start else { return nil }
        let tokens = start..<(isLast ? count : end)
        let ahead = tokens.upperBound..<(isLast ? count : end + lookahead)
        (start, made, isAtEnd) = (tokens.upperBound, made + 1, isLast)
        return Chunk(tokens: tokens, ahead: ahead, isLast: isLast)
    }
}

/// How many tokens chunks have; 25 are a second.
package struct ChunkSizes: Hashable, Sendable {
    /// Of the first chunk, the second and all others.
    package let first, second, others: Int
    /// Tokens before a chunk whose frames it sees at least; it sees whole chunks.
    package let context: Int

    package init(first: Int, second: Int, others: Int, context: Int = 25) {
        precondition(min(first, second, others) > 0 && context >= 0, "chunks have tokens")
        (self.first, self.second, self.others, self.context) = (first, second, others, context)
    }

    /// The first is as small as sound comes of it: what flow, pitch, vocoder and watermark hold back is some 20 tokens long.
    package static let standard = ChunkSizes(first: 24, second: 25, others: 50)
    /// All in one.
    package static let whole = ChunkSizes(first: .max / 2, second: 1, others: 1)

    /// Tokens of a chunk, counted from 0.
    subscript(chunk: Int) -> Int { chunk == 0 ? first : chunk == 1 ? second : others }

    /// Where chunks of an utterance meet, in tokens from its beginning.
    ///
    /// - Parameters:
    ///   - count: the utterance's tokens.
    ///   - lookahead: how many must follow a chunk that is not the last.
    package func ends(of count: Int, lookahead: Int = 3) -> [Int] {
        var plan = ChunkPlan(self, lookahead: lookahead), ends: [Int] = []
        while let chunk = plan.next(of: count, isComplete: true), !chunk.isLast { ends.append(chunk.tokens.upperBound) }
        return ends
    }
}
