import Foundation

/// Byte-pair encoding over characters: text to the numbers of the pieces a model learned.
///
/// Added tokens such as `[SPACE]` are cut out first, what is between them is split into runs of word characters and runs
/// of others, and in each run the neighbouring pieces that merge first are merged until none do (Sennrich et al. 2016).
/// Gives what Hugging Face's `tokenizers` gives for the same file.
public struct BPETokenizer: Sendable {
    private struct Pair: Hashable {
        let left, right: Int
    }

    private let vocabulary: [String: Int]
    /// Pieces of one scalar. `String` would hold letters equal that Unicode calls equivalent; a tokenizer must not.
    private let letters: [Unicode.Scalar: Int]
    private let pieces: [Int: String]
    /// For a pair of pieces: its precedence, and the piece that it becomes.
    private let merges: [Pair: (rank: Int, merged: Int)]
    /// Added tokens by their first scalar, the longest first.
    private let added: [Unicode.Scalar: [(scalars: [Unicode.Scalar], id: Int)]]
    /// The piece that stands for a character the vocabulary lacks; such characters vanish where there is none.
    public let unknown: Int?

    /// Reads a `tokenizer.json`.
    ///
    /// - Throws: ``TokenizerError``.
    public init(_ url: URL) throws {
        let file = try TokenizerFile(url)
        vocabulary = file.vocabulary
        letters = Dictionary(
            file.vocabulary.compactMap { piece, id in piece.unicodeScalars.count == 1 ? (piece.unicodeScalars.first!, id) : nil },
            uniquingKeysWith: min)
        unknown = file.unknown.flatMap { file.vocabulary[$0] }
        var merges: [Pair: (rank: Int, merged: Int)] = [:]
        for (rank, (left, right)) in file.merges.enumerated() {
            guard let l = file.vocabulary[left], let r = file.vocabulary[right], let merged = file.vocabulary[left + right] else {
                throw TokenizerError.malformed(url, problem: "the merge \"\(left) \(right)\" is of pieces outside the vocabulary")
            }
            merges[Pair(left: l, right: r)] = (rank, merged)
        }
        self.merges = merges
        added = Dictionary(grouping: file.added.map { (scalars: Array($0.key.unicodeScalars), id: $0.value) }, by: { $0.scalars[0] })
            .mapValues { $0.sorted { $0.scalars.count > $1.scalars.count } }
        pieces = Dictionary(file.vocabulary.map { ($0.value, $0.key) } + file.added.map { ($0.value, $0.key) }, uniquingKeysWith: { _, last in last })
    }

    /// The number of a piece.
    public func id(of piece: String) -> Int? { vocabulary[piece] ?? added.values.joined().first { $0.scalars.elementsEqual(piece.unicodeScalars) }?.id }

    /// The piece of a number.
    public func piece(of id: Int) -> String? { pieces[id] }

    /// The largest number, plus one.
    public var count: Int { (pieces.keys.max() ?? -1) + 1 }

    /// The numbers of a text's pieces.
    public func encode(_ text: String) -> [Int] {
        let scalars = Array(text.unicodeScalars)
        var ids: [Int] = []
        var known: [ArraySlice<Unicode.Scalar>: [Int]] = [:]
        var start = 0
        var position = 0
        func flush(_ end: Int) {
            for word in Self.words(scalars[start..<end]) {
                if let earlier = known[word] { ids += earlier; continue }
                let encoded = merged(word)
                known[word] = encoded
                ids += encoded
            }
        }
        while position < scalars.count {
            if let token = added[scalars[position]]?.first(where: { scalars[position...].starts(with: $0.scalars) }) {
                flush(position)
                ids.append(token.id)
                position += token.scalars.count
                start = position
            } else {
                position += 1
            }
        }
        flush(position)
        return ids
    }

    /// Runs of word characters and runs of other characters, without white space: the regular expression `\w+|[^\w\s]+`.
    static func words(_ scalars: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
        enum Kind { case space, word, other }
        func kind(_ scalar: Unicode.Scalar) -> Kind {
            if scalar.properties.isWhitespace { return .space }
            return scalar.isWordCharacter ? .word : .other
        }
        var words: [ArraySlice<Unicode.Scalar>] = []
        var start = scalars.startIndex
        while start < scalars.endIndex {
            let first = kind(scalars[start])
            let end = scalars[start...].firstIndex { kind($0) != first } ?? scalars.endIndex
            if first != .space { words.append(scalars[start..<end]) }
            start = end
        }
        return words
    }

    /// A word's pieces after all merges, first in precedence first, leftmost first among equals.
    private func merged(_ word: ArraySlice<Unicode.Scalar>) -> [Int] {
        var symbols = word.compactMap { letters[$0] ?? unknown }
        // Words are short; a run of a hundred thousand letters is not, and takes the queue.
        if symbols.count > 64 { return mergedWithQueue(symbols) }
        while true {
            var best: (rank: Int, merged: Int, at: Int)?
            for i in symbols.indices.dropLast() {
                if let merge = merges[Pair(left: symbols[i], right: symbols[i + 1])], merge.rank < best?.rank ?? .max {
                    best = (merge.rank, merge.merged, i)
                }
            }
            guard let best else { return symbols }
            symbols.replaceSubrange(best.at...best.at + 1, with: [best.merged])
        }
    }

    /// The same in n log n: a linked list of symbols and a heap of candidate merges, stale ones dropped as they surface.
    private func mergedWithQueue(_ start: [Int]) -> [Int] {
        var symbols = start
        var next = Array(1...start.count)
        var previous = Array(-1..<start.count - 1)
        var heap = MergeHeap()
        func push(_ left: Int) {
            guard left >= 0, next[left] < symbols.count, let merge = merges[Pair(left: symbols[left], right: symbols[next[left]])] else { return }
            heap.push(MergeHeap.Candidate(rank: merge.rank, position: left, left: symbols[left], right: symbols[next[left]], merged: merge.merged))
        }
        for i in symbols.indices { push(i) }
        while let candidate = heap.pop() {
            let (left, right) = (candidate.position, next[candidate.position])
            guard symbols[left] == candidate.left, right < symbols.count, symbols[right] == candidate.right else { continue }
            symbols[left] = candidate.merged
            symbols[right] = -1
            next[left] = next[right]
            if next[left] < symbols.count { previous[next[left]] = left }
            push(left)
            push(previous[left])
        }
        return symbols.filter { $0 >= 0 }
    }
}

/// Candidate merges, the one to be made first on top.
private struct MergeHeap {
    struct Candidate {
        let rank, position, left, right, merged: Int
        func isBefore(_ other: Candidate) -> Bool { (rank, position) < (other.rank, other.position) }
    }

    private var items: [Candidate] = []

    mutating func push(_ item: Candidate) {
        items.append(item)
        var child = items.count - 1
        while child > 0, items[child].isBefore(items[(child - 1) / 2]) {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Candidate? {
        guard let top = items.first else { return nil }
        let last = items.removeLast()
        guard !items.isEmpty else { return top }
        items[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child].isBefore(items[least]) { least = child }
            if least == parent { return top }
            items.swapAt(parent, least)
            parent = least
        }
    }
}

extension Unicode.Scalar {
    /// `\w` of Unicode regular expressions: letters, marks, decimal digits, connecting punctuation, joiners.
    var isWordCharacter: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
