import Foundation
import Hummingbird

/// `POST /audio/speech`.
struct SpeechRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route(
            "/audio/speech",
            [
                .post: { request, context in
                    let body = try await state.body(of: request, context)
                    let order = try SpeechOrder(body, limit: state.configuration.characterLimit, isStrict: state.configuration.isStrict)
                    return try await state.answer(order, context)
                }
            ])
    }
}
