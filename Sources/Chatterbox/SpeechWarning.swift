import Foundation
import SpeechText

/// Something about speech that a person should know, although the speech was made.
public struct SpeechWarning: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The kind, for programs.
    public let kind: Kind
    /// The sentence that a person reads.
    public let description: String
    /// The name of the ignored option, a property of ``SpeechOptions`` or ``SamplingOptions``; the sentence begins with it.
    public let option: String?

    /// What a warning is about; the raw values stay the same within a major version.
    public enum Kind: String, Sendable, Hashable, Codable {
        /// A tag in square brackets that the model does not know and reads as text.
        case unknownTag = "unknown-tag"
        /// An option that this model does not use.
        case ignoredOption = "ignored-option"
        /// Characters that the model does not know and does not speak.
        case unknownCharacters = "unknown-characters"
        /// A step of a language that was left out.
        case skippedStep = "skipped-step"
        /// Signs in the text that are replaced or not spoken.
        case signs
        /// A watermark was requested, but the model was loaded without a ``Watermarker``.
        case noWatermark = "no-watermark"
        /// The limit of speech tokens was larger than the model's.
        case tokenLimit = "token-limit"
        /// The speech of a piece repeated itself and was ended there.
        case loop
        /// The speech of a piece reached its token limit and was cut there.
        case cutShort = "cut-short"
        /// The speech of a piece is far too short or too long for its words.
        case oddLength = "odd-length"
        /// A piece was sampled again, with a better result.
        case redrawn
        /// A block of code in the text was not spoken.
        case codeLeftOut = "code-left-out"
        /// Markup that has no effect.
        case ignoredMarkup = "ignored-markup"
        /// The language that was detected, because none was given.
        case language
        /// The requested loudness was not reached, because peaks would clip.
        case loudnessLimited = "loudness-limited"
        /// A prepared voice without digests of the networks that made it.
        case unknownVoice = "unknown-voice"
        /// A voice's recording was corrected, or is of poor quality.
        case recording
        /// A prepared voice of another model was computed again from its recording.
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
        SpeechWarning(.oddLength, "the speech of \"\(shown(text))\" lasts \(String(format: "%.1f", seconds)) s, which is implausible for its words")
    }

    /// nil if the requested loudness was reached to within a tenth of a decibel.
    ///
    /// - Parameters:
    ///   - loudness: the loudness reached, in LUFS.
    ///   - part: the part of the speech; nil for all of it.
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
        return SpeechWarning(.redrawn, "the speech of \"\(shown(text))\" \(what) and was sampled again; take \(draws) was kept")
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
