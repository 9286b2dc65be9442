import Logging

/// A text to speak.
public struct SpeechRequest: Sendable {
    /// What is said.
    public var text: String
    /// nil takes the model's own.
    public var voice: Voice?
    /// Speakers by name: where `[ada]` stands in the text, or `<voice name="ada">`, Ada speaks from there on. Other words in
    /// brackets stay what they are.
    public var voices: [String: Voice]
    /// How it is said, divided and given out.
    public var options: SpeechOptions
    /// What is added to the model for this request: several add up. The samples are the same alone and beside requests with others.
    public var adapters: [AdapterUse]
    /// How soon it is to be heard.
    public var priority: SpeechPriority
    /// Hears each draw of a piece: the one with the fewest wrong words is kept, and drawing ends with one that has none and nothing else
    /// wrong, ``SpeechOptions/takes`` draws at most. For whole pieces, not for ``SpeechOptions/Delivery/chunks``.
    public var judge: (any SpeechJudge)?
    /// Takes the lines about this request (<doc:Logging>), in place of the synthesizer's: with what tells it from others, as a
    /// server's number for it.
    public var logger: Logger?

    /// Each part as its property says.
    public init(
        _ text: String, voice: Voice? = nil, voices: [String: Voice] = [:], options: SpeechOptions = .standard, adapters: [AdapterUse] = [],
        priority: SpeechPriority = .interactive, judge: (any SpeechJudge)? = nil, logger: Logger? = nil
    ) {
        (self.text, self.voice, self.voices, self.options, self.adapters, self.priority) = (text, voice, voices, options, adapters, priority)
        (self.judge, self.logger) = (judge, logger)
    }
}

/// How soon a request is to be heard.
public enum SpeechPriority: String, Sendable, Hashable, Codable, CaseIterable {
    /// Somebody listens.
    case interactive
    /// Nobody waits: it is worked on while no interactive request can be.
    case batch
}
