import Chatterbox
import FileSupport
import Foundation

#if Hub
    import ChatterboxHub
#endif

/// Finds a model's folder by its name, and downloads the model if it is not on this machine.
///
/// Keep the finder until the model is loaded: a temporary folder that it had to create is deleted with it.
package final class ModelFinder {
    private let places: ModelPlaces
    #if Hub
        private var temporaryShelf: TemporaryShelf?
    #endif

    package init(_ places: ModelPlaces) { self.places = places }

    #if Hub
        /// - Parameters:
        ///   - model: a name or a folder; nil for the first installed model in the order of preference.
        ///   - get: downloads a model that is not on this machine, or throws.
        /// - Returns: its folder.
        /// - Throws: ``ModelLocatorError``, `CheckpointError.noFolder`, `HubError`, and what `get` throws.
        package func folder(of model: String?, orElse get: (CatalogModel, ModelStore) async throws -> URL) async throws -> URL {
            // A folder, or a model that is not in the catalogue, does not need the hub's cache.
            if let model, URL(filePath: model).isFolder || places.store.catalog.model(named: model) == nil {
                return try places.locator.folder(of: model)
            }
            let store = try refreshedStore()
            do {
                return try places.locator(hubShelf: store.shelf).folder(of: model)
            } catch let error as ModelLocatorError {
                guard let model, let entry = store.catalog.model(named: model), !entry.isPart else { throw error }
                return try await get(entry, store)
            }
        }

        /// The store, after every complete model in the cache has been added to its shelf, including those that Python's client has downloaded.
        private func refreshedStore() throws -> ModelStore {
            let store = places.store
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
    #else
        /// - Parameter model: a name or a folder; nil for the first installed model in the order of preference.
        /// - Throws: ``ModelLocatorError``, `CheckpointError.noFolder`.
        package func folder(of model: String?) throws -> URL { try places.locator.folder(of: model) }
    #endif
}

#if Hub
    /// A shelf for the hub's models if the user's own cannot be written; it is deleted with this object.
    private final class TemporaryShelf {
        let folder: URL

        /// - Throws: `CocoaError` if temporary files cannot be written either.
        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "chatterbox-models-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }
#endif
