import Foundation

extension ModelStore {
    /// A model's file on this machine.
    public struct StoredFile: Sendable, Hashable {
        public let name: String
        /// The contents, with all links followed.
        public let contents: URL
        public let bytes: Int
        /// The expected checksum; nil if the cache does not contain it.
        public let checksum: HubChecksum?
    }

    /// The result of verifying a file.
    public enum Verdict: Sendable, Hashable {
        case intact
        case damaged(expected: String, found: String)
        /// The expected checksum is not known.
        case unknown
    }

    /// The files of a model on this machine, in the catalogue's order; empty if it is not here. Writes nothing.
    public func files(of model: CatalogModel) -> [StoredFile] {
        guard let places = places(of: model) else { return [] }
        return model.sources.flatMap(\.requests).compactMap { request in
            guard let name = request.names.first(where: { places[$0] != nil }), let place = places[name] else { return nil }
            let contents = place.resolvingSymlinksInPath()
            return StoredFile(name: name, contents: contents, bytes: FileIdentity(contents)?.size ?? 0, checksum: checksum(of: place))
        }
    }

    /// The checksum in the name to which links lead: a link on the shelf refers to the snapshot's file, which may itself be a link to the contents.
    private func checksum(of place: URL) -> HubChecksum? {
        var place = place
        for _ in 0..<8 {
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place.path) else { return nil }
            place = URL(filePath: target, relativeTo: place.deletingLastPathComponent())
            if let checksum = HubChecksum(entityTag: place.lastPathComponent) { return checksum }
        }
        return nil
    }

    /// Computes a file's checksum and compares it with the one that is its name in the cache.
    ///
    /// - Parameters:
    ///   - file: the file; without a checksum the result is `unknown`.
    ///   - onRead: called with the bytes of each block.
    /// - Throws: ``HubError/unreadable(path:reason:)``, `CancellationError`.
    public func verify(_ file: StoredFile, onRead: (Int) -> Void = { _ in }) throws -> Verdict {
        guard let expected = file.checksum else { return .unknown }
        let found = try Checksummer.digits(of: file.contents, as: expected) {
            onRead($0)
            try Task.checkCancellation()
        }
        return found.digits == expected.digits ? .intact : .damaged(expected: expected.digits, found: found.digits)
    }

    /// Removes a model: its folder on the shelf, and those of its files in the cache that no other model on this machine needs, locks
    /// included.
    ///
    /// - Returns: the number of bytes that were freed.
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    public func remove(_ model: CatalogModel) throws -> Int {
        // Other models' files can be found only while the shelf is complete.
        let others = catalog.models.filter { $0 != model && isHere($0) }
        let kept = Set(others.flatMap { links(of: $0).map(\.link) })
        let own = links(of: model).filter { !kept.contains($0.link) }
        var freed = 0
        for (repository, link) in own { freed += try remove(link, of: repository) }
        for source in model.sources { try removeLocks(of: source.repository) }
        let place = folderOnShelf(of: model)
        if FileManager.default.fileExists(atPath: place.path) { try unlink(place) }
        return freed
    }

    /// A model's files in the snapshots of all commits in the cache.
    private func links(of model: CatalogModel) -> [(repository: HubRepository, link: URL)] {
        model.sources.flatMap { source in
            cache.commits(of: source.repository).flatMap { commit in
                source.requests.flatMap(\.names).compactMap { name in
                    let link = cache.snapshot(commit, of: source.repository).appending(path: name)
                    let isThere = (try? FileManager.default.attributesOfItem(atPath: link.path)) != nil
                    return isThere ? (source.repository, link) : nil
                }
            }
        }
    }

    /// Removes a snapshot's file and, if no other link refers to them, its contents; then removes empty folders.
    private func remove(_ link: URL, of repository: HubRepository) throws -> Int {
        let manager = FileManager.default
        let target = try? manager.destinationOfSymbolicLink(atPath: link.path)
        // A file that is not a link may have a copy or a hard link under its checksum.
        let contents =
            target.map { [URL(filePath: $0, relativeTo: link.deletingLastPathComponent()).standardizedFileURL] }
            ?? blobs(of: repository).filter { manager.holdSameContents($0, link) }
        let before = Set([FileIdentity(link)].compactMap(\.self) + contents.compactMap(FileIdentity.init))
        try unlink(link)
        for blob in contents where try manager.fileExists(atPath: blob.path) && !isLinked(blob, in: repository) { try unlink(blob) }
        let kept = Set(contents.compactMap(FileIdentity.init))
        try prune(repository)
        return before.subtracting(kept).reduce(0) { $0 + $1.size }
    }

    private func blobs(of repository: HubRepository) -> [URL] {
        let folder = cache.folder(of: repository).appending(path: "blobs")
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).map { folder.appending(path: $0) }
    }

    /// Whether a snapshot of the repository links to these contents.
    private func isLinked(_ contents: URL, in repository: HubRepository) throws -> Bool {
        let snapshots = cache.folder(of: repository).appending(path: "snapshots")
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: snapshots.path)) ?? []
        return names.contains { name in
            let link = snapshots.appending(path: name)
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link.path) else { return false }
            return URL(filePath: target, relativeTo: link.deletingLastPathComponent()).lastPathComponent == contents.lastPathComponent
        }
    }

    /// Removes snapshots without files, and the repository's folder if no snapshot is left.
    private func prune(_ repository: HubRepository) throws {
        let manager = FileManager.default, folder = cache.folder(of: repository)
        for commit in cache.commits(of: repository) {
            let snapshot = cache.snapshot(commit, of: repository)
            if try manager.contentsOfDirectory(atPath: snapshot.path).isEmpty { try unlink(snapshot) }
        }
        guard cache.commits(of: repository).isEmpty else { return }
        if blobs(of: repository).allSatisfy({ $0.pathExtension == "incomplete" }) { try unlink(folder) }
    }

    /// Removes locks that no process holds and whose contents, complete or incomplete, no longer exist.
    private func removeLocks(of repository: HubRepository) throws {
        let manager = FileManager.default, folder = cache.locks(of: repository)
        guard let locks = try? manager.contentsOfDirectory(atPath: folder.path) else { return }
        let guarded = Set(blobs(of: repository).map { $0.lastPathComponent.prefix { $0 != "." } })
        for lock in locks where lock.hasSuffix(".lock") && !guarded.contains(lock.dropLast(".lock".count)) {
            try FileLock.remove(folder.appending(path: lock))
        }
        // Removes empty folders only.
        rmdir(folder.path)
        rmdir(folder.deletingLastPathComponent().path)
    }

    private func unlink(_ url: URL) throws {
        do { try FileManager.default.removeItem(at: url) } catch {
            throw HubError.unwritable(path: url.path, reason: error.localizedDescription)
        }
    }
}
