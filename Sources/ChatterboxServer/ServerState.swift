import Foundation
import Hummingbird
import Logging
import NIOCore
import SpeechAudio
import NIOCore

/// What all requests share.
final class ServerState: Sendable {
    let configuration: ServerConfiguration
    let models: ModelShelf
    let voices: VoiceShelf
    let queue: SpeechQueue
    let limits: ClientLimits
    let metrics = SpeechMetrics()

    init(_ configuration: ServerConfiguration, _ offers: [ModelOffering]) {
        self.configuration = configuration
        models = ModelShelf(offers, budget: configuration.memory)
        voices = VoiceShelf(folder: configuration.voices, aliases: configuration.voiceAliases, standard: configuration.defaultVoice)
        queue = SpeechQueue(places: configuration.places, length: configuration.queueLength, patience: configuration.patience)
        limits = ClientLimits(perMinute: configuration.requestsPerMinute, atOnce: configuration.requestsAtOnce)
    }

    /// What a client has recorded.
    ///
    /// - Throws: `AudioError` where it cannot be read, or is silent, too short or too long.
    func recording(_ bytes: Data, named name: String, minimumSeconds: Double = 0.5) async throws -> Audio {
        try await Blocking.run { [configuration] in
            try AudioFile.read(bytes, named: name, ffmpeg: configuration.ffmpeg, most: configuration.recordingLimit)
                .checkedAsReference(named: name, minimumSeconds: minimumSeconds)
        }
    }
}

/// What one request carries along.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let begin = ContinuousClock.now
    /// The name of the client's key, or its address.
    var client: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        client = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }

    /// Seconds since the request came.
    var seconds: Double { (ContinuousClock.now - begin) / .seconds(1) }
}
