import Foundation

extension ModelStore {
    /// A model's file on this machine.
    public struct StoredFile: Sendable, Hashable {
        public let name: String
        /// The contents, with all links followed.
        public let contents: URL
        public let bytes: Int
        /// What the contents should hash to; nil where the cache does not tell.
        public let checksum: HubChecksum?
    }

    /// What checking a file came to.
    public enum Verdict: Sendable, Hashable {
        case intact
        case damaged(expected: String, found: String)
        /// The cache does not tell what it should be.
        case unknown
    }

    /// The files of a model that is here.
    public func files(of model: CatalogModel) throws -> [StoredFile] {
        guard let folder = try folder(of: model) else { return [] }
        return model.sources.flatMap(\.requests).compactMap { request in
            let links = request.names.map { ($0, folder.appending(path: $0)) }
            guard let (name, link) = links.first(where: { FileManager.default.fileExists(atPath: $0.1.path) }) else { return nil }
            let manager = FileManager.default, contents = link.resolvingSymlinksInPath()
            let size = (try? manager.attributesOfItem(atPath: contents.path))?[.size] as? Int
            // The shelf leads to the snapshot, and that to the contents by their checksum, which may be a link themselves.
            let blob = (try? manager.destinationOfSymbolicLink(atPath: link.path))
                .flatMap { try? manager.destinationOfSymbolicLink(atPath: $0) }
            return StoredFile(
                name: name, contents: contents, bytes: size ?? 0,
                checksum: blob.flatMap { HubChecksum(entityTag: URL(filePath: $0).lastPathComponent) })
        }
    }

    /// Computes a file's checksum and compares it with the one that is its name in the cache.
    ///
    /// - Parameter onRead: called with the bytes of each block.
    /// - Throws: ``HubError/unreadable(path:reason:)``, `CancellationError`.
    public func verify(_ file: StoredFile, onRead: (Int) -> Void = { _ in }) throws -> Verdict {
        guard let expected = file.checksum else { return .unknown }
        let found = try Checksummer.digits(of: file.contents, as: expected) {
            onRead($0)
            try Task.checkCancellation()
        }
        return found.digits == expected.digits ? .intact : .damaged(expected: expected.digits, found: found.digits)
    }

    /// Removes a model: its folder on the shelf, and from the cache what no other model that is here needs, locks included.
    ///
    /// - Returns: bytes that are free now.
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    public func remove(_ model: CatalogModel) throws -> Int {
        // Others' files are found while the shelf is whole.
        let others = try catalog.models.filter { try $0 != model && folder(of: $0) != nil }
        let kept = Set(others.flatMap { links(of: $0).map(\.link) })
        let own = links(of: model).filter { !kept.contains($0.link) }
        var freed = 0
        for (repository, link) in own { freed += try remove(link, of: repository) }
        for source in model.sources { try removeLocks(of: source.repository) }
        let place = shelf.appending(path: model.name)
        if FileManager.default.fileExists(atPath: place.path) { try unlink(place) }
        return freed
    }

    /// A model's files in the snapshots of the cache, at every commit that is there.
    private func links(of model: CatalogModel) -> [(repository: HubRepository, link: URL)] {
        model.sources.flatMap { source in
            commits(of: source.repository).flatMap { commit in
                source.requests.flatMap(\.names).compactMap { name in
                    let link = cache.snapshot(commit, of: source.repository).appending(path: name)
                    let isThere = (try? FileManager.default.attributesOfItem(atPath: link.path)) != nil
                    return isThere ? (source.repository, link) : nil
                }
            }
        }
    }

    private func commits(of repository: HubRepository) -> [String] {
        let folder = cache.folder(of: repository).appending(path: "snapshots")
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter(HubRevision.isCommit)
    }

    /// Removes a link and, when it was the last one, its contents; then folders that are empty.
    private func remove(_ link: URL, of repository: HubRepository) throws -> Int {
        let manager = FileManager.default
        let target = try? manager.destinationOfSymbolicLink(atPath: link.path)
        let contents = target.map { URL(filePath: $0, relativeTo: link.deletingLastPathComponent()).standardizedFileURL } ?? link
        let size = (try? manager.attributesOfItem(atPath: contents.path))?[.size] as? Int ?? 0
        try unlink(link)
        var freed = target == nil ? size : 0
        if target != nil, manager.fileExists(atPath: contents.path), try !isLinked(contents, in: repository) {
            try unlink(contents)
            freed = size
        }
        try prune(repository)
        return freed
    }

    /// Whether any snapshot of the repository leads to these contents.
    private func isLinked(_ contents: URL, in repository: HubRepository) throws -> Bool {
        let snapshots = cache.folder(of: repository).appending(path: "snapshots")
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: snapshots.path)) ?? []
        return names.contains { name in
            let link = snapshots.appending(path: name)
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link.path) else { return false }
            return URL(filePath: target, relativeTo: link.deletingLastPathComponent()).lastPathComponent == contents.lastPathComponent
        }
    }

    /// Removes snapshots without files, and the repository's folder when none is left.
    private func prune(_ repository: HubRepository) throws {
        let manager = FileManager.default, folder = cache.folder(of: repository)
        for commit in commits(of: repository) {
            let snapshot = cache.snapshot(commit, of: repository)
            if try manager.contentsOfDirectory(atPath: snapshot.path).isEmpty { try unlink(snapshot) }
        }
        guard commits(of: repository).isEmpty else { return }
        let blobs = (try? manager.contentsOfDirectory(atPath: folder.appending(path: "blobs").path)) ?? []
        if blobs.allSatisfy({ $0.hasSuffix(".incomplete") }) { try unlink(folder) }
    }

    /// Removes the locks that nobody holds and that guard nothing any more, neither contents nor a part of them.
    private func removeLocks(of repository: HubRepository) throws {
        let manager = FileManager.default, folder = cache.locks(of: repository)
        guard let locks = try? manager.contentsOfDirectory(atPath: folder.path) else { return }
        let blobs = (try? manager.contentsOfDirectory(atPath: cache.folder(of: repository).appending(path: "blobs").path)) ?? []
        let guarded = Set(blobs.map { $0.prefix { $0 != "." } })
        for lock in locks where lock.hasSuffix(".lock") && !guarded.contains(lock.dropLast(".lock".count)) {
            try FileLock.remove(folder.appending(path: lock))
        }
        // Folders that are empty; others stay.
        rmdir(folder.path)
        rmdir(folder.deletingLastPathComponent().path)
    }

    private func unlink(_ url: URL) throws {
        do { try FileManager.default.removeItem(at: url) } catch {
            throw HubError.unwritable(path: url.path, reason: error.localizedDescription)
        }
    }
}
