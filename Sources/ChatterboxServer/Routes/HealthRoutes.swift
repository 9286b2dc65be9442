import HTTPTypes
import Hummingbird
import NIOCore

/// What tells of the server itself: whether it lives and is ready, what it has counted, what it can be asked.
struct HealthRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.get("/") { _, _ in
            Response(["service": "chatterbox", "speech": "/v1/audio/speech", "documentation": "/openapi.json"])
        }
        router.route("/openapi.json", [.get: { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
        }])
        router.route("/live", [.get: { _, _ in Response(["status": "ok"]) }])
        router.route("/health", [.get: { _, _ in Response(["status": .string(state.models.isReady ? "ok" : "starting")]) }])
        router.route("/ready", [.get: { _, _ in
            guard state.models.isReady else {
                throw APIError(.serviceUnavailable, "no model is loaded yet", code: "starting", headers: [.retryAfter: "1", .shouldRetry: "true"])
            }
            return Response(["status": "ready"])
        }])
        router.route("/metrics", [.get: { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusRegistry.mediaType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: state.metrics.text(state.queue, state.models))))
        }])
    }
}
