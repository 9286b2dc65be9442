import Foundation
import Hummingbird

/// Lists of models, and loading and unloading them.
struct ModelRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route("/models", [.get: { _, _ in Response(["object": "list", "data": .array(state.models.statuses.map(\.json))]) }])
        // Open WebUI's name for the same.
        router.route("/audio/models", [.get: { _, _ in
            Response(["models": .array(state.models.offers.map { ["id": .string($0.name), "name": .string($0.name)] })])
        }])
        router.route("/models/:model", [.get: { _, context in Response(try status(of: offer(context)).json) }])
        router.route("/models/:model/load", [.post: { _, context in
            let offer = try offer(context)
            _ = try await state.models.lease(offer)
            return Response(try status(of: offer).json)
        }])
        router.route("/models/:model/unload", [.post: { _, context in
            let offer = try offer(context)
            try state.models.unload(offer)
            return Response(try status(of: offer).json)
        }])
    }

    private func offer(_ context: ServerContext) throws -> ModelOffering {
        try state.models.offer(named: context.parameters.require("model").removingPercentEncoding ?? "")
    }

    private func status(of offer: ModelOffering) throws -> ModelShelf.Status { state.models.statuses.first { $0.offer.name == offer.name }! }
}

extension ModelShelf.Status {
    /// OpenAI's fields, and this server's own behind them.
    var json: JSON {
        [
            "id": .string(offer.name), "object": "model", "created": .init(Int(offer.created.timeIntervalSince1970)), "owned_by": "chatterbox",
            "state": .string(phase.rawValue), "pinned": .bool(offer.isPinned), "memory_bytes": .init(offer.bytes), "requests": .init(users),
            "last_used": lastUse.map { .init(Int($0.timeIntervalSince1970)) } ?? .null, "watermark": marksSpeech.map { .bool($0) } ?? .null,
            "error": .init(reason),
        ]
    }
}
