/// Something a person should know of speech that was made all the same.
public struct SpeechWarning: Sendable, Hashable, Codable, CustomStringConvertible {
    public let kind: Kind
    /// The sentence that a person reads.
    public let description: String
    /// The option that is ignored, a property of ``SpeechOptions`` or ``SamplingOptions``, with which the sentence begins.
    public let option: String?

    public enum Kind: String, Sendable, Hashable, Codable {
        /// A tag in square brackets that the model does not know and reads as text.
        case unknownTag = "unknown-tag"
        /// An option that this model's decoding has no use for.
        case ignoredOption = "ignored-option"
        /// Characters that the model has never seen and does not speak.
        case unknownCharacters = "unknown-characters"
        /// A language's own step that was left out.
        case skippedStep = "skipped-step"
        /// A watermark was asked for, and the model was loaded without a ``Watermarker``.
        case noWatermark = "no-watermark"
        /// More speech tokens were allowed than the model makes.
        case tokenLimit = "token-limit"
        /// A piece of text whose speech repeated itself and was ended there.
        case loop
        /// The loudness that was asked for would clip peaks.
        case loudnessLimited = "loudness-limited"
        /// A prepared voice that does not tell which networks made it.
        case unknownVoice = "unknown-voice"
        /// A prepared voice of another model that was made anew from its recording.
        case remadeVoice = "remade-voice"
    }

    init(_ kind: Kind, _ description: String, option: String? = nil) {
        self.kind = kind
        self.description = description
        self.option = option
    }

    static func loop(in text: String) -> SpeechWarning {
        SpeechWarning(.loop, "the speech of \"\(text.prefix(60))\(text.count > 60 ? "…" : "")\" began to repeat itself and was ended there")
    }

    static func unreadTag(_ tag: String, model: String) -> SpeechWarning {
        SpeechWarning(.unknownTag, "\(tag) is read as text: \(model) has no tags; Turbo and Nano have, as [laugh] and [sigh]")
    }

    static func unknownCharacters(_ characters: [Character]) -> SpeechWarning {
        let named = characters.prefix(10).map(String.init).joined(separator: " ")
        let rest = characters.count > 10 ? " and \(characters.count - 10) more" : ""
        return SpeechWarning(.unknownCharacters, "the model does not know \(named)\(rest): it does not speak \(characters.count == 1 ? "it" : "them")")
    }

    static let noWatermark = SpeechWarning(
        .noWatermark, "this speech carries no watermark: the model was loaded without the watermark's weights")
}
