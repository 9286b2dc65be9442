import Chatterbox
import SpeechText
import Torch

/// One of the requests that a measurement of load consists of.
public struct LoadRequest: Sendable, Hashable {
    public var text: String
    /// Which of the speaker's voices speaks it.
    public var voice: Int
    public var seed: UInt64

    public init(_ text: String, voice: Int = 0, seed: UInt64) {
        (self.text, self.voice, self.seed) = (text, voice, seed)
    }
}

/// Who speaks the requests of a measurement: a synthesizer of this process, or a server.
public protocol LoadSpeaker: Sendable {
    /// Speaks a request to its end.
    ///
    /// - Parameters:
    ///   - request: what is said, and by which voice.
    ///   - onSound: to be called with each piece of sound when it comes, in order.
    /// - Returns: what the work came to; nil where that is not known.
    /// - Throws: ``LoadRefusal`` where the request may come again; any other error ends the measurement.
    func speak(_ request: LoadRequest, onSound: (HeardSound) -> Void) async throws -> SpeechReport?
}

/// A speaker has too much to do and speaks nothing of a request, which may come again.
public struct LoadRefusal: Error {
    /// Seconds after which it may.
    public let pause: Double
    /// What the speaker said.
    public let reason: any Error

    public init(pause: Double, reason: any Error) { (self.pause, self.reason) = (pause, reason) }
}

/// A synthesizer of this process. Every request is spoken undivided and becomes as long as all others: the model's own end
/// of speech is ruled out, and so are tokens that make no sound.
public struct SynthesizerSpeaker: LoadSpeaker {
    public let synthesizer: Synthesizer
    public let voices: [Voice]
    /// Seconds of speech of a request.
    public let seconds: Double
    private let language: Language?
    private let delivery: SpeechOptions.Delivery

    /// - Parameters:
    ///   - synthesizer: what speaks.
    ///   - voices: at least one; a request's `voice` is its place among them, counted round.
    ///   - seconds: 25 tokens are one.
    ///   - language: of the texts; nil takes the model's first.
    ///   - delivery: when sound is given out.
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

    /// Speaks a little with every voice, so that what is done once for a voice, or at first use, is done.
    public func warmUp() async throws {
        for voice in voices {
            var options = SpeechOptions(maximumTokens: min(10, tokens), seed: 1, watermark: false, splitting: .none, delivery: delivery)
            options.drawsOnlySound = true
            _ = try await synthesizer.speak("One two three.", voice: voice, options: options)
        }
    }
}
