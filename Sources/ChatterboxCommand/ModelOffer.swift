import Chatterbox
import FileSupport
import Foundation

#if Hub
    import ChatterboxHub
#endif

/// Finds the folder of the model that a command asks for, and offers to get it where it is not here.
///
/// Keep it until the model is loaded: a folder that it had to make goes away with it.
final class ModelOffer {
    private let folders: UserFolders
    private let display: ProgressDisplay
    #if Hub
        private var temporaryShelf: TemporaryShelf?
    #endif

    init(folders: UserFolders, display: ProgressDisplay) {
        self.folders = folders
        self.display = display
    }

    /// - Throws: ``ModelNotHere`` where a known model is missing and nobody can be asked or the answer is no; else as
    ///   `ModelLocator.folder(of:)`.
    func folder(of model: String?) async throws -> URL {
        #if Hub
            // A folder, or a model that no hub has, has nothing to do with the hub's cache.
            if let model, URL(filePath: model).isFolder || folders.modelStore.catalog.model(named: model) == nil {
                return try folders.modelLocator().folder(of: model)
            }
            let store = try refreshedStore()
            do {
                return try folders.modelLocator(hubShelf: store.shelf).folder(of: model)
            } catch let error as ModelLocatorError {
                guard let model, let entry = store.catalog.model(named: model), !entry.isPart else { throw error }
                return try await offer(entry, store)
            }
        #else
            return try folders.modelLocator().folder(of: model)
        #endif
    }

    #if Hub
        /// The store with everything on its shelf that the cache holds: what Python has fetched since is as good as our own.
        private func refreshedStore() throws -> ModelStore {
            let store = folders.modelStore
            do {
                try store.refresh()
                return store
            } catch HubError.unwritable {
                // A cache that cannot be written may still be complete.
                let shelf = try TemporaryShelf()
                temporaryShelf = shelf
                let store = ModelStore(catalog: store.catalog, shelf: shelf.folder, configuration: store.configuration)
                try store.refresh()
                return store
            }
        }

        private func offer(_ model: CatalogModel, _ store: ModelStore) async throws -> URL {
            guard isatty(STDIN_FILENO) != 0, StandardError.isTerminal, display.style != .silent, !store.configuration.isOffline else {
                throw ModelNotHere(name: model.name)
            }
            return try await HubClient.with(store.configuration) { client in
                let size = try await store.size(of: model, with: client)
                StandardError.write("\(model.name) is not on this machine. Get it from \(store.configuration.endpoint), \(size.asBytes)? [y/N] ")
                guard ["y", "yes"].contains((readLine() ?? "").trimmingCharacters(in: .whitespaces).lowercased()) else {
                    throw ModelNotHere(name: model.name)
                }
                let download = DownloadDisplay(display)
                return try await download.showing(model.name) { try await store.pull(model, with: client) { download.show($0) } }
            }
        }
    #endif
}

#if Hub
    /// A shelf for the hub's models where the user's own cannot be written; it goes away with the object.
    private final class TemporaryShelf {
        let folder: URL

        /// - Throws: `CocoaError` where there is no room for temporary files either.
        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "chatterbox-models-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }
#endif
