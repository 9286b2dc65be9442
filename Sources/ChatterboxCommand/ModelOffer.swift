import ChatterboxModels
import Foundation

#if Hub
    import ChatterboxHub
#endif

/// Finds the folder of the model for a command, and offers to download the model if it is not on this machine.
///
/// Keep this object until the model is loaded: a temporary folder that it had to create is deleted with it.
final class ModelOffer {
    private let finder: ModelFinder
    private let display: ProgressDisplay

    init(folders: UserFolders, display: ProgressDisplay) {
        finder = ModelFinder(folders.places)
        self.display = display
    }

    /// - Throws: ``ModelLocatorError/notHere(_:)`` if a known model is missing and the user cannot be asked or declines; otherwise as
    ///   `ModelLocator.folder(of:)`.
    func folder(of model: String?) async throws -> URL {
        #if Hub
            return try await finder.folder(of: model, orElse: offer)
        #else
            return try finder.folder(of: model)
        #endif
    }

    #if Hub
        private func offer(_ model: CatalogModel, _ store: ModelStore) async throws -> URL {
            guard isatty(STDIN_FILENO) != 0, StandardError.isTerminal, display.style != .silent, !store.configuration.isOffline else {
                throw ModelLocatorError.notHere(model.name)
            }
            return try await HubClient.with(store.configuration) { client in
                let size = try await store.size(of: model, with: client)
                StandardError.write("\(model.name) is not on this machine. Get it from \(store.configuration.endpoint), \(size.asBytes)? [y/N] ")
                guard ["y", "yes"].contains((readLine() ?? "").trimmingCharacters(in: .whitespaces).lowercased()) else {
                    throw ModelLocatorError.notHere(model.name)
                }
                let download = DownloadDisplay(display)
                return try await download.showing(model.name) { try await store.pull(model, with: client) { download.show($0) } }
            }
        }
    #endif
}
