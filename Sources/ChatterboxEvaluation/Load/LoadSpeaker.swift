import Chatterbox
import SpeechText
import Torch

/// One of the requests of a load measurement.
public struct LoadRequest: Sendable, Hashable {
    public var text: String
    /// The number of the voice among the speaker's.
    public var voice: Int
    public var seed: UInt64

    public init(_ text: String, voice: Int = 0, seed: UInt64) {
        (self.text, self.voice, self.seed) = (text, voice, seed)
    }
}

/// Speaks the requests of a measurement: a synthesizer in this process, or a server.
public protocol LoadSpeaker: Sendable {
    /// Speaks a request to its end.
    ///
    /// - Parameters:
    ///   - request: the text and the voice.
    ///   - onSound: call this with each piece of sound when it is received, in order.
    /// - Returns: the report; nil if there is none.
    /// - Throws: ``LoadRefusal`` if the request may be repeated; any other error ends the measurement.
    func speak(_ request: LoadRequest, onSound: (HeardSound) -> Void) async throws -> SpeechReport?
}

/// The speaker is overloaded and did not speak the request, which may be repeated.
public struct LoadRefusal: Error {
    /// Seconds after which the request may be repeated.
    public let pause: Double
    /// The speaker's error.
    public let reason: any Error

    public init(pause: Double, reason: any Error) { (self.pause, self.reason) = (pause, reason) }
}

/// A synthesizer of this process. Every request is spoken undivided and with the same length: the stop token and tokens without sound are never
/// drawn.
public struct SynthesizerSpeaker: LoadSpeaker {
    public let synthesizer: Synthesizer
    public let voices: [Voice]
    /// Seconds of speech of a request.
    public let seconds: Double
    private let language: Language?
    private let delivery: SpeechOptions.Delivery

    /// - Parameters:
    ///   - synthesizer: the synthesizer.
    ///   - voices: at least one; a request's `voice` is an index into them, modulo their number.
    ///   - seconds: the duration of each request, 25 tokens a second.
    ///   - language: language of the texts; nil is the model's first.
    ///   - delivery: when sound is delivered.
    public init(
        _ synthesizer: Synthesizer, voices: [Voice], seconds: Double, language: Language? = nil, delivery: SpeechOptions.Delivery = .utterances
    ) {
        precondition(!voices.isEmpty, "somebody's voice")
        (self.synthesizer, self.voices, self.seconds, self.language, self.delivery) = (synthesizer, voices, seconds, language, delivery)
    }

    /// Speech tokens of a request.
    public var tokens: Int { max(1, Int((seconds * 25).rounded())) }

    public func speak(_ request: LoadRequest, onSound: (HeardSound) -> Void) async throws -> SpeechReport? {
        var options = SpeechOptions(
            language: language, maximumTokens: tokens, seed: request.seed, watermark: false, splitting: .none, delivery: delivery)
        options.drawsOnlySound = true
        let spoken = SpeechRequest(request.text, voice: voices[request.voice % voices.count], options: options)
        var report: SpeechReport?
        for try await event in synthesizer.events(for: spoken) {
            switch event {
            case .audio(let chunk): onSound(HeardSound(chunk.audio))
            case .finished(let whole): report = whole
            case .started, .warning, .progress: break
            }
        }
        return report
    }

    /// Speaks a short text with every voice, so that work that is done once for each voice or at first use is finished before the
    /// measurement.
    public func warmUp() async throws {
        for voice in voices {
            var options = SpeechOptions(maximumTokens: min(10, tokens), seed: 1, watermark: false, splitting: .none, delivery: delivery)
            options.drawsOnlySound = true
            _ = try await synthesizer.speak("One two three.", voice: voice, options: options)
        }
    }
}
