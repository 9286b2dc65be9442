import Chatterbox
import Foundation
#if Hub
import ChatterboxHub
#endif

/// Finds the folder of the model that a command asks for, and offers to get it where it is not here.
struct ModelOffer {
    let folders: UserFolders
    let display: ProgressDisplay

    /// - Throws: ``ModelNotHere`` where a known model is missing and nobody can be asked or the answer is no; else as
    ///   `ModelLocator.folder(of:)`.
    func folder(of model: String?) async throws -> URL {
        #if Hub
        let store = folders.modelStore
        // What Python has fetched since is as good as our own.
        try store.refresh()
        do {
            return try folders.modelLocator.folder(of: model)
        } catch let error as ModelLocatorError {
            guard let model, let entry = store.catalog.model(named: model) else { throw error }
            return try await offer(entry, store)
        }
        #else
        return try folders.modelLocator.folder(of: model)
        #endif
    }

    #if Hub
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
