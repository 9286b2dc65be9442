import Chatterbox
import Foundation
import Hummingbird

/// Lists of models, and loading and unloading them.
struct ModelRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route(
            "/models",
            [
                .get: { request, _ in
                    ElevenLabs.isItsList(request)
                        ? ElevenLabsRoutes.models(state) : Response(["object": "list", "data": .array(state.models.entries.map(\.json))])
                }
            ])
        // The route that Open WebUI uses.
        router.route(
            "/audio/models",
            [
                .get: { _, _ in
                    Response(["models": .array(state.models.offers.map { ["id": .string($0.name), "name": .string($0.name)] })])
                }
            ])
        router.route("/models/:model", [.get: { _, context in Response(state.models.entry(of: try offer(context)).json) }])
        router.route(
            "/models/:model/load",
            [
                .post: { request, context in
                    let offer = try offer(context), pins = request.uri.queryParameters["pin"] == "true"
                    try await ConnectionWatch.of(context.channel).whileOpen { try await state.models.load(offer, pins: pins) }
                    return Response(state.models.entry(of: offer).json)
                }
            ])
        router.route(
            "/models/:model/unload",
            [
                .post: { _, context in
                    let offer = try offer(context)
                    try await state.models.unload(offer)
                    return Response(state.models.entry(of: offer).json)
                }
            ])
    }

    private func offer(_ context: ServerContext) throws -> ModelOffering {
        try state.models.offer(named: context.name("model"))
    }
}

extension ModelInventory.Entry {
    /// OpenAI's fields, followed by this server's own.
    var json: JSON {
        [
            "id": .string(offer.name), "object": "model", "created": .init(Int(offer.created.timeIntervalSince1970)), "owned_by": "chatterbox",
            "state": .string(phase.rawValue), "pinned": .bool(isPinned), "on_gpu": .bool(offer.usesGPU), "resting": .bool(isResting),
            "memory_bytes": .init(offer.bytes), "digest": .init(digest), "requests": .init(users),
            "last_used": lastUse.map { .init(Int($0.timeIntervalSince1970)) } ?? .null, "watermark": marksSpeech.map { .bool($0) } ?? .null,
            "error": .init(reason), "languages": offer.variant.map { .strings($0.languages.map(\.code)) } ?? .null,
            "ignores": offer.variant.map { .strings($0.ignoredFields) } ?? .null, "voices": .strings(ownVoices),
        ]
    }

    /// The names of the voices that come with the model.
    private var ownVoices: [String] { offer.voices?.entries().map(\.name) ?? [] }
}

extension Variant {
    /// Fields of a request for speech that the model ignores.
    fileprivate var ignoredFields: [String] {
        [("exaggeration", "exaggeration"), ("guidance", "cfg_weight")].filter { ignoredOptions.contains($0.0) }.map(\.1)
    }
}

extension JSON {
    fileprivate static func strings(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
}
