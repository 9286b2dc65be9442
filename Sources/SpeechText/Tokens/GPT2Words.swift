/// How GPT-2 cuts text into words, and how it writes bytes as characters (Radford et al. 2019).
enum GPT2Words {
    /// English endings after an apostrophe; words with a space before them; runs of digits, of other marks, of space.
    ///
    /// The regular expression `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    static func words(_ scalars: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
        var words: [ArraySlice<Unicode.Scalar>] = []
        var rest = scalars
        while !rest.isEmpty {
            let end = rest.startIndex + length(rest)
            words.append(rest[..<end])
            rest = rest[end...]
        }
        return words
    }

    /// The scalars that stand for a word's bytes of UTF-8.
    static func bytes(of word: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        word.flatMap { UTF8.encode($0)!.map { table[Int($0)] } }
    }

    private enum Kind { case letter, number, space, other }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if scalar.isASCII {
            if (0x61...0x7A).contains(scalar.value | 0x20) { return .letter }
            if (0x30...0x39).contains(scalar.value) { return .number }
            return scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value) ? .space : .other
        }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: scalar.properties.isWhitespace ? .space : .other
        }
    }

    private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }

    /// Scalars of the first word.
    private static func length(_ rest: ArraySlice<Unicode.Scalar>) -> Int {
        if rest.first == "'", let ending = endings.first(where: { rest.starts(with: $0) }) { return ending.count }
        let first = rest[rest.startIndex]
        let lead = first == " " && rest.count > 1 && kind(rest[rest.startIndex + 1]) != .space ? 1 : 0
        let body = rest.dropFirst(lead)
        let sort = kind(body[body.startIndex])
        let end = body.firstIndex { kind($0) != sort } ?? body.endIndex
        // The last space of a run belongs to the word behind it.
        let isBeforeWord = sort == .space && end < body.endIndex && end - body.startIndex > 1
        return end - rest.startIndex - (isBeforeWord ? 1 : 0)
    }

    /// Visible Latin-1 stands for itself, the other bytes for what follows Latin-1.
    private static let table: [Unicode.Scalar] = {
        let visible = Set(33...126).union(161...172).union(174...255)
        var next: UInt32 = 256
        return (0..<256).map { byte in
            if visible.contains(byte) { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next)!
        }
    }()
}
