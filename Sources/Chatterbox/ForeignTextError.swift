import SpeechText

/// A text of which most is written in letters that the model does not know.
public struct ForeignTextError: Error, Hashable, CustomStringConvertible {
    public let text: String
    /// What the letters are of, where that can be told.
    public let language: Language?

    public init(text: String, language: Language?) { (self.text, self.language) = (text, language) }

    public var description: String {
        let shown = text.count > 20 ? text.prefix(20) + "…" : text[...]
        return "most of \"\(shown)\" is in letters that the model does not know" + (language.flatMap(Variant.whatSpeaks).map { "; \($0)" } ?? "")
    }
}
