/// Rewrites text the way a model saw it in training (upstream: `punc_norm` in `tts.py`).
public struct TextNormalizer: Sendable {
    /// Replacements in the order they are made.
    let replacements: [(found: [Unicode.Scalar], replacement: [Unicode.Scalar])]
    /// Text that ends in none of these gets a full stop.
    let endings: Set<Unicode.Scalar>

    /// The English model's: a capital first letter, single spaces, plain punctuation, an end mark.
    public static let english = TextNormalizer(
        replacements: [("...", ", ")] + [("…", ", "), (":", ",")] + breaks + dashesAndQuotes, endings: ends)

    /// The multilingual models' also knows the marks that end a Chinese or Japanese clause.
    public static let multilingual = TextNormalizer(
        replacements: english.replacements, endings: ends.union(["、", "，", "。", "？", "！"]))

    /// Turbo's and Nano's leaves `...`, `;` and ` - ` as they are.
    public static let turbo = TextNormalizer(replacements: [("…", ", "), (":", ",")] + dashesAndQuotes, endings: ends)

    private static let breaks = [(" - ", ", "), (";", ", ")]
    private static let dashesAndQuotes = [
        ("—", "-"), ("–", "-"), (" ,", ","), ("“", "\""), ("”", "\""), ("‘", "'"), ("’", "'"),
    ]
    private static let ends: Set<Unicode.Scalar> = [".", "!", "?", "-", ","]

    private init(replacements: [(String, String)], endings: Set<Unicode.Scalar>) {
        self.init(
            replacements: replacements.map { (found: Array($0.0.unicodeScalars), replacement: Array($0.1.unicodeScalars)) },
            endings: endings)
    }

    private init(replacements: [(found: [Unicode.Scalar], replacement: [Unicode.Scalar])], endings: Set<Unicode.Scalar>) {
        self.replacements = replacements
        self.endings = endings
    }

    /// The text as the tokenizer expects it. Text without anything but spaces becomes a full stop.
    public func callAsFunction(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        if let first = scalars.first, first.properties.isLowercase {
            scalars.replaceSubrange(0..<1, with: first.properties.uppercaseMapping.unicodeScalars)
        }
        scalars = Array(scalars.split(whereSeparator: \.isPythonSpace).joined(separator: [" "]))
        for (found, replacement) in replacements { scalars = scalars.replacing(found, with: replacement) }
        while scalars.last == " " { scalars.removeLast() }
        if scalars.last.map({ !endings.contains($0) }) ?? true { scalars.append(".") }
        return String(String.UnicodeScalarView(scalars))
    }
}

extension Unicode.Scalar {
    /// What Python's `str.split()` splits at: Unicode's white space and the four information separators.
    var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}
