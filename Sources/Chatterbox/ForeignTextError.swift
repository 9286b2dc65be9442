import SpeechText

/// A text of which most is written in letters that the model does not know.
public struct ForeignTextError: Error, Hashable, CustomStringConvertible {
    public let text: String
    /// What the letters are of, as far as that can be told.
    public let languages: [Language]

    public init(text: String, languages: [Language]) { (self.text, self.languages) = (text, languages) }

    public var description: String {
        let shown = text.count > 20 ? text.prefix(20) + "…" : text[...]
        return "most of \"\(shown)\" is in letters that the model does not know" + languages.compactMap(Variant.whatSpeaks).map { "; \($0)" }.joined()
    }
}
