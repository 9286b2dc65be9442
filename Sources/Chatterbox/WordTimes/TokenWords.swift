/// Which word of a text each of its tokens belongs to.
///
/// Tokens spell the text after it was normalised, lower-cased, decomposed and perhaps read aloud on paper; what stays is
/// the order of its letters, by whose count tokens find their words.
struct TokenWords: Sendable {
    /// The text's words as they are written.
    let words: [String]
    /// Each token's word; nil for spaces, for punctuation at a word's ends, and for control tokens.
    let owners: [Int?]

    /// - Parameter pieces: what the tokens spell, as their tokenizer writes it: `[SPACE]`, `[cj_k]`, letters.
    init(_ text: String, pieces: [String]) {
        var words = WordSplitter.words(text)
        let isWide = words.contains { $0.text.contains(where: \.standsAlone) }
        let spelled = Self.stretches(pieces, apart: isWide)
        let total = spelled.reduce(0) { $0 + $1.letters }
        var written = words.reduce(0) { $0 + $1.letters }
        if isWide, total != written {
            // Kanji that are read as kana are mostly read as two.
            for index in words.indices { words[index].letters += words[index].text.count(where: \.isIdeograph) }
            written = words.reduce(0) { $0 + $1.letters }
        }
        self.words = words.map(\.text)
        var owners = [Int?](repeating: nil, count: pieces.count)
        var word = 0, end = words.first?.letters ?? 0, before = 0
        for stretch in spelled {
            // A stretch belongs where its middle is.
            let middle = (Double(before) + Double(stretch.letters) / 2) * Double(written) / Double(max(1, total))
            while Double(end) <= middle, word + 1 < words.count {
                word += 1
                end += words[word].letters
            }
            if !words.isEmpty { for token in stretch.tokens { owners[token] = word } }
            before += stretch.letters
        }
        self.owners = owners
    }

    /// Tokens between spaces, without those at either end that have no letters; where characters are words of their own,
    /// each of them for itself.
    private static func stretches(_ pieces: [String], apart: Bool) -> [(tokens: Range<Int>, letters: Int)] {
        var stretches: [(tokens: Range<Int>, letters: Int)] = []
        var first: Int?, last = 0, letters = 0
        func close() {
            if let first, letters > 0 { stretches.append((first..<last + 1, letters)) }
            (first, letters) = (nil, 0)
        }
        for (index, piece) in pieces.enumerated() {
            let spelling = Spelling(piece)
            if spelling == .space { close() }
            guard let count = spelling.letters else { continue }
            first = first ?? index
            last = index
            letters += count
            if apart, count > 0 { close() }
        }
        close()
        return stretches
    }

    /// What a piece is in the text.
    private enum Spelling: Equatable {
        case space, nothing
        /// One of the keys of a character that a later piece ends.
        case key
        case letters(Int)

        init(_ piece: String) {
            let isNamed = piece.count > 1 && piece.hasPrefix("[") && piece.hasSuffix("]")
            self =
                switch piece {
                case "[SPACE]": .space
                case "[UNK]", "[cj_.]": .letters(1)
                case _ where isNamed: piece.hasPrefix("[cj_") ? .key : .nothing
                default: piece.spokenLetters > 0 ? .letters(piece.spokenLetters) : .nothing
                }
        }

        /// Nil where no word is spelled.
        var letters: Int? {
            switch self {
            case .space, .nothing: nil
            case .key: 0
            case .letters(let count): count
            }
        }
    }
}

extension Character {
    fileprivate var isIdeograph: Bool { standsAlone && (unicodeScalars.first?.value ?? 0) >= 0x3400 }
}
