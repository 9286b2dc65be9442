import Foundation
import SpeechAudio
import Torch

/// Speaks texts with a model, one after the other.
///
/// An actor with a thread of its own: calls wait for each other without blocking anything else. Nothing of one request
/// reaches the next; the voice, the options and the random numbers belong to the call. Synthesizers that share a
/// ``Model`` work side by side.
public actor Synthesizer {
    public nonisolated let model: Model
    private nonisolated let executor = ThreadExecutor(name: "chatterbox.synthesizer")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    public init(_ model: Model) { self.model = model }

    /// The sample rate of all speech, in Hz.
    public nonisolated var sampleRate: Int { model.configuration.s3Gen.vocoder.sampleRate }

    // MARK: speaking

    /// Speaks a text and gives the whole of it.
    ///
    /// - Parameters:
    ///   - voice: nil takes the model's own.
    ///   - onProgress: called on the synthesizer's thread, often; it should return at once.
    /// - Throws: ``TextError`` for text that cannot be spoken, ``CheckpointError/noBuiltInVoice(_:)``,
    ///   ``VoiceError`` for a voice of other networks, ``WordTimesError``, `CancellationError` when the task is cancelled,
    ///   ``TorchError``.
    public func speak(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @Sendable (SpeechProgress) -> Void = { _ in }
    ) throws -> Speech {
        var work = try SpeechWork(text, model, voice, options)
        return try work.speech(onProgress)
    }

    /// Speaks a text and gives each piece as it becomes ready; joined, they are what ``speak(_:voice:options:onProgress:)``
    /// gives.
    ///
    /// Nothing is done before the first piece is asked for; pieces are made two ahead of the loop, between which other
    /// requests have their turn. Ending the loop early stops the work.
    /// - Throws: in the loop, as ``speak(_:voice:options:onProgress:)``.
    public nonisolated func chunks(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) -> SpeechStream {
        SpeechStream { send in try await self.stream(text, voice, options, onProgress, send) }
    }

    private func stream(
        _ text: String, _ voice: Voice?, _ options: SpeechOptions, _ onProgress: @Sendable (SpeechProgress) -> Void,
        _ send: BoundedStream<SpeechChunk>.Send
    ) async throws {
        var work = try SpeechWork(text, model, voice, options)
        while let chunk = try work.next(onProgress) { try await send(chunk) }
    }

    /// Speaks a text in one breath and keeps what every stage computed, under the names that upstream's trace has:
    /// how two implementations are compared and how a fault is reported.
    public func trace(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @Sendable (SpeechProgress) -> Void = { _ in }
    ) throws -> (speech: Speech, trace: SpeechTrace) {
        var trace: SpeechTrace = [:]
        var work = try SpeechWork(text, model, voice, options.inOneBreath) { trace[$0] = $1 }
        let speech = try work.speech(onProgress)
        return (speech, trace)
    }
}
