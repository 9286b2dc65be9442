import Foundation
import SpeechAudio
import SpeechText
import Torch

/// A request's text as the utterances that it is spoken in, each with its seed: for long work that is kept piece by piece.
///
/// ```swift
/// let plan = try await synthesizer.plan(SpeechRequest(text, voice: voice))
/// for case .utterance(let utterance) in plan.parts {
///     let speech = try await synthesizer.speak(utterance, of: plan)
/// }
/// ```
/// The sound of an utterance follows from it, the voice, the options and the model alone: it is the same whichever utterances are
/// spoken before it, beside it or never. Joined, with their pauses behind them, utterances are the speech that
/// ``Synthesizer/speak(_:voice:options:onProgress:)`` gives without watermark, at its own speed and loudness.
public struct UtterancePlan: Sendable {
    /// What is spoken, or silence.
    public enum Part: Sendable {
        case utterance(Utterance)
        /// Seconds that the text asks for.
        case silence(Double)
    }

    /// What is spoken in one breath.
    public struct Utterance: Sendable {
        let piece: TextPlan.Piece
        /// What its random numbers follow from.
        public let seed: UInt64

        /// Its place among the utterances, from 1.
        public var number: Int { piece.number }
        /// As it is written, without its markup.
        public var text: String { piece.text }
        /// Seconds of silence that follow it.
        public var pause: Double { piece.pause }
        /// Who speaks; nil for the request's own voice.
        public var speaker: String? { piece.manner.speaker }

        /// Of the text, all that the sound follows from.
        package var facts: [String] {
            [piece.text, piece.spoken, "\(seed)", "\(piece.manner.rate)"] + piece.joints.map { "\($0.share):\($0.pause)" }
        }
    }

    /// In the order of the text.
    public let parts: [Part]
    /// What whoever has the text read should know of it.
    public let warnings: [SpeechWarning]
    /// What the text is spoken in.
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

    /// Those parts that are spoken.
    public var utterances: [Utterance] { parts.compactMap { if case .utterance(let utterance) = $0 { utterance } else { nil } } }
}

extension Synthesizer {
    /// Divides a request's text. Without a seed in its options one is drawn.
    ///
    /// - Throws: ``SpeechOptionsError``, `TextError`, ``ForeignTextError``.
    public func plan(_ request: SpeechRequest) async throws -> UtterancePlan {
        let seed = request.options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        try request.options.check()
        return try await Self.blocking { [model] in
            UtterancePlan(try PreparedText(request.text, model, request.options, speakers: Set(request.voices.keys)), request, seed: seed)
        }
    }

    /// Speaks one utterance: without the pause behind it, a watermark, and a change of speed and loudness, which are for the whole.
    ///
    /// - Parameters:
    ///   - utterance: of the plan's ``UtterancePlan/utterances``.
    ///   - plan: the one that it is of.
    ///   - onProgress: called on the engine's threads, often; it should return at once.
    /// - Throws: as ``speak(_:voice:options:onProgress:)``.
    public func speak(
        _ utterance: UtterancePlan.Utterance, of plan: UtterancePlan, onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) async throws -> Speech {
        var request = plan.request
        request.options = request.options.ofUtterance(seed: utterance.seed)
        return try await events(for: request, prepared: plan.text.only(utterance.piece), onProgress: onProgress, trace: nil).speech(sampleRate)
    }

    /// What tells a voice from others: a digest of all that its speech follows from.
    ///
    /// - Parameter voice: nil for the model's own.
    /// - Throws: ``CheckpointError/noBuiltInVoice(_:)``, ``VoiceError``, `TorchError`.
    package func digest(of voice: Voice?) throws -> String {
        let voice = try model.voice(voice, for: .speech)
        var sum = SHA256()
        for tensor in [voice.speakerEmbedding, voice.conditioningTokens, voice.prompt.tokens, voice.prompt.mel, voice.prompt.speaker] {
            sum.update("\(tensor.dtype.rawValue)\(tensor.shape)".utf8)
            try tensor.to(.cpu).contiguous().withBytes { sum.update($0) }
        }
        return sum.finish()
    }
}
