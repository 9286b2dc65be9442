/// Something about a text that whoever has it read aloud should know.
public struct TextNote: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, Codable {
        /// Code that is not read aloud.
        case codeLeftOut = "code-left-out"
        /// Markup that asks for something that is not done.
        case ignoredMarkup = "ignored-markup"
        /// Words of a script that the language is not written in.
        case language
    }

    public let kind: Kind
    /// The sentence that a person reads.
    public let description: String

    public init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}
