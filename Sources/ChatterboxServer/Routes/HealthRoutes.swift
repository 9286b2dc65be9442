import HTTPTypes
import Hummingbird
import NIOCore

/// Information about the server itself: whether it runs and is ready, its metrics, and its API.
struct HealthRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route(
            "/openapi.json",
            [
                .get: { _, _ in
                    Response(
                        status: .ok, headers: [.contentType: "application/json"],
                        body: ResponseBody(byteBuffer: ByteBuffer(bytes: ServerFile.bytes("openapi.json"))))
                }
            ])
        router.route("/live", [.get: { _, _ in Response(["status": "ok"]) }])
        router.route("/health", [.get: { _, _ in Response(["status": .string(state.current == .starting ? "starting" : "ok")]) }])
        router.route(
            "/ready",
            [
                .get: { _, _ in
                    switch state.current {
                    case .starting: throw APIError.unavailable("the first model is being loaded", code: "starting")
                    case .ready: return Response(["status": "ready"])
                    case .stopping: throw APIError.unavailable("the server is stopping", code: "stopping")
                    }
                }
            ])
        router.route(
            "/metrics",
            [
                .get: { _, _ in
                    Response(
                        status: .ok, headers: [.contentType: PrometheusRegistry.mediaType],
                        body: ResponseBody(byteBuffer: ByteBuffer(string: state.metrics.text(state.queue, state.models))))
                }
            ])
    }
}
