import Logging

/// A text to speak.
public struct SpeechRequest: Sendable {
    /// The text.
    public var text: String
    /// nil is the model's own voice.
    public var voice: Voice?
    /// Voices of speakers by name: after `[ada]` or `<voice name="ada">` in the text, the voice `ada` speaks. Other words in brackets are not
    /// changed.
    public var voices: [String: Voice]
    /// How the text is divided, spoken and delivered.
    public var options: SpeechOptions
    /// The adapters of this request, which are added together. The samples do not depend on other requests and their adapters.
    public var adapters: [AdapterUse]
    /// The priority of the request.
    public var priority: SpeechPriority
    /// A speech recogniser that compares takes of each piece: the take with the fewest wrong words is kept. Takes are made until one has no wrong
    /// words and no other fault, at most ``SpeechOptions/takes``. Not possible with ``SpeechOptions/Delivery/chunks``.
    public var judge: (any SpeechJudge)?
    /// The logger for this request (<doc:Logging>), instead of the synthesizer's; its metadata may contain an identifier of the request.
    public var logger: Logger?

    /// The parameters are the properties.
    public init(
        _ text: String, voice: Voice? = nil, voices: [String: Voice] = [:], options: SpeechOptions = .standard, adapters: [AdapterUse] = [],
        priority: SpeechPriority = .interactive, judge: (any SpeechJudge)? = nil, logger: Logger? = nil
    ) {
        (self.text, self.voice, self.voices, self.options, self.adapters, self.priority) = (text, voice, voices, options, adapters, priority)
        (self.judge, self.logger) = (judge, logger)
    }
}

/// The priority of a request.
public enum SpeechPriority: String, Sendable, Hashable, Codable, CaseIterable {
    /// Somebody listens.
    case interactive
    /// Nobody waits: the request runs while no interactive request can.
    case batch
}
