import Foundation

/// Byte-pair encoding: turns text into token numbers.
///
/// Added tokens such as `[SPACE]` are separated first, and the text between them is split into words. In each word the neighbouring tokens of highest
/// precedence are merged until none can be merged (Sennrich et al. 2016). The result is that of Hugging Face's `tokenizers` with the same files.
public struct BPETokenizer: Sendable {
    private struct Pair: Hashable {
        let left, right: Int
    }

    /// A word that is hashed as a whole, not scalar by scalar.
    private struct Word: Hashable {
        let scalars: ArraySlice<Unicode.Scalar>

        static func == (a: Word, b: Word) -> Bool { a.scalars == b.scalars }
        func hash(into hasher: inout Hasher) { scalars.withUnsafeBytes { hasher.combine(bytes: $0) } }
    }

    /// The units that are merged, and how text is divided into words before that.
    enum Alphabet: Sendable {
        /// Characters, in runs of word characters and runs of others.
        case characters
        /// The bytes of UTF-8, in GPT-2's words.
        case bytes
    }

    private let alphabet: Alphabet
    private let vocabulary: [ExactText: Int]
    /// Tokens of one scalar.
    private let letters: [Unicode.Scalar: Int]
    private let pieces: [Int: String]
    /// For a pair of tokens: its precedence, and the token that it is merged into.
    private let merges: [Pair: (rank: Int, merged: Int)]
    /// Added tokens by their first scalar, the longest first.
    private let added: [Unicode.Scalar: [(scalars: [Unicode.Scalar], id: Int)]]
    /// Whether an added token may begin with a scalar, by its value; one entry stands for all scalars beyond ASCII.
    private let mayBeginAdded: [Bool]
    /// The token for characters that are not in the vocabulary; if nil, such characters are removed.
    public let unknown: Int?

    /// Reads a `tokenizer.json` over characters.
    ///
    /// - Throws: ``TokenizerError``.
    public init(_ url: URL) throws { try self.init(TokenizerFile(url), over: .characters, url) }

    /// - Parameter url: the file, for messages.
    /// - Throws: ``TokenizerError`` if a merge contains tokens outside the vocabulary.
    init(_ file: TokenizerFile, over alphabet: Alphabet, _ url: URL) throws {
        self.alphabet = alphabet
        vocabulary = file.vocabulary
        letters = Dictionary(
            file.vocabulary.compactMap { piece, id in
                let scalars = piece.string.unicodeScalars
                return scalars.count == 1 ? (scalars.first!, id) : nil
            },
            uniquingKeysWith: min)
        unknown = file.unknown.flatMap { file.vocabulary[$0] }
        var merges: [Pair: (rank: Int, merged: Int)] = [:]
        for (rank, (left, right)) in file.merges.enumerated() {
            guard let l = file.vocabulary[left], let r = file.vocabulary[right], let merged = file.vocabulary[left + right] else {
                throw TokenizerError.malformed(
                    url, problem: "the merge \"\(left.string) \(right.string)\" contains pieces outside the vocabulary")
            }
            merges[Pair(left: l, right: r)] = (rank, merged)
        }
        self.merges = merges
        added = Dictionary(
            grouping: file.added.map { (scalars: Array($0.key.string.unicodeScalars), id: $0.value) }, by: { $0.scalars[0] }
        ).mapValues { $0.sorted { $0.scalars.count > $1.scalars.count } }
        var mayBegin = [Bool](repeating: false, count: 129)
        for first in added.keys { mayBegin[min(128, Int(first.value))] = true }
        mayBeginAdded = mayBegin
        pieces = Dictionary(
            (Array(file.vocabulary) + Array(file.added)).map { ($0.value, $0.key.string) }, uniquingKeysWith: { _, last in last })
    }

    /// The number of a piece.
    public func id(of piece: String) -> Int? {
        vocabulary[ExactText(piece)] ?? added.values.joined().first { $0.scalars.elementsEqual(piece.unicodeScalars) }?.id
    }

    /// The piece of a number.
    public func piece(of id: Int) -> String? { pieces[id] }

    /// The largest number, plus one.
    public var count: Int { (pieces.keys.max() ?? -1) + 1 }

    /// Characters of a text without a token, each once, in order; white space is not included.
    ///
    /// - Parameter spelling: how a character is respelled before it is encoded.
    func unknownCharacters(in text: String, spelledAs spelling: (String) -> String) -> [Character] {
        guard unknown != nil, alphabet == .characters else { return [] }
        return Array(text).uniqued().filter { character in
            !character.isWhitespace && spelling(String(character)).unicodeScalars.contains { !isKnown($0) }
        }
    }

    /// Whether the scalar has a token, or needs none.
    private func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        letters[scalar] != nil || scalar.isWhiteSpace || added[scalar]?.contains { $0.scalars.count == 1 } == true
    }

    /// The numbers of a text's pieces.
    public func encode(_ text: String) -> [Int] {
        let scalars = Array(text.unicodeScalars)
        var ids: [Int] = []
        var known: [Word: [Int]] = [:]
        var start = 0
        var position = 0
        func flush(_ end: Int) {
            let words = alphabet == .bytes ? GPT2Words.words(scalars[start..<end]) : Self.words(scalars[start..<end])
            for word in words {
                let key = Word(scalars: word)
                if let earlier = known[key] {
                    ids += earlier
                    continue
                }
                let encoded = merged(word)
                known[key] = encoded
                ids += encoded
            }
        }
        while position < scalars.count {
            if mayBeginAdded[min(128, Int(scalars[position].value))],
                let token = added[scalars[position]]?.first(where: { scalars[position...].starts(with: $0.scalars) })
            {
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
            if scalar.isASCII {
                let value = scalar.value | 0x20
                if (0x61...0x7A).contains(value) || (0x30...0x39).contains(scalar.value) || scalar == "_" { return .word }
                return scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value) ? .space : .other
            }
            let kind = ScalarKind.kind(scalar)
            return kind.contains(.space) ? .space : kind.contains(.word) ? .word : .other
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

    /// The tokens of a word after all merges: those of highest precedence first, and among equals the leftmost.
    private func merged(_ word: ArraySlice<Unicode.Scalar>) -> [Int] {
        let word = alphabet == .bytes ? GPT2Words.bytes(of: word)[...] : word
        var symbols = word.compactMap { letters[$0] ?? unknown }
        // Words are short; for a run of a hundred thousand letters a queue is used.
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

    /// The same in n log n: a linked list of symbols and a heap of candidate merges; outdated candidates are dropped when they reach the top.
    private func mergedWithQueue(_ start: [Int]) -> [Int] {
        var symbols = start
        var next = Array(1...start.count)
        var previous = Array(-1..<start.count - 1)
        var heap = MergeHeap()
        func push(_ left: Int) {
            guard left >= 0, next[left] < symbols.count, let merge = merges[Pair(left: symbols[left], right: symbols[next[left]])] else {
                return
            }
            heap.push(
                MergeHeap.Candidate(rank: merge.rank, position: left, left: symbols[left], right: symbols[next[left]], merged: merge.merged)
            )
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

/// Candidate merges, with the next one at the top.
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
