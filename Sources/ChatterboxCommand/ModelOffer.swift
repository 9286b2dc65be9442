import ChatterboxModels
import Foundation

#if Hub
    import ChatterboxHub
#endif

/// Finds the folder of the model that a command asks for, and offers to get it where it is not here.
///
/// Keep it until the model is loaded: a folder that it had to make goes away with it.
final class ModelOffer {
    private let finder: ModelFinder
    private let display: ProgressDisplay

    init(folders: UserFolders, display: ProgressDisplay) {
        finder = ModelFinder(folders.places)
        self.display = display
    }

    /// - Throws: ``ModelLocatorError/notHere(_:)`` where a known model is missing and nobody can be asked or the answer is no; else as
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
