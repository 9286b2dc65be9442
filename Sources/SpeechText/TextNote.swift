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
