import Foundation

/// The catalogue's models on this machine.
///
/// A model's files lie in the hub's cache, where Python shares them, and several models share a repository. Each that is
/// complete gets a folder of its own on the shelf, with links to its files under their own names. What lies on the shelf
/// and is nobody's link or copy is its owner's: it is used where it is a whole model, and otherwise left alone.
public struct ModelStore: Sendable {
    public let catalog: ModelCatalog
    /// Holds a folder for each model that is here.
    public let shelf: URL
    public let configuration: HubConfiguration
    var cache: HubCache { HubCache(configuration.cacheFolder, links: configuration.links) }

    public init(catalog: ModelCatalog, shelf: URL, configuration: HubConfiguration) {
        self.catalog = catalog
        self.shelf = shelf
        self.configuration = configuration
    }

    /// Where a model's folder is or would be. What is no model hides from those who look for models here.
    public func folderOnShelf(of model: CatalogModel) -> URL { shelf.appending(path: model.isPart ? ".\(model.name)" : model.name) }

    /// Whether all of a model's files are here.
    public func isHere(_ model: CatalogModel) -> Bool { places(of: model) != nil }

    /// The folder of a model whose files are all here, whoever fetched them; nil where some are missing.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)`` where the shelf cannot be written,
    ///   ``HubError/occupied(folder:files:)``.
    public func folder(of model: CatalogModel) throws -> URL? {
        let folder = folderOnShelf(of: model)
        if isComplete(folder, model) { return folder }
        guard let files = cachedFiles(of: model) else {
            // Links to what is gone would look like a model.
            if ownFiles(in: folder, model, [:]).isEmpty { try? FileManager.default.removeItem(at: folder) }
            return nil
        }
        return try shelve(files, as: model)
    }

    /// Where the file of a model that has one alone is; nil where it has not been fetched. Writes nothing.
    public func file(of model: CatalogModel) -> URL? { places(of: model)?.values.first }

    /// Puts every model on the shelf whose files are in the cache, and takes down those whose files are gone. Folders with
    /// files of somebody's own are passed over.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)`` where the shelf cannot be written.
    public func refresh() throws {
        for model in catalog.models {
            do { _ = try folder(of: model) } catch HubError.occupied {}
        }
    }

    /// Brings a model here, or up to date; what is here and undamaged is not fetched again.
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
            // For another model's sake the branch may have moved on to a commit without this one's files.
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

    /// Makes a model's folder anew, unless it has these files already.
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
            // Another process may have made it at the same moment.
            if isComplete(folder, model) { return folder }
            let reason = if case HubError.unwritable(_, let reason) = error { reason } else { error.localizedDescription }
            throw HubError.unwritable(path: folder.path, reason: reason)
        }
        return folder
    }

    /// Files in a model's folder whose contents would be lost with it: no links, and neither second names nor copies of what
    /// the cache has or has had at another commit.
    private func ownFiles(in folder: URL, _ model: CatalogModel, _ files: [String: URL]) -> [String] {
        let manager = FileManager.default
        func isLink(_ url: URL) -> Bool { (try? manager.destinationOfSymbolicLink(atPath: url.path)) != nil }
        guard manager.fileExists(atPath: folder.path) || isLink(folder) else { return [] }
        // A link to a folder elsewhere, a file, or what cannot be looked into.
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
