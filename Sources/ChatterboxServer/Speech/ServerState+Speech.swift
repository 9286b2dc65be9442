import Chatterbox
import Foundation
import Hummingbird
import Logging
import SpeechAudio

extension ServerState {
    /// The complete body of a request for speech.
    func body(of request: Request, _ context: ServerContext) async throws -> Data {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > configuration.bodyLimit {
            throw APIError(.contentTooLarge, "the body has \(length) bytes; \(configuration.bodyLimit) are the most", code: "too_large")
        }
        let body = try await Patience(context.channel, seconds: configuration.senderPatience).waiting {
            try await request.body.collect(upTo: configuration.bodyLimit)
        }
        return Data(body.readableBytesView)
    }

    /// Speaks the text of a request. The status is sent with the first sound, so that an earlier failure causes an HTTP error.
    func answer(_ order: SpeechOrder, _ context: ServerContext) async throws -> Response {
        log(order, context.logger)
        let admission = try limits.admit(context.client)
        let watch = await ConnectionWatch.of(context.channel)
        @Sendable func begin() async throws -> Response {
            guard !order.isWhole else {
                return try await WholeSpeech().response(self, context) {
                    try await open(order, watch, places: [admission], since: context.begin, into: .file($0), logger: context.logger)
                }
            }
            let speech = try await open(order, watch, places: [admission], since: context.begin, logger: context.logger)
            guard let first = try await speech.next() else {
                throw APIError(.internalServerError, "the model ended without a sound", code: "no_speech")
            }
            let answer = SpeechAnswer(state: self, context: context, watch: watch, speech: speech, first: first)
            if order.isEvents { return await answer.events() }
            return order.shape == .elevenLabs && order.wantsWords ? await answer.timedSound() : await answer.sound()
        }
        do { return try await watch.whileOpen(begin) } catch {
            countFailure(error)
            throw error
        }
    }

    /// Logs the text, if this is enabled.
    func log(_ order: SpeechOrder, _ logger: Logger) {
        if configuration.logsTexts { logger.notice("text", metadata: ["input": "\(order.input)", "voice": "\(order.voice)"]) }
    }

    func countFailure(_ error: any Error) { metrics.count("requests_failed_total", [("status", "\(APIError(error).status.code)")]) }

    /// Opens a speech: gets its place, its model and its voice.
    ///
    /// - Parameters:
    ///   - watch: the watch of the client's connection.
    ///   - places: other limits that are occupied as long as it is spoken.
    ///   - begin: when the request arrived.
    ///   - pause: seconds of silence before its first sound.
    ///   - logger: gets the messages about it; nil for the logger with which the model was loaded.
    /// - Throws: ``APIError`` if there is no such model or voice, or the server is busy; errors of loading.
    func open(
        _ order: SpeechOrder, _ watch: ConnectionWatch?, places: [Place?] = [], since begin: ContinuousClock.Instant,
        into destination: OpenSpeech.Destination = .stream, after pause: Double = 0, logger: Logger? = nil
    ) async throws -> OpenSpeech {
        let offer = try models.offer(named: order.model), adapters = try await adapters.uses(order.adapters)
        let asked = ContinuousClock.now
        let place = try await queue.enter(characters: order.input.count)
        place.whenFree { [metrics] in
            if let seconds = watch?.secondsClosed { metrics.record("place_release_s", seconds, offer.name) }
        }
        metrics.record("queue_time_s", (ContinuousClock.now - asked) / .seconds(1), offer.name)
        let lease = try await models.lease(offer)
        let voice = try await voices.voice(order.voice, for: lease)
        return try OpenSpeech(
            order, voice: voice, adapters: adapters, lease: lease, places: [place] + places.compactMap(\.self), configuration: configuration,
            since: begin, into: destination, after: pause, logger: logger)
    }
}
