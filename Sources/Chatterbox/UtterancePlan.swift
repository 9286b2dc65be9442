import FileSupport
import Foundation
import SpeechAudio
import SpeechText
import Torch

/// A request's text, divided into utterances with their seeds: for long texts whose speech is stored piece by piece.
///
/// ```swift
/// let plan = try await synthesizer.plan(SpeechRequest(text, voice: voice))
/// for case .utterance(let utterance) in plan.parts {
///     let speech = try await synthesizer.speak(utterance, of: plan)
/// }
/// ```
/// The sound of an utterance depends only on the utterance, the voice, the options and the model, and not on which other utterances are spoken.
/// Joined, with their pauses after them, the utterances are the speech that ``Synthesizer/speak(_:voice:options:onProgress:)`` returns without a
/// watermark and without a change of speed and loudness.
public struct UtterancePlan: Sendable {
    /// An utterance, or silence.
    public enum Part: Sendable {
        case utterance(Utterance)
        /// Seconds of silence, from the text.
        case silence(Double)
    }

    /// A sentence, or a few short ones, which are computed together.
    public struct Utterance: Sendable {
        let piece: TextPlan.Piece
        /// The seed of its random numbers.
        public let seed: UInt64

        /// Its number among the utterances, from 1.
        public var number: Int { piece.number }
        /// As it is written, without its markup.
        public var text: String { piece.text }
        /// Seconds of silence that follow it.
        public var pause: Double { piece.pause }
        /// The speaker's name; nil for the request's own voice.
        public var speaker: String? { piece.manner.speaker }

        /// Everything in the text that determines the sound.
        package var facts: [String] {
            [piece.text, piece.spoken, "\(seed)", "\(piece.manner.rate)"] + piece.joints.map { "\($0.share):\($0.pause)" }
        }
    }

    /// In the order of the text.
    public let parts: [Part]
    /// Warnings about the text.
    public let warnings: [SpeechWarning]
    /// The text's language.
    public let language: Language
    let text: PreparedText
    let request: SpeechRequest

    init(_ text: PreparedText, _ request: SpeechRequest, seed: UInt64) {
        (self.text, self.request, warnings, language) = (text, request, text.warnings, text.plan.language)
        var seeds = UtteranceSeeds(seed)
        parts = text.parts.map { part in
            switch part {
            case .piece(let piece): .utterance(Utterance(piece: piece, seed: seeds.next(for: piece.text)))
            case .silence(let seconds): .silence(seconds)
            }
        }
    }

    /// The parts that are utterances.
    public var utterances: [Utterance] { parts.compactMap { if case .utterance(let utterance) = $0 { utterance } else { nil } } }
}

extension Synthesizer {
    /// Divides a request's text. If its options have no seed, a random one is used.
    ///
    /// - Throws: ``SpeechOptionsError``, `TextError`, ``ForeignTextError``.
    public func plan(_ request: SpeechRequest) async throws -> UtterancePlan {
        let seed = request.options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        try request.options.check()
        return try await Self.blocking { [model] in
            UtterancePlan(try PreparedText(request.text, model, request.options, speakers: Set(request.voices.keys)), request, seed: seed)
        }
    }

    /// Speaks one utterance, without the pause after it, without a watermark, and without a change of speed and loudness: these apply to the whole
    /// text.
    ///
    /// - Parameters:
    ///   - utterance: one of the plan's ``UtterancePlan/utterances``.
    ///   - plan: the plan that contains it.
    ///   - onProgress: called on the engine's threads, often; it should return at once.
    /// - Throws: as ``speak(_:voice:options:onProgress:)``.
    public func speak(
        _ utterance: UtterancePlan.Utterance, of plan: UtterancePlan, onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) async throws -> Speech {
        var request = plan.request
        request.options = request.options.ofUtterance(seed: utterance.seed)
        return try await events(for: request, prepared: plan.text.only(utterance.piece), onProgress: onProgress, trace: nil).speech(sampleRate)
    }

    /// Identifies a voice: a digest of everything in it that determines the speech.
    ///
    /// - Parameter voice: nil for the model's own voice.
    /// - Throws: ``CheckpointError/noBuiltInVoice(_:)``, ``VoiceError``, `TorchError`.
    package func digest(of voice: Voice?) throws -> String {
        let voice = try model.voice(voice, for: .speech)
        var sum = MessageDigest(.sha256)
        for tensor in [voice.speakerEmbedding, voice.conditioningTokens, voice.prompt.tokens, voice.prompt.mel, voice.prompt.speaker] {
            sum.update("\(tensor.dtype.rawValue)\(tensor.shape)".utf8)
            try tensor.to(.cpu).contiguous().withBytes { sum.update($0) }
        }
        return sum.finishInDigits()
    }
}
