import Foundation

/// The catalogue's models on this machine.
///
/// A model's files are in the hub's cache, which is shared with Python; several models share a repository. Each complete model gets its own folder
/// on the shelf, with links to its files under their names. Other files on the shelf belong to the user: they are used if they are a complete
/// model, and never changed.
public struct ModelStore: Sendable {
    public let catalog: ModelCatalog
    /// The folder with a subfolder for each model on this machine.
    public let shelf: URL
    public let configuration: HubConfiguration
    var cache: HubCache { HubCache(configuration.cacheFolder, links: configuration.links) }

    public init(catalog: ModelCatalog, shelf: URL, configuration: HubConfiguration) {
        self.catalog = catalog
        self.shelf = shelf
        self.configuration = configuration
    }

    /// The path of a model's folder, whether it exists or not. Parts that are not models have hidden folders, so that they are not listed as
    /// models.
    public func folderOnShelf(of model: CatalogModel) -> URL { shelf.appending(path: model.isPart ? ".\(model.name)" : model.name) }

    /// Whether all of a model's files are here.
    public func isHere(_ model: CatalogModel) -> Bool { places(of: model) != nil }

    /// The folder of a model whose files are all in the cache, whichever program downloaded them; nil if some are missing.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)`` if the shelf cannot be written, ``HubError/occupied(folder:files:)``.
    public func folder(of model: CatalogModel) throws -> URL? {
        let folder = folderOnShelf(of: model)
        if isComplete(folder, model) { return folder }
        guard let files = cachedFiles(of: model) else {
            // A folder of links without targets would look like a model.
            if ownFiles(in: folder, model, [:]).isEmpty { try? FileManager.default.removeItem(at: folder) }
            return nil
        }
        return try shelve(files, as: model)
    }

    /// The file of a model that consists of one file; nil if it has not been downloaded. Writes nothing.
    public func file(of model: CatalogModel) -> URL? { places(of: model)?.values.first }

    /// Creates the folder of every model whose files are in the cache, and removes folders of models whose files no longer exist. Folders with the
    /// user's own files are skipped.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)`` if the shelf cannot be written.
    public func refresh() throws {
        for model in catalog.models {
            do { _ = try folder(of: model) } catch HubError.occupied {}
        }
    }

    /// Downloads or updates a model; undamaged files on this machine are not downloaded again.
    ///
    /// - Returns: its folder.
    /// - Throws: ``HubError``, `CancellationError`. Where only the shelf cannot be written, ``HubError/unwritable(path:reason:)``
    ///   names the folder, and the files are in the cache.
    public func pull(
        _ model: CatalogModel, revision: String = HubRevision.main, with client: HubClient,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> URL {
        var files: [String: URL] = [:]
        for (index, source) in model.sources.enumerated() {
            // The revision refers to the model's own repository only.
            let revision = index == 0 ? revision : HubRevision.main
            files.merge(try await client.fetch(source.requests, from: source.repository, revision: revision, onEvent: onEvent)) { first, _ in first }
        }
        return try shelve(files, as: model)
    }

    /// The size of a model on the hub, in bytes.
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

    /// Where a model's files are, by name; nil where one is missing.
    func places(of model: CatalogModel) -> [String: URL]? {
        let folder = folderOnShelf(of: model)
        guard isComplete(folder, model) else { return cachedFiles(of: model) }
        let names = model.sources.flatMap(\.requests).compactMap { request in
            request.names.first { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) }
        }
        return Dictionary(names.map { ($0, folder.appending(path: $0)) }, uniquingKeysWith: { first, _ in first })
    }

    private func cachedFiles(of model: CatalogModel) -> [String: URL]? {
        var files: [String: URL] = [:]
        for source in model.sources {
            // For another model's files the branch may have been updated to a commit without this model's files.
            let revisions = [HubRevision.main] + cache.commits(of: source.repository)
            guard let found = revisions.lazy.compactMap({ cache.files(source.requests, of: source.repository, revision: $0) }).first
            else { return nil }
            files.merge(found) { first, _ in first }
        }
        return files
    }

    private func isComplete(_ folder: URL, _ model: CatalogModel) -> Bool {
        model.sources.flatMap(\.requests).allSatisfy { request in
            request.isOptional || request.names.contains { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) }
        }
    }

    /// Creates a model's folder again, unless it already has these files.
    private func shelve(_ files: [String: URL], as model: CatalogModel) throws -> URL {
        let folder = folderOnShelf(of: model), next = shelf.appending(path: ".\(UUID().uuidString)")
        let manager = FileManager.default
        if isComplete(folder, model), files.allSatisfy({ manager.holdSameContents(folder.appending(path: $0), $1) }) { return folder }
        let own = ownFiles(in: folder, model, files)
        guard own.isEmpty else { throw HubError.occupied(folder: folder.path, files: own) }
        do {
            try manager.createFolder(next)
            for (name, file) in files {
                let place = next.appending(path: name)
                try manager.createFolder(place.deletingLastPathComponent())
                if !configuration.links.link(place, to: file, symbolically: file.path) { try DiskLinks.copy(file, to: place) }
            }
            if manager.fileExists(atPath: folder.path) { try manager.removeItem(at: folder) }
            try manager.moveItem(at: next, to: folder)
        } catch {
            try? manager.removeItem(at: next)
            // Another process may have created it at the same time.
            if isComplete(folder, model) { return folder }
            let reason = if case HubError.unwritable(_, let reason) = error { reason } else { error.localizedDescription }
            throw HubError.unwritable(path: folder.path, reason: reason)
        }
        return folder
    }

    /// Files in a model's folder whose contents would be lost with it: not links, nor hard links or copies of files that the cache has, or has had at
    /// another commit.
    private func ownFiles(in folder: URL, _ model: CatalogModel, _ files: [String: URL]) -> [String] {
        let manager = FileManager.default
        func isLink(_ url: URL) -> Bool { (try? manager.destinationOfSymbolicLink(atPath: url.path)) != nil }
        guard manager.fileExists(atPath: folder.path) || isLink(folder) else { return [] }
        // A link to another folder, a file, or a folder that cannot be read.
        guard !isLink(folder), let names = try? manager.subpathsOfDirectory(atPath: folder.path) else { return [folder.lastPathComponent] }
        return names.filter { name in
            let file = folder.appending(path: name)
            guard !isLink(file), FileIdentity(file) != nil else { return false }
            let cached = model.sources.flatMap { source in
                cache.commits(of: source.repository).map { cache.snapshot($0, of: source.repository).appending(path: name) }
            }
            return !([files[name]].compactMap(\.self) + cached).contains { manager.holdSameContents(file, $0) }
        }.sorted()
    }
}
