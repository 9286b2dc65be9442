/// The languages of the multilingual models, by their ISO 639-1 codes (upstream: `SUPPORTED_LANGUAGES` in `mtl_tts.py`).
public enum Language: String, Sendable, Hashable, Codable, CaseIterable {
    case arabic = "ar", danish = "da", german = "de", greek = "el", english = "en", spanish = "es", finnish = "fi", french = "fr"
    case hebrew = "he", hindi = "hi", italian = "it", japanese = "ja", korean = "ko", malay = "ms", dutch = "nl", norwegian = "no"
    case polish = "pl", portuguese = "pt", russian = "ru", swedish = "sv", swahili = "sw", turkish = "tr", chinese = "zh"

    /// `de`, also written `DE`, `de-AT` or `de_AT`; nil for a language that no model speaks.
    public init?(code: String) {
        guard
            let language = Language(
                rawValue: code.lowercased().split(whereSeparator: { $0 == "-" || $0 == "_" }).first.map(String.init) ?? "")
        else { return nil }
        self = language
    }

    /// Its two letters.
    public var code: String { rawValue }

    /// Its English name.
    public var name: String {
        let name = String(describing: self)
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    package static let englishFirst = [english] + allCases.filter { $0 != .english }
}
