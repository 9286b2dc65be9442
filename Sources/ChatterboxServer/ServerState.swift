import Chatterbox
import Foundation
import Hummingbird
import NIOCore
import ServiceLifecycle
import SpeechAudio
import Synchronization
import Torch

/// The state that all requests share.
final class ServerState: Sendable {
    let configuration: ServerConfiguration
    let models: ModelShelf
    let voices: VoiceShelf
    let adapters: AdapterShelf
    /// Limits uploads of adapters.
    let uploads = UploadTurns()
    let queue: SpeechQueue
    let limits: ClientLimits
    let metrics: SpeechMetrics
    private let phase = Atomic(Phase.starting.rawValue)
    private let ended = Atomic(0)

    /// The state of the server as a whole.
    enum Phase: Int {
        /// The first model is being loaded; requests wait for it.
        case starting
        case ready
        /// Open responses are completed; a load balancer sends new requests elsewhere.
        case stopping
    }

    init(_ configuration: ServerConfiguration, _ offers: [ModelOffering], engine: SpeechEngine?) {
        self.configuration = configuration
        let voices = VoiceShelf(folder: configuration.voices, aliases: configuration.voiceAliases, standard: configuration.defaultVoice)
        self.voices = voices
        adapters = AdapterShelf(folder: configuration.adapters)
        models = ModelShelf(
            offers, budget: .init(memory: configuration.memory, gpuMemory: configuration.gpuMemory, rests: configuration.restsOnHost)
        ) { await voices.forget(model: $0) }
        metrics = SpeechMetrics(engine: engine)
        queue = SpeechQueue(places: configuration.places, length: configuration.queueLength, patience: configuration.patience)
        limits = ClientLimits(perMinute: configuration.requestsPerMinute, atOnce: configuration.requestsAtOnce)
    }

    var current: Phase { Phase(rawValue: phase.load(ordering: .relaxed))! }

    /// The number of responses that have begun and connections that have ended so far, after which memory may be returned.
    var endings: Int { ended.load(ordering: .relaxed) }

    func countEnding() { ended.add(1, ordering: .relaxed) }

    /// Called after the first model has spoken.
    func becomeReady() { _ = phase.compareExchange(expected: Phase.starting.rawValue, desired: Phase.ready.rawValue, ordering: .relaxed) }

    func beginToStop() { phase.store(Phase.stopping.rawValue, ordering: .relaxed) }

    /// Decodes an uploaded recording.
    ///
    /// - Parameter name: the field that contains it.
    /// - Throws: ``APIError`` with the field's name if the recording cannot be read, or is silent, too short or too long.
    func recording(_ bytes: Data, named name: String, minimumSeconds: Double = 0.5) async throws -> Audio {
        do {
            return try await Blocking.run { [configuration] in
                let audio = try AudioFile.read(bytes, named: name, ffmpeg: configuration.ffmpeg, most: configuration.recordingLimit)
                guard audio.duration <= ServerConfiguration.longestRecording else {
                    let seconds = JSON.number((audio.duration * 10).rounded() / 10).text,
                        most = JSON.number(ServerConfiguration.longestRecording).text
                    throw APIError.invalid("\(name) is \(seconds) s long; \(most) s are the most", name, code: "invalid_audio")
                }
                return try audio.checkedAsReference(named: name, minimumSeconds: minimumSeconds)
            }
        } catch let error as AudioError { throw APIError.invalid(error, name, code: "invalid_audio") }
    }
}

/// The context of one request.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let begin = ContinuousClock.now
    /// The client; a reference, so that the middleware outside the router also gets the name that is set inside.
    let caller: Caller
    /// The name of the client's key, or its address.
    var client: String { caller.name }

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        caller = Caller(source.channel.remoteAddress?.ipAddress ?? "unknown")
    }

    /// A name in the path, percent-decoded.
    func name(_ parameter: String) throws -> String { try parameters.require(parameter).removingPercentEncoding ?? "" }

    /// Seconds since the request arrived.
    var seconds: Double { (ContinuousClock.now - begin) / .seconds(1) }
}

/// The client: an address, until its key's name is known.
final class Caller: Sendable {
    private let known: Mutex<(name: String, hasShownKey: Bool)>

    init(_ address: String) { known = Mutex((address, false)) }

    var name: String { known.withLock(\.name) }
    var hasShownKey: Bool { known.withLock(\.hasShownKey) }

    func identify(as name: String) { known.withLock { $0 = (name, true) } }
}

/// Periodic work until the server stops: unloading idle models, and returning memory when the server is idle.
struct Housekeeping: Service {
    let state: ServerState

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var trimmed = 0, last = ContinuousClock.now
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                if let timeout = state.configuration.idleTimeout { await state.models.unloadIdle(after: timeout) }
                // The memory that malloc keeps from ended connections and requests is not needed soon.
                let ended = state.endings
                if ended != trimmed, state.queue.load.running == 0, .now - last > .seconds(10) {
                    (trimmed, last) = (ended, .now)
                    try? Memory.releaseCache()
                }
            }
        }
        state.beginToStop()
    }
}
