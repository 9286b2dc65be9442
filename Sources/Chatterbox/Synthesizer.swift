import Dispatch
import Foundation
import Logging
import SpeechAudio
import Synchronization
import Torch

/// Speaks texts with a model, using a ``SpeechEngine``.
///
/// Any number of requests may run at the same time. Each has its own voice, options and random numbers, and on the CPU gives the same samples
/// whether or not others run at the same time. The engine decides in which order requests run. Synthesizers that share an engine share its device.
public final class Synthesizer: Sendable {
    /// The model.
    public let model: Model
    /// The engine that runs the requests.
    public let engine: SpeechEngine
    let logger: Logger?

    /// - Parameters:
    ///   - model: the model.
    ///   - engine: the engine that runs the requests; by default a new one.
    ///   - logger: logs messages about requests without their own logger (<doc:Logging>); nil logs nothing.
    public init(_ model: Model, engine: SpeechEngine = SpeechEngine(), logger: Logger? = nil) {
        (self.model, self.engine, self.logger) = (model, engine, logger)
    }

    /// The sample rate of all speech, in Hz.
    public var sampleRate: Int { model.configuration.s3Gen.vocoder.sampleRate }

    // MARK: speaking

    /// Speaks a request and returns its events: sound while it is computed, warnings, and the report at the end.
    ///
    /// Work begins when the first event is requested; each loop is a separate request.
    /// - Throws: in the loop, as ``speak(_:voice:options:onProgress:)``.
    public func events(for request: SpeechRequest) -> SpeechEvents { events(for: request, onProgress: { _ in }, trace: nil) }

    /// Speaks a text and returns the complete speech.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - voice: nil is the model's own.
    ///   - options: how the text is divided, spoken and delivered.
    ///   - onProgress: called often, on the engine's threads; it should return quickly.
    /// - Throws: ``SpeechOptionsError`` for an option that is out of range, `TextError` or ``ForeignTextError`` for text that cannot be
    ///   spoken, ``CheckpointError/noBuiltInVoice(_:)``, ``VoiceError`` for a voice of other networks, ``WordTimesError``,
    ///   `CancellationError` when the task is cancelled, `TorchError`.
    public func speak(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) async throws -> Speech {
        try await speak(SpeechRequest(text, voice: voice, options: options), onProgress: onProgress)
    }

    /// The same for a request.
    ///
    /// - Throws: also ``SpeechJudgeError``, and errors of its judge.
    public func speak(_ request: SpeechRequest, onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }) async throws -> Speech {
        try await events(for: request, onProgress: onProgress, trace: nil).speech(sampleRate)
    }

    /// Speaks a text and returns each piece of sound when it is ready, as ``SpeechOptions/delivery`` says. Joined, the pieces are the sound that
    /// ``speak(_:voice:options:onProgress:)`` returns with the same options.
    ///
    /// Work begins when the first piece is requested; sound is computed at most two seconds ahead of the loop. Leaving the loop early ends the
    /// request.
    /// - Throws: in the loop, as ``speak(_:voice:options:onProgress:)``.
    public func chunks(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) -> SpeechStream {
        chunks(for: SpeechRequest(text, voice: voice, options: options), onProgress: onProgress)
    }

    /// The same for a request, which may have several speakers.
    public func chunks(for request: SpeechRequest, onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }) -> SpeechStream {
        SpeechStream(events(for: request, onProgress: onProgress, trace: nil))
    }

    /// Speaks a text and returns sound while it is computed, for listeners: as ``chunks(_:voice:options:onProgress:)``, but always with
    /// ``SpeechOptions/Delivery/chunks``.
    ///
    /// The first chunk comes after about a second of tokens, with models that support it (``Model/speaksInChunks(_:)``).
    /// - Throws: in the loop, as ``speak(_:voice:options:onProgress:)``.
    public func stream(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) -> SpeechStream {
        var options = options
        options.delivery = .chunks
        return chunks(text, voice: voice, options: options, onProgress: onProgress)
    }

    /// Speaks a text undivided and returns the results of every stage, under the names of upstream's trace, to compare implementations or to report
    /// a fault.
    public func trace(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) async throws -> (speech: Speech, trace: SpeechTrace) {
        let trace = TraceStore()
        let request = SpeechRequest(text, voice: voice, options: options.inOneBreath)
        let speech = try await events(for: request, onProgress: onProgress, trace: { trace.keep($1, as: $0) }).speech(sampleRate)
        return (speech, trace.values)
    }

    /// - Parameters:
    ///   - prepared: the request's prepared text, if there is one.
    ///   - trace: gets the results of the stages, on the engine's threads.
    func events(
        for request: SpeechRequest, prepared: PreparedText? = nil, onProgress: @escaping @Sendable (SpeechProgress) -> Void,
        trace: (@Sendable (String, Tensor) -> Void)?
    ) -> SpeechEvents {
        SpeechEvents { [model, engine, logger] channel in
            let start = ContinuousClock.now, open = engine.makeRequest(), log = SpeechLog(request.logger ?? logger, request: open.number)
            // Preparing text and new adapters may take time, and does not need the engine.
            Self.inBackground {
                let text: PreparedText, adapters: AppliedAdapters?
                do {
                    try request.options.check()
                    text = try prepared ?? PreparedText(request.text, model, request.options, speakers: Set(request.voices.keys))
                    try request.judge?.check(request.options, text.plan.language)
                    adapters = try model.applied(request.adapters)
                } catch {
                    log.ends(error)
                    return channel.finish(throwing: error)
                }
                log.begins(request, text, model)
                channel.connect(onRoom: open.unpark, onLeave: open.cancel)
                engine.open(open, request.priority, threads: model.libtorchThreads) { turn in
                    var work = try SpeechWork(text, adapters, request, model, turn, since: start, trace: trace)
                    channel.send(.started(seed: work.seed))
                    var warned = 0
                    func warn() {
                        for warning in work.report.warnings[warned...] {
                            log.warns(warning)
                            channel.send(.warning(warning))
                        }
                        warned = work.report.warnings.count
                    }
                    warn()
                    while true {
                        while !channel.hasRoom { try turn.park() }
                        let chunk = try work.next(onProgress)
                        warn()
                        guard let chunk else { break }
                        turn.delivered(chunk.audio.duration)
                        channel.send(.audio(chunk))
                    }
                    log.ends(work.report)
                    channel.send(.finished(work.report))
                } finish: { result in
                    guard case .failure(let error) = result else { return channel.finish() }
                    log.ends(error)
                    channel.finish(throwing: error)
                }
            }
        }
    }

    // MARK: blocking work

    private static func inBackground(_ work: @escaping @Sendable () -> Void) {
        DispatchQueue.global(qos: .userInitiated).async(execute: work)
    }

    /// Runs blocking work, such as reading files, on threads other than those that Swift shares among all tasks.
    static func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            inBackground { continuation.resume(with: Result { try work() }) }
        }
    }
}

/// Stores the results of a request's stages.
private final class TraceStore: Sendable {
    private let stored = Mutex<SpeechTrace>([:])

    var values: SpeechTrace { stored.withLock(\.self) }

    func keep(_ value: Tensor, as name: String) { stored.withLock { $0[name] = value } }
}

extension SpeechEvents {
    /// All chunks joined into one speech.
    func speech(_ sampleRate: Int) async throws -> Speech {
        var samples: [Float] = [], words: [SpokenWord] = [], seed: UInt64 = 0, report = SpeechReport()
        for try await event in self {
            switch event {
            case .started(let drawn): seed = drawn
            case .audio(let chunk):
                samples += chunk.audio.samples
                words += chunk.words
            case .finished(let whole): report = whole
            case .warning, .progress: break
            }
        }
        return Speech(audio: Audio(samples: samples, sampleRate: sampleRate), seed: seed, report: report, words: words)
    }
}
