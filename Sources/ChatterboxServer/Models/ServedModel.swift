import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// The server's interface to a loaded model: a `Synthesizer`, or a stand-in in a test.
public protocol ServedModel: Sendable {
    /// Sample rate of all its speech, in hertz.
    var sampleRate: Int { get }
    /// Whether it can add the watermark.
    var marksSpeech: Bool { get }
    /// Whether it gives word times.
    var timesWords: Bool { get }
    /// Whether it has a built-in voice, which is used if a request names none.
    var hasVoice: Bool { get }
    /// The voices that come with it, by name.
    var ownVoices: VoiceLibrary { get }

    /// Where it computes.
    var device: Device { get }

    /// Speaks a request; work begins when the first event is requested.
    func speech(_ request: SpeechRequest) -> any SpeechSource
    /// Makes a voice from a recording.
    func voice(from recording: Audio, named name: String) async throws -> Voice
    /// Makes a voice from a file: a recording, or a prepared voice of this model or another.
    func voice(from file: URL, for use: Voice.Use) async throws -> Voice
    /// Converts a recording to another voice.
    func converted(_ recording: Audio, to voice: Voice?, seed: UInt64?, watermark: Bool) async throws -> Speech
    /// - Throws: `AdapterError` for an adapter that does not fit this model.
    func check(_ adapter: Adapter) throws

    /// Moves the model from GPU memory to host memory, until ``wake()`` moves it back; it is not used meanwhile.
    ///
    /// - Returns: whether it was moved; otherwise it is dropped.
    func rest() async throws -> Bool
    func wake() async throws
    /// Frees resources that are kept for it elsewhere, before it is dropped.
    func close() async
}

extension ServedModel {
    public var device: Device { .cpu }
    public func rest() async throws -> Bool { false }
    public func wake() async throws {}
    public func close() async {}
}

/// One request's speech while it is computed.
public protocol SpeechSource: Sendable {
    /// The next event; nil after the last.
    ///
    /// - Throws: errors of the request; `CancellationError` after ``cancel()``.
    func next() async throws -> SpeechEvent?
    /// Ends the request.
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
