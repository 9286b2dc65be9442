/// What a scalar is. Unicode's properties take long to look up; those of most scripts are looked up once.
struct ScalarKind: OptionSet, Sendable {
    let rawValue: UInt8

    /// Unicode's Alphabetic.
    static let alphabetic = ScalarKind(rawValue: 1)
    /// Unicode's White_Space.
    static let space = ScalarKind(rawValue: 2)
    /// `\w` of regular expressions: letters, marks, decimal digits, connecting punctuation, joiners.
    static let word = ScalarKind(rawValue: 4)
    /// Unicode's Changes_When_Lowercased.
    static let capital = ScalarKind(rawValue: 8)

    /// All scalars up to Japanese's.
    private static let table: [ScalarKind] = (0..<ideographs).map { ScalarKind(of: Unicode.Scalar($0)) }
    private static let ideographs: UInt16 = 0x3400
    private static let letter: ScalarKind = [.alphabetic, .word]

    /// By Unicode's properties.
    init(of scalar: Unicode.Scalar?) {
        self = []
        guard let properties = scalar?.properties else { return }
        if properties.isAlphabetic { insert(.alphabetic) }
        if properties.isWhitespace { insert(.space) }
        if properties.changesWhenLowercased { insert(.capital) }
        if properties.isAlphabetic || properties.isJoinControl { insert(.word) }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: insert(.word)
        default: break
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    static func kind(_ scalar: Unicode.Scalar) -> ScalarKind {
        switch scalar.value {
        case 0..<UInt32(ideographs): table[Int(scalar.value)]
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3: letter
        default: ScalarKind(of: scalar)
        }
    }
}

extension Unicode.Scalar {
    var isAlphabetic: Bool { ScalarKind.kind(self).contains(.alphabetic) }
    var isWhiteSpace: Bool { ScalarKind.kind(self).contains(.space) }
    /// `\w` of Unicode regular expressions.
    var isWordCharacter: Bool { ScalarKind.kind(self).contains(.word) }
}
