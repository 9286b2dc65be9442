/// Text that cannot be spoken.
public enum TextError: Error, Equatable, CustomStringConvertible {
    case empty
    /// Nothing in it is a word to the model.
    case nothingToSpeak(String)
    case tooLong(characters: Int, tokens: Int, limit: Int)
    /// What stands in `[pause:…]` is no length of time.
    case pause(String)
    /// Speakers that the text asks for and nobody gave.
    case unknownSpeakers([String], known: [String])
    /// A text that may be in several languages, the likeliest first, or in none that is known.
    case unsureLanguage([Language])

    public var description: String {
        switch self {
        case .empty:
            return "the text is empty: give at least one word to speak"
        case .nothingToSpeak(let text):
            let shown = text.count > 20 ? text.prefix(20) + "…" : text[...]
            return "\"\(shown)\" has no word that the model can speak: give text with letters of its language"
        case .tooLong(let characters, let tokens, let limit):
            return "the text is too long to speak in one breath: \(characters) characters are \(tokens) tokens, the model takes \(limit); "
                + "split it into sentences"
        case .unknownSpeakers(let names, let known):
            return
                "the text has turns of \(names.joined(separator: ", ")), whose voice\(names.count == 1 ? " is" : "s are") not given; given are \(known.joined(separator: ", "))"
        case .unsureLanguage(let languages):
            let likely = languages.map { "\($0.name) (\($0.code))" }.joined(separator: " or ")
            return "the text's language is not plain\(likely.isEmpty ? "" : ", perhaps \(likely)"): give it"
        case .pause(let length):
            return
                "[pause:\(length)] is no pause: give a length such as [pause:0.5s] or [pause:500ms], up to \(Int(SpeechScript.longestPause)) s"
        }
    }
}

/// Something about a text that whoever has it read aloud should know.
public struct TextNote: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, Codable {
        /// Code that is not read aloud.
        case codeLeftOut = "code-left-out"
        /// Markup that asks for something that is not done.
        case ignoredMarkup = "ignored-markup"
        /// The language that was taken where none was given.
        case language
        /// A tag in square brackets that the model does not know and reads as text.
        case unknownTag = "unknown-tag"
        /// A language's own step that was left out.
        case skippedStep = "skipped-step"
        /// Signs of the text that are spoken otherwise than they are written, or not at all.
        case signs
    }

    public let kind: Kind
    /// The sentence that a person reads.
    public let description: String

    public init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}
