import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

/// Adapters: list, upload as a form, get, delete.
struct AdapterRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route(
            "/adapters",
            [
                .get: { _, _ in Response(["object": "list", "data": .array(state.adapters.library?.entries().map(\.adapterJSON) ?? [])]) },
                .post: { try await add($0, $1) },
            ])
        router.route(
            "/adapters/:adapter",
            [
                .get: { _, context in Response(try state.adapters.entry(context.name("adapter"), parameter: "adapter_id").adapterJSON) },
                .delete: { _, context in
                    let name = try context.name("adapter")
                    try state.adapters.remove(name)
                    return Response(["id": .string(name), "object": "adapter.deleted", "deleted": true])
                },
            ])
    }

    private func add(_ request: Request, _ context: ServerContext) async throws -> Response {
        let limit = state.configuration.adapterLimit
        guard state.adapters.library != nil else {
            throw APIError(.notFound, "this server takes no adapters; it is started with --adapters DIR for them", code: "no_adapters")
        }
        // Uploads are in memory while they are received, so only one is accepted at a time.
        let turn = try state.uploads.take()
        let upload = try await state.upload(request, context, "adapter", "a safetensors file", beside: ["config"], fields: ["model"], limit: limit)
        defer { withExtendedLifetime((upload, turn)) {} }
        let watch = await ConnectionWatch.of(context.channel)
        @Sendable func keep() async throws -> AdapterLibrary.Entry {
            var lease: ModelLease?
            if let model = upload.form.fields["model"] { lease = try await state.models.lease(state.models.offer(named: model)) }
            return try await state.adapters.add(upload.file.bytes, upload.form.files["config"]?.bytes, named: upload.name, for: lease?.model)
        }
        return Response(try await watch.whileOpen(keep).adapterJSON, warnings: upload.form.warnings)
    }
}

/// Allows one upload at a time.
final class UploadTurns: Sendable {
    private let isTaken = Atomic(false)

    /// The permission to upload, until the returned object is released.
    ///
    /// - Throws: ``APIError`` if another upload is in progress.
    func take() throws -> Turn {
        guard !isTaken.exchange(true, ordering: .acquiringAndReleasing) else {
            throw APIError.busy("another adapter is being uploaded", code: "upload_busy", retryAfter: 2)
        }
        return Turn(turns: self)
    }

    final class Turn: Sendable {
        private let turns: UploadTurns

        fileprivate init(turns: UploadTurns) { self.turns = turns }

        deinit { turns.isTaken.store(false, ordering: .releasing) }
    }
}

extension AdapterLibrary.Entry {
    fileprivate var adapterJSON: JSON {
        // If another program is changing the file, its properties are not known.
        let facts = try? Adapter.facts(of: file)
        return [
            "id": .string(name), "object": "adapter", "name": .string(name), "created_at": .init(Int(modified.timeIntervalSince1970)),
            "bytes": .init(bytes),
            "rank": facts.map { .init($0.rank) } ?? .null, "base_model": .init(facts?.baseName), "base_digest": .init(facts?.base),
        ]
    }
}
