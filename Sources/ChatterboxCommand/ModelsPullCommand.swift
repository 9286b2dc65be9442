#if Hub
    import ArgumentParser
    import ChatterboxHub
    import ChatterboxModels
    import Foundation

    extension ModelsCommand {
        struct Pull: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Download models from Hugging Face.",
                discussion: """
                    Files are stored in the cache of Hugging Face's Python client (HF_HOME, HF_HUB_CACHE); files that are already there \
                    are not downloaded again. An interrupted download continues where it stopped. HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE \
                    have the same meaning as for that client.

                    Models: \(ModelCatalog.released.models.map(\.name).joined(separator: ", "))

                    Example:
                      chatterbox models pull turbo
                    """)

            @Argument(help: ArgumentHelp("Names of models.", valueName: "model")) var models: [String]
            @Option(help: ArgumentHelp("A branch, a tag or a commit of the model's repository.", valueName: "revision")) var revision = HubRevision
                .main
            @Flag(help: "Also download the fast flow, for --flow fast with all models but Turbo, Nano and Pico.") var fast = false
            @OptionGroup var progress: ProgressArguments

            func run() async throws {
                let store = UserFolders().modelStore
                // A revision refers to the repositories of the models that are named.
                let wanted =
                    try models.map { (try CatalogArguments.model($0, store), revision) } + (fast ? [(CatalogModel.fastFlow, HubRevision.main)] : [])
                let display = DownloadDisplay(progress.display)
                try await HubClient.with(store.configuration) { client in
                    for (model, revision) in wanted {
                        do {
                            try await display.showing(model.name) {
                                _ = try await store.pull(model, revision: revision, with: client) { display.show($0) }
                            }
                        } catch HubError.unwritable(let path, _) where path == store.folderOnShelf(of: model).path {
                            progress.display.note("\(path) cannot be written: the model's folder is created again each time it is loaded")
                        }
                        progress.display.finish("\(model.name) is here: chatterbox say … \(model.isPart ? "--flow fast" : "--model \(model.name)")")
                    }
                }
            }
        }
    }

    /// Names of the catalogue's models in arguments.
    enum CatalogArguments {
        /// - Throws: ``UsageError`` if there is no model of that name.
        static func model(_ name: String, _ store: ModelStore) throws -> CatalogModel {
            if let model = store.catalog.model(named: name) { return model }
            throw UsageError(
                "\"\(name)\" is not a model that can be downloaded; there are \(store.catalog.models.map(\.name).joined(separator: ", "))")
        }
    }
#endif
