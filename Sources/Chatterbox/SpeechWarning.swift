import Foundation
import SpeechText

/// Something a person should know of speech that was made all the same.
public struct SpeechWarning: Sendable, Hashable, Codable, CustomStringConvertible {
    /// What it is about, for programs.
    public let kind: Kind
    /// The sentence that a person reads.
    public let description: String
    /// The option that is ignored, a property of ``SpeechOptions`` or ``SamplingOptions``, with which the sentence begins.
    public let option: String?

    /// What a warning is about; the raw values stay the same within a major version.
    public enum Kind: String, Sendable, Hashable, Codable {
        /// A tag in square brackets that the model does not know and reads as text.
        case unknownTag = "unknown-tag"
        /// An option that this model's decoding has no use for.
        case ignoredOption = "ignored-option"
        /// Characters that the model has never seen and does not speak.
        case unknownCharacters = "unknown-characters"
        /// A language's own step that was left out.
        case skippedStep = "skipped-step"
        /// Signs of the text that are spoken otherwise than they are written, or not at all.
        case signs
        /// A watermark was asked for, and the model was loaded without a ``Watermarker``.
        case noWatermark = "no-watermark"
        /// More speech tokens were allowed than the model makes.
        case tokenLimit = "token-limit"
        /// A piece of text whose speech repeated itself and was ended there.
        case loop
        /// A piece of text whose speech reached the most tokens that it may have, and was cut there.
        case cutShort = "cut-short"
        /// A piece of text whose speech is far too short or too long for its words.
        case oddLength = "odd-length"
        /// A piece of text that was drawn again, with a better end.
        case redrawn
        /// A block of code in the text that is not read aloud.
        case codeLeftOut = "code-left-out"
        /// Markup that asks for something that is not done.
        case ignoredMarkup = "ignored-markup"
        /// The language that was taken where none was given.
        case language
        /// The loudness that was asked for would clip peaks.
        case loudnessLimited = "loudness-limited"
        /// A prepared voice that does not tell which networks made it.
        case unknownVoice = "unknown-voice"
        /// A recording of a voice that was mended, or that makes a worse voice than another would.
        case recording
        /// A prepared voice of another model that was made anew from its recording.
        case remadeVoice = "remade-voice"
    }

    init(_ kind: Kind, _ description: String, option: String? = nil) {
        self.kind = kind
        self.description = description
        self.option = option
    }

    static func loop(in text: String) -> SpeechWarning {
        SpeechWarning(.loop, "the speech of \"\(shown(text))\" began to repeat itself and was ended there")
    }

    static func cutShort(_ text: String, tokens: Int) -> SpeechWarning {
        SpeechWarning(
            .cutShort,
            "the speech of \"\(shown(text))\" reached the limit of \(tokens) tokens (\(String(format: "%.1f", Double(tokens) / 25)) s) and was cut there"
        )
    }

    static func oddLength(_ text: String, seconds: Double) -> SpeechWarning {
        SpeechWarning(.oddLength, "the speech of \"\(shown(text))\" lasts \(String(format: "%.1f", seconds)) s, which is hardly what its words take")
    }

    /// Nil where the loudness that was asked for is reached, to a tenth of a decibel.
    ///
    /// - Parameters:
    ///   - loudness: what was reached, in LUFS.
    ///   - part: of the speech; nil for all of it.
    package static func loudnessLimited(_ loudness: Double, target: Double, in part: String? = nil) -> SpeechWarning? {
        guard target - loudness >= 0.1 else { return nil }
        let place = part.map { " in \"\(shown($0))\"" } ?? ""
        return SpeechWarning(
            .loudnessLimited, "loudness is \(String(format: "%.1f", loudness)) LUFS\(place) instead of \(target): louder, its peaks would be clipped",
            option: "loudness")
    }

    static func redrawn(_ text: String, _ problem: SpeechProblem, draws: Int) -> SpeechWarning {
        let what =
            switch problem {
            case .loop: "repeated itself"
            case .cutShort: "reached its limit"
            case .oddLength: "had an odd length"
            case .missingWords: "left words out"
            }
        return SpeechWarning(.redrawn, "the speech of \"\(shown(text))\" \(what) and was drawn again; draw \(draws) was kept")
    }

    private static func shown(_ text: String) -> String {
        let line = text.replacing(#/\s+/#, with: " ")
        return "\(line.prefix(60))\(line.count > 60 ? "…" : "")"
    }

    init(_ note: TextNote) {
        let kind: Kind =
            switch note.kind {
            case .codeLeftOut: .codeLeftOut
            case .ignoredMarkup: .ignoredMarkup
            case .language: .language
            case .unknownTag: .unknownTag
            case .skippedStep: .skippedStep
            case .signs: .signs
            }
        self.init(kind, note.description)
    }

    static func unreadTag(_ tag: String, model: String) -> SpeechWarning {
        let isTag = TextPipeline.familyTags.contains(tag.dropFirst().dropLast().lowercased())
        return SpeechWarning(
            .unknownTag,
            isTag
                ? "\(tag) is read as text: \(model) has no tags; Turbo and Nano have, as [laugh] and [sigh]"
                : "\(tag) is read as text: no voice was given for a speaker of that name, and \(model) has no tags")
    }

    static func unknownCharacters(_ script: TextPlan.UnknownScript) -> SpeechWarning {
        let (characters, language) = (script.characters, script.language)
        let named = characters.prefix(10).map(String.init).joined(separator: " ")
        let rest = characters.count > 10 ? " and \(characters.count - 10) more" : ""
        let spoken = "it does not speak \(characters.count == 1 ? "it" : "them")"
        return SpeechWarning(
            .unknownCharacters, "the model does not know \(named)\(rest): \(spoken)" + (language.flatMap(Variant.whatSpeaks).map { "; \($0)" } ?? ""))
    }

    package static let noWatermark = SpeechWarning(
        .noWatermark, "this speech carries no watermark: the model was loaded without the watermark's weights")
}
