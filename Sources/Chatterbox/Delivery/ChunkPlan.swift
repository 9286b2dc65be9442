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
    /// Of each of the first chunks; all others are as long as the last of these.
    package let sizes: [Int]
    /// Tokens before a chunk whose frames it sees at least; it sees whole chunks.
    package let context: Int

    package init(_ sizes: [Int], context: Int = 25) {
        precondition(!sizes.isEmpty && sizes.allSatisfy { $0 > 0 } && context >= 0, "chunks have tokens")
        (self.sizes, self.context) = (sizes, context)
    }

    /// The first gives 0.4 s of sound: what flow, pitch, vocoder and watermark hold back is 18 tokens long with int8 weights, 23 with
    /// float32. The next ones are short, and each a quarter longer than the one before: whoever speaks 1.3 times as fast as it is
    /// heard has each ready when the last is over.
    package static let standard = ChunkSizes([28, 8, 9, 11, 14, 17, 22, 28, 35, 45, 50])
    /// All in one.
    package static let whole = ChunkSizes([.max / 2])

    /// The same but for the first and what chunks see.
    package func beginning(with first: Int, context: Int) -> ChunkSizes { ChunkSizes([first] + sizes.dropFirst(), context: context) }

    /// Tokens of a chunk, counted from 0.
    package subscript(chunk: Int) -> Int { sizes[min(chunk, sizes.count - 1)] }

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
