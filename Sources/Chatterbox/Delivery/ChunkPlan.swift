/// Where the chunks of an utterance end: determined by the number of tokens, never by when they arrive.
///
/// A chunk can be computed once the encoder's lookahead after it is final. The rest at the end is the last chunk.
struct ChunkPlan {
    struct Chunk: Hashable {
        /// The tokens of the chunk.
        let tokens: Range<Int>
        /// The tokens after it on which it depends; none at the end.
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
    ///   - lookahead: the number of tokens after a chunk on which it depends.
    ///   - unheard: the number of tokens at the end of the utterance whose sound is left out.
    init(_ sizes: ChunkSizes, lookahead: Int, unheard: Int = 0) {
        (self.sizes, self.lookahead) = (sizes, lookahead)
        // The last chunk is never empty.
        reserve = max(1, lookahead, unheard)
    }

    private var end: Int { start + sizes[made] }

    /// The number of final tokens that the next chunk needs, unless the utterance is complete.
    var needed: Int { end + reserve }

    /// The next chunk; nil if more tokens are needed, or after the last.
    ///
    /// - Parameters:
    ///   - count: the number of final tokens.
    ///   - isComplete: whether there are no further tokens.
    mutating func next(of count: Int, isComplete: Bool) -> Chunk? {
        let isLast = count < needed
        guard !isAtEnd, !isLast || isComplete && count > start else { return nil }
        let tokens = start..<(isLast ? count : end)
        let ahead = tokens.upperBound..<(isLast ? count : end + lookahead)
        (start, made, isAtEnd) = (tokens.upperBound, made + 1, isLast)
        return Chunk(tokens: tokens, ahead: ahead, isLast: isLast)
    }
}

/// The numbers of tokens in chunks; 25 are a second.
package struct ChunkSizes: Hashable, Sendable {
    /// The sizes of the first chunks; all later chunks have the last of these sizes.
    package let sizes: [Int]
    /// The smallest number of tokens before a chunk to which its frames attend; these are whole chunks.
    package let context: Int

    package init(_ sizes: [Int], context: Int = 25) {
        precondition(!sizes.isEmpty && sizes.allSatisfy { $0 > 0 } && context >= 0, "chunks have tokens")
        (self.sizes, self.context) = (sizes, context)
    }

    /// The first chunk gives 0.4 s of sound: the delays of flow, pitch predictor, vocoder and watermark are 18 tokens with int8 weights, 23 with
    /// float32. The next chunks are short, and each is a quarter longer than the one before: if speech is computed 1.3 times as fast as it is played,
    /// each chunk is ready when the previous one has been played.
    package static let standard = ChunkSizes([28, 8, 9, 11, 14, 17, 22, 28, 35, 45, 50])
    /// A single chunk.
    package static let whole = ChunkSizes([.max / 2])

    /// The same, with another first chunk and another context.
    package func beginning(with first: Int, context: Int) -> ChunkSizes { ChunkSizes([first] + sizes.dropFirst(), context: context) }

    /// The number of tokens in a chunk, counted from 0.
    package subscript(chunk: Int) -> Int { sizes[min(chunk, sizes.count - 1)] }

    /// The boundaries between the chunks of an utterance, in tokens from its beginning.
    ///
    /// - Parameters:
    ///   - count: the number of the utterance's tokens.
    ///   - lookahead: the number of tokens that must follow every chunk except the last.
    package func ends(of count: Int, lookahead: Int = 3) -> [Int] {
        var plan = ChunkPlan(self, lookahead: lookahead), ends: [Int] = []
        while let chunk = plan.next(of: count, isComplete: true), !chunk.isLast { ends.append(chunk.tokens.upperBound) }
        return ends
    }
}
