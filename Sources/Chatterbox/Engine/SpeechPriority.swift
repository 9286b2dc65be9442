/// How soon a request is to be heard.
public enum SpeechPriority: String, Sendable, Hashable, Codable, CaseIterable {
    /// Somebody listens.
    case interactive
    /// Nobody waits: it is worked on while no interactive request can be.
    case batch
}
