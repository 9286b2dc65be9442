import Foundation
import Synchronization

/// Rewrites text as in the model's training (upstream: `punc_norm` in `tts.py`).
public struct TextNormalizer: Sendable, Hashable {
    /// A text and its replacement.
    struct Replacement: Hashable {
        let found, replacement: [Unicode.Scalar]
    }

    /// In the order in which they are applied.
    let replacements: [Replacement]
    /// A full stop is added to text that does not end in one of these.
    let endings: Set<Unicode.Scalar>

    /// The English model's: a capital first letter, single spaces, plain punctuation, an end mark.
    public static let english = TextNormalizer(
        replacements: [("...", ", ")] + [("…", ", "), (":", ",")] + breaks + dashesAndQuotes, endings: ends)

    /// That of the multilingual models: like the English one, and also with the punctuation that ends a Chinese or Japanese clause.
    public static let multilingual = TextNormalizer(
        replacements: english.replacements, endings: ends.union(["、", "，", "。", "？", "！"]))

    /// Turbo's and Nano's, which does not change `...`, `;` and ` - `.
    public static let turbo = TextNormalizer(replacements: [("…", ", "), (":", ",")] + dashesAndQuotes, endings: ends)

    private static let breaks = [(" - ", ", "), (";", ", ")]
    private static let dashesAndQuotes = [
        ("—", "-"), ("–", "-"), (" ,", ","), ("“", "\""), ("”", "\""), ("‘", "'"), ("’", "'"),
    ]
    private static let ends: Set<Unicode.Scalar> = [".", "!", "?", "-", ","]

    /// - Parameters:
    ///   - replacements: pairs of a text and its replacement, applied one after the other.
    ///   - endings: text that ends in none of these gets a full stop.
    public init(replacements: [(String, String)], endings: Set<Unicode.Scalar>) {
        self.init(
            replacements: replacements.map { Replacement(found: Array($0.0.unicodeScalars), replacement: Array($0.1.unicodeScalars)) },
            endings: endings)
    }

    private init(replacements: [Replacement], endings: Set<Unicode.Scalar>) {
        self.replacements = replacements
        self.endings = endings
    }

    /// The text as the tokenizer expects it. Blank text becomes a full stop.
    public func callAsFunction(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        if let first = scalars.first, first.properties.isLowercase {
            scalars.replaceSubrange(0..<1, with: first.properties.uppercaseMapping.unicodeScalars)
        }
        scalars = Self.singleSpaced(scalars)
        for pair in replacements { scalars.replaceEach(pair.found, with: pair.replacement) }
        while scalars.last == " " { scalars.removeLast() }
        if scalars.last.map({ !endings.contains($0) }) ?? true { scalars.append(".") }
        return String(scalars: scalars)
    }
}

/// In JSON the name of one of this package's normalisers, or an object with `replacements`, pairs of texts, and `endings`, a text of such marks.
extension TextNormalizer: Codable {
    private static let named = [("english", english), ("multilingual", multilingual), ("turbo", turbo)]

    private enum Key: String, CodingKey { case replacements, endings }

    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.singleValueContainer(), let name = try? container.decode(String.self) {
            guard let known = Self.named.first(where: { $0.0 == name })?.1 else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "the normalizer \"\(name)\" is not one of \(Self.named.map(\.0).joined(separator: ", "))")
            }
            self = known
            return
        }
        let values = try decoder.container(keyedBy: Key.self)
        let pairs = try values.decode([[String]].self, forKey: .replacements)
        guard pairs.allSatisfy({ $0.count == 2 && !$0[0].isEmpty }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .replacements, in: values, debugDescription: "each replacement is a pair of texts, the first of them not empty")
        }
        self.init(replacements: pairs.map { ($0[0], $0[1]) }, endings: Set(try values.decode(String.self, forKey: .endings).unicodeScalars))
    }

    public func encode(to encoder: any Encoder) throws {
        if let name = Self.named.first(where: { $0.1 == self })?.0 {
            var container = encoder.singleValueContainer()
            return try container.encode(name)
        }
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(replacements.map { [String(scalars: $0.found), String(scalars: $0.replacement)] }, forKey: .replacements)
        try values.encode(String(scalars: endings.sorted()), forKey: .endings)
    }
}

extension TextNormalizer {
    /// One space between words, and none at the ends of the text.
    private static func singleSpaced(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var words: [Unicode.Scalar] = []
        words.reserveCapacity(scalars.count)
        var isBetween = false
        for scalar in scalars {
            if scalar.isPythonSpace {
                isBetween = !words.isEmpty
            } else {
                if isBetween { words.append(" ") }
                isBetween = false
                words.append(scalar)
            }
        }
        return words
    }
}

extension [Unicode.Scalar] {
    /// Replaces every occurrence from left to right, as Python's `str.replace` does.
    mutating func replaceEach(_ found: [Unicode.Scalar], with replacement: [Unicode.Scalar]) {
        guard let first = found.first, contains(first) else { return }
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(count)
        var index = 0
        while index < count {
            if self[index] == first, index + found.count <= count, (1..<found.count).allSatisfy({ self[index + $0] == found[$0] }) {
                result += replacement
                index += found.count
            } else {
                result.append(self[index])
                index += 1
            }
        }
        self = result
    }
}

extension String {
    /// Appends many scalars at once, which is faster than one after the other.
    init(scalars: some Collection<Unicode.Scalar>) {
        self = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * scalars.count) { bytes in
            var count = 0
            func add(_ byte: UInt32) {
                bytes[count] = UInt8(truncatingIfNeeded: byte)
                count += 1
            }
            func addFollowing(_ value: UInt32) { add(0x80 | value & 0x3F) }
            for scalar in scalars {
                let value = scalar.value
                switch value {
                case 0..<0x80: add(value)
                case 0x80..<0x800:
                    add(0xC0 | value >> 6)
                    addFollowing(value)
                case 0x800..<0x10000:
                    add(0xE0 | value >> 12)
                    addFollowing(value >> 6)
                    addFollowing(value)
                default:
                    add(0xF0 | value >> 18)
                    addFollowing(value >> 12)
                    addFollowing(value >> 6)
                    addFollowing(value)
                }
            }
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[..<count]), as: UTF8.self)
        }
    }

    var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }
}

extension Unicode.Scalar {
    /// The characters at which Python's `str.split()` splits: Unicode's white space and the four information separators.
    var isPythonSpace: Bool {
        if isASCII { return value == 0x20 || (0x09...0x0D).contains(value) || (0x1C...0x1F).contains(value) }
        return isWhiteSpace
    }
}

/// Compatibility decomposition of text (Unicode's NFKD), which is slow in Foundation: the result for each character is stored.
enum CompatibleForm {
    private struct Known {
        /// For the scalars of most scripts: whether they decompose to themselves and no marks are reordered around them.
        var staying = [Bool](repeating: false, count: 0x3400)
        /// The decompositions of other scalars, and whether they contain marks that are reordered.
        var becoming: [Unicode.Scalar: (scalars: [Unicode.Scalar], hasMarks: Bool)] = [:]
    }

    private static let known = Mutex(Known())

    static func of(_ text: String) -> String {
        known.withLock { known in
            var result: [Unicode.Scalar] = []
            result.reserveCapacity(text.utf8.count)
            for scalar in text.unicodeScalars {
                if scalar.value < 0x3400, known.staying[Int(scalar.value)] {
                    result.append(scalar)
                    continue
                }
                let (scalars, hasMarks) = known.becoming[scalar] ?? look(scalar, &known)
                // The order of neighbouring marks is defined.
                if hasMarks, result.last.map(isMark) == true || scalars.count(where: isMark) > 1 {
                    return text.decomposedStringWithCompatibilityMapping
                }
                result += scalars
            }
            return String(scalars: result)
        }
    }

    private static func look(_ scalar: Unicode.Scalar, _ known: inout Known) -> (scalars: [Unicode.Scalar], hasMarks: Bool) {
        let scalars = Array(String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars)
        let found = (scalars: scalars, hasMarks: scalars.contains(where: isMark))
        if scalar.value < 0x3400, scalars == [scalar], !found.hasMarks { known.staying[Int(scalar.value)] = true }
        if known.becoming.count < 1 << 16 { known.becoming[scalar] = found }
        return found
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.canonicalCombiningClass != .notReordered }
}
