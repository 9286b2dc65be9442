import Foundation

/// The catalogue's models on this machine.
///
/// A model's files lie in the hub's cache, where Python shares them, and several models share a repository. Each that is
/// complete gets a folder of its own on the shelf, with links to its files under their own names.
public struct ModelStore: Sendable {
    public let catalog: ModelCatalog
    /// Holds a folder for each model that is here.
    public let shelf: URL
    public let configuration: HubConfiguration
    var cache: HubCache { HubCache(configuration.cacheFolder) }

    public init(catalog: ModelCatalog = .released, shelf: URL, configuration: HubConfiguration) {
        self.catalog = catalog
        self.shelf = shelf
        self.configuration = configuration
    }

    /// The folder of a model whose files are all here, whoever fetched them; nil where some are missing.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)`` where the shelf cannot be written.
    public func folder(of model: CatalogModel) throws -> URL? {
        let folder = shelf.appending(path: model.name)
        if isComplete(folder, model) { return folder }
        guard let files = cachedFiles(of: model) else {
            // Links to what is gone would look like a model.
            try? FileManager.default.removeItem(at: folder)
            return nil
        }
        return try shelve(files, as: model)
    }

    /// Puts every model on the shelf whose files are in the cache, and takes down those whose files are gone.
    public func refresh() throws {
        for model in catalog.models { _ = try folder(of: model) }
    }

    /// Brings a model here, or up to date; what is here and undamaged is not fetched again.
    ///
    /// - Returns: its folder.
    /// - Throws: ``HubError``, `CancellationError`.
    public func pull(
        _ model: CatalogModel, revision: String = HubRevision.main, with client: HubClient,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> URL {
        var files: [String: URL] = [:]
        for (index, source) in model.sources.enumerated() {
            // A revision is one of the model's own repository.
            let revision = index == 0 ? revision : HubRevision.main
            files.merge(try await client.fetch(source.requests, from: source.repository, revision: revision, onEvent: onEvent)) { first, _ in first }
        }
        return try shelve(files, as: model)
    }

    /// Bytes that a model has at the hub.
    ///
    /// - Throws: ``HubError``.
    public func size(of model: CatalogModel, with client: HubClient) async throws -> Int {
        var size = 0
        for source in model.sources {
            size += try await client.describe(source.requests, source.repository, HubRevision.main) { _ in }.reduce(0) { $0 + $1.size }
        }
        return size
    }

    // MARK: the shelf

    private func cachedFiles(of model: CatalogModel) -> [String: URL]? {
        var files: [String: URL] = [:]
        for source in model.sources {
            guard let found = cache.files(source.requests, of: source.repository) else { return nil }
            files.merge(found) { first, _ in first }
        }
        return files
    }

    private func isComplete(_ folder: URL, _ model: CatalogModel) -> Bool {
        model.sources.flatMap(\.requests).allSatisfy { request in
            request.isOptional || request.names.contains { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) }
        }
    }

    /// Makes a model's folder anew.
    private func shelve(_ files: [String: URL], as model: CatalogModel) throws -> URL {
        let folder = shelf.appending(path: model.name), next = shelf.appending(path: ".\(UUID().uuidString)")
        let manager = FileManager.default
        try manager.createFolder(next)
        do {
            for (name, file) in files {
                let link = next.appending(path: name)
                try manager.createDirectory(at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
                try manager.createSymbolicLink(at: link, withDestinationURL: file)
            }
            if manager.fileExists(atPath: folder.path) { try manager.removeItem(at: folder) }
            try manager.moveItem(at: next, to: folder)
        } catch {
            try? manager.removeItem(at: next)
            // Another process may have made it at the same moment.
            if isComplete(folder, model) { return folder }
            throw HubError.unwritable(path: folder.path, reason: error.localizedDescription)
        }
        return folder
    }
}
