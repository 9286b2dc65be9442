#if Hub
    import ArgumentParser
    import ChatterboxHub
    import Foundation

    extension ModelsCommand {
        /// A model in a server's response.
        struct ServedModel: Codable {
            let id, state: String
            let pinned, on_gpu, resting: Bool
            let memory_bytes, requests: Int
            let digest: String?
            let last_used: Int?
            let watermark: Bool?
            let error: String?

            static let headings = ["model", "state", "memory", "requests", "last used", "digest"]

            var row: [String] {
                let memory = memory_bytes.asBytes + (on_gpu ? resting ? " (on the host)" : " (GPU)" : "")
                let used = last_used.map { Date(timeIntervalSince1970: Double($0)).formatted(.iso8601) } ?? "-"
                // 12 digits suffice for a person to distinguish models.
                let shownDigest = digest.map { String($0.split(separator: ":").last?.prefix(12) ?? "") } ?? "-"
                return [id, state + (pinned ? ", pinned" : ""), memory, "\(requests)", used, shownDigest]
            }
        }

        private struct Models: Decodable { let data: [ServedModel] }

        private static func show(_ models: [ServedModel], json: Bool) throws {
            if json { return try StandardOutput.print(json: models) }
            try StandardOutput.print(TextTable.plain([ServedModel.headings] + models.map(\.row)))
            for model in models { if let error = model.error { StandardError.print("\(model.id): \(error)") } }
        }

        private static func change(_ model: String, _ verb: String, _ server: ServerArguments, json: Bool) async throws {
            let name = model.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? model
            try show([try await server.client.answer("POST", "/models/\(name)/\(verb)", as: ServedModel.self)], json: json)
        }

        struct Status: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "List the models of a running server: their state, memory and last use.",
                discussion: """
                    States are inactive, activating, active, deactivating and broken. The digest is that of the model's files.

                    Example:
                      chatterbox models status --server http://127.0.0.1:8080
                    """)
            @OptionGroup var server: ServerArguments
            @Flag(help: "Print a JSON array.") var json = false

            func run() async throws { try show(try await server.client.answer("GET", "/models", as: Models.self).data, json: json) }
        }

        struct Load: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Load a model on a running server, and wait until it is loaded.",
                discussion:
                    "The server may unload other models to stay within its memory budget. With --pin the model stays loaded until it is unloaded by name."
            )
            @Argument(help: ArgumentHelp("The model's name at the server.", valueName: "model")) var model: String
            @OptionGroup var server: ServerArguments
            @Flag(help: "Keep the model loaded.") var pin = false
            @Flag(help: "Print a JSON array.") var json = false

            func run() async throws { try await change(model, pin ? "load?pin=true" : "load", server, json: json) }
        }

        struct Unload: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Unload a model on a running server that no request uses, and wait until its memory is free.")
            @Argument(help: ArgumentHelp("The model's name at the server.", valueName: "model")) var model: String
            @OptionGroup var server: ServerArguments
            @Flag(help: "Print a JSON array.") var json = false

            func run() async throws { try await change(model, "unload", server, json: json) }
        }
    }
#endif
