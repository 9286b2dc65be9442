import Chatterbox
import Foundation
import Hummingbird
import SpeechAudio

/// `POST /audio/speech`.
struct SpeechRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route("/audio/speech", [.post: { try await speak($0, $1) }])
    }

    /// The status leaves with the first sound, so that whatever fails before is an error of HTTP.
    private func speak(_ request: Request, _ context: ServerContext) async throws -> Response {
        let body = try await Patience(context.channel, seconds: state.configuration.senderPatience).waiting {
            try await request.body.collect(upTo: state.configuration.bodyLimit)
        }
        let order = try SpeechOrder(
            Data(body.readableBytesView), limit: state.configuration.characterLimit, isStrict: state.configuration.isStrict)
        if state.configuration.logsTexts { context.logger.notice("text", metadata: ["input": "\(order.input)", "voice": "\(order.voice)"]) }
        let admission = try state.limits.admit(context.client)
        let watch = await ConnectionWatch.of(context.channel)
        @Sendable func begin() async throws -> Response {
            guard !order.isWhole else {
                return try await WholeSpeech().response(state, context) { try await open(order, context, watch, admission, into: .file($0)) }
            }
            let speech = try await open(order, context, watch, admission)
            guard let first = try await speech.next() else {
                throw APIError(.internalServerError, "the model ended without a sound", code: "no_speech")
            }
            let answer = SpeechAnswer(state: state, context: context, watch: watch, speech: speech, first: first)
            return order.isEvents ? await answer.events() : await answer.sound()
        }
        do { return try await watch.whileOpen(begin) } catch {
            let status = APIError(error).status.code
            state.metrics.count("requests_failed_total", [("status", "\(status)")])
            throw error
        }
    }

    /// A speech with its model, its voice and its place.
    private func open(
        _ order: SpeechOrder, _ context: ServerContext, _ watch: ConnectionWatch?, _ admission: Place?,
        into destination: OpenSpeech.Destination = .stream
    ) async throws -> OpenSpeech {
        let offer = try state.models.offer(named: order.model), adapters = try await state.adapters.uses(order.adapters)
        let asked = ContinuousClock.now
        let place = try await state.queue.enter(characters: order.input.count)
        place.whenFree { [metrics = state.metrics] in
            if let seconds = watch?.secondsClosed { metrics.record("place_release_s", seconds, offer.name) }
        }
        state.metrics.record("queue_time_s", (ContinuousClock.now - asked) / .seconds(1), offer.name)
        let lease = try await state.models.lease(offer)
        let voice = try await state.voices.voice(order.voice, for: lease)
        return try OpenSpeech(
            order, voice: voice, adapters: adapters, lease: lease, places: [place, admission].compactMap(\.self), configuration: state.configuration,
            since: context.begin, into: destination)
    }
}
