/// Text that cannot be spoken.
public enum TextError: Error, Equatable, CustomStringConvertible {
    case empty
    /// It contains no word that the model can speak.
    case nothingToSpeak(String)
    case tooLong(characters: Int, tokens: Int, limit: Int)
    /// The length in `[pause:…]` is invalid.
    case pause(String)
    /// Speakers in the text for whom no voice was given.
    case unknownSpeakers([String], known: [String])
    /// The language cannot be detected; the candidates, the most likely first, may be none.
    case unsureLanguage([Language])

    public var description: String {
        switch self {
        case .empty:
            return "the text is empty: give at least one word to speak"
        case .nothingToSpeak(let text):
            let shown = text.count > 20 ? text.prefix(20) + "…" : text[...]
            return "\"\(shown)\" has no word that the model can speak: give text with letters of its language"
        case .tooLong(let characters, let tokens, let limit):
            return "the text is too long to speak undivided: \(characters) characters are \(tokens) tokens, the model takes \(limit); "
                + "split it into sentences"
        case .unknownSpeakers(let names, let known):
            return
                "the text has turns of \(names.joined(separator: ", ")), whose voice\(names.count == 1 ? " is" : "s are") not given; given are \(known.joined(separator: ", "))"
        case .unsureLanguage(let languages):
            let likely = languages.map { "\($0.name) (\($0.code))" }.joined(separator: " or ")
            return "the text's language is not clear\(likely.isEmpty ? "" : ", perhaps \(likely)"): give it"
        case .pause(let length):
            return
                "[pause:\(length)] is not a pause: give a length such as [pause:0.5s] or [pause:500ms], up to \(Int(SpeechScript.longestPause)) s"
        }
    }
}

/// A note about a text for its user.
public struct TextNote: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, Codable {
        /// A block of code was left out.
        case codeLeftOut = "code-left-out"
        /// Markup that has no effect.
        case ignoredMarkup = "ignored-markup"
        /// The language that was detected, because none was given.
        case language
        /// A tag in square brackets that the model does not know and reads as text.
        case unknownTag = "unknown-tag"
        /// A step of a language that was left out.
        case skippedStep = "skipped-step"
        /// Signs in the text that are replaced or not spoken.
        case signs
    }

    public let kind: Kind
    /// The sentence that a person reads.
    public let description: String

    public init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}
