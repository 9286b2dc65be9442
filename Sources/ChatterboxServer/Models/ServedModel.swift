import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// A loaded model that speaks, as the server sees it: a `Synthesizer`, or a stand-in of a test.
public protocol ServedModel: Sendable {
    /// Of all its speech, in hertz.
    var sampleRate: Int { get }
    /// Whether it can mark its speech as made by a machine.
    var marksSpeech: Bool { get }
    /// Whether it tells when words are heard.
    var timesWords: Bool { get }
    /// Whether it has a voice of its own, to speak in where none is asked for.
    var hasVoice: Bool { get }
    /// The voices that come with it, by name.
    var ownVoices: VoiceLibrary { get }

    /// Where it computes.
    var device: Device { get }

    /// Begins to speak when the first event is asked for.
    func speech(_ request: SpeechRequest) -> any SpeechSource
    /// The voice in a recording.
    func voice(from recording: Audio, named name: String) async throws -> Voice
    /// The voice in a file: a recording or a prepared voice, made with this model or another.
    func voice(from file: URL, for use: Voice.Use) async throws -> Voice
    /// Says what a recording says in another voice.
    func converted(_ recording: Audio, to voice: Voice?, seed: UInt64?, watermark: Bool) async throws -> Speech
    /// - Throws: `AdapterError` for an adapter that does not fit this model.
    func check(_ adapter: Adapter) throws

    /// Leaves a GPU's memory for the host's, from where ``wake()`` brings it back; nobody speaks with it meanwhile.
    ///
    /// - Returns: whether it has; otherwise it is dropped.
    func rest() async throws -> Bool
    func wake() async throws
    /// Frees what is kept for it elsewhere, before it is dropped.
    func close() async
}

extension ServedModel {
    public var device: Device { .cpu }
    public func rest() async throws -> Bool { false }
    public func wake() async throws {}
    public func close() async {}
}

/// One request's speech as it is made.
public protocol SpeechSource: Sendable {
    /// The next event; nil after the last.
    ///
    /// - Throws: what speaking throws; `CancellationError` after ``cancel()``.
    func next() async throws -> SpeechEvent?
    /// Ends the work.
    func cancel()
}

extension SpeechEvents.Iterator: SpeechSource {}

extension Synthesizer: ServedModel {
    public var device: Device { model.device }
    public var marksSpeech: Bool { model.watermarker != nil }
    public var timesWords: Bool { (try? model.alignmentHeads()) != nil }
    public var hasVoice: Bool { model.builtInVoice != nil }
    public var ownVoices: VoiceLibrary { VoiceLibrary(ofModel: model.folder) }

    public func speech(_ request: SpeechRequest) -> any SpeechSource { events(for: request).makeAsyncIterator() }

    public func converted(_ recording: Audio, to voice: Voice?, seed: UInt64?, watermark: Bool) async throws -> Speech {
        try await convert(recording, named: "the recording", to: voice, seed: seed, watermark: watermark)
    }

    public func check(_ adapter: Adapter) throws { try model.check(adapter) }

    public func rest() async throws -> Bool { try await leaveDevice() }
    public func wake() async throws { try await returnToDevice() }
    public func close() async { await endSharing() }
}
