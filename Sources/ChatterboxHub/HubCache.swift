import Foundation

/// The cache folder of a hub's files, shared by Python's `huggingface_hub` and this package.
///
/// ```
/// models--ResembleAI--chatterbox/
///   blobs/<checksum>               contents, once each
///   snapshots/<commit>/<name>      links to the contents
///   refs/<revision>                the commit that a branch was at
/// .locks/models--…/<checksum>.lock
/// ```
/// On a disk without links, and in a copied cache, snapshots contain the files themselves. Such a cache is used unchanged: complete files are never
/// replaced.
public struct HubCache: Sendable {
    public let folder: URL
    private let links: DiskLinks

    public init(_ folder: URL) { self.init(folder, links: .system) }

    init(_ folder: URL, links: DiskLinks) {
        self.folder = folder
        self.links = links
    }

    // MARK: paths

    func folder(of repository: HubRepository) -> URL { folder.appending(path: repository.folderName) }

    func blob(_ checksum: HubChecksum, of repository: HubRepository) -> URL {
        folder(of: repository).appending(path: "blobs/\(checksum.digits)")
    }

    func lock(_ checksum: HubChecksum, of repository: HubRepository) -> URL {
        locks(of: repository).appending(path: "\(checksum.digits).lock")
    }

    func locks(of repository: HubRepository) -> URL { folder.appending(path: ".locks/\(repository.folderName)") }

    func snapshot(_ commit: String, of repository: HubRepository) -> URL {
        folder(of: repository).appending(path: "snapshots/\(commit)")
    }

    private func reference(_ revision: String, of repository: HubRepository) -> URL {
        folder(of: repository).appending(path: "refs/\(revision)")
    }

    // MARK: reading

    /// The commit of a branch, a tag or a commit's own name when it was last looked up.
    public func commit(of revision: String, in repository: HubRepository) -> String? {
        if HubRevision.isCommit(revision) { return revision }
        guard let text = try? String(contentsOf: reference(revision, of: repository), encoding: .utf8) else { return nil }
        let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return HubRevision.isCommit(commit) ? commit : nil
    }

    /// A complete file of a revision; nil if it is not in the cache.
    public func file(_ name: String, of repository: HubRepository, revision: String = HubRevision.main) -> URL? {
        guard let commit = commit(of: revision, in: repository) else { return nil }
        let url = snapshot(commit, of: repository).appending(path: name)
        // A link whose target does not exist is not counted.
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }

    /// The commits of which files are in the cache, the most recently changed first.
    func commits(of repository: HubRepository) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder(of: repository).appending(path: "snapshots").path)) ?? []
        let dates = names.filter(HubRevision.isCommit).map { name in
            (
                name,
                (try? FileManager.default.attributesOfItem(atPath: snapshot(name, of: repository).path))?[.modificationDate] as? Date ?? .distantPast
            )
        }
        return dates.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map(\.0)
    }

    /// The path of a file's complete and undamaged contents in the cache; nil if they are not in the cache.
    ///
    /// The contents are looked up in the commit's snapshot, under their checksum, and in the snapshots of other commits: in a cache without links, a
    /// file that a new commit has not changed is only there.
    ///
    /// - Throws: ``HubError/unreadable(path:reason:)``.
    func intactContents(of file: HubFile) throws -> URL? {
        let commits = [file.commit] + commits(of: file.repository).filter { $0 != file.commit }
        var candidates = commits.map { snapshot($0, of: file.repository).appending(path: file.name) }
        candidates.insert(blob(file.checksum, of: file.repository), at: 1)
        var seen: Set<FileIdentity> = []
        return try candidates.first { candidate in
            guard let identity = FileIdentity(candidate), identity.size == file.size, seen.insert(identity).inserted else { return false }
            return try Checksummer.digits(of: candidate, as: file.checksum).digits == file.checksum.digits
        }
    }

    // MARK: writing

    /// Adds a file to a snapshot, from contents that are in the cache; if the snapshot's file is itself these contents, it is not changed.
    ///
    /// - Parameters:
    ///   - contents: the result of ``intactContents(of:)``, or the downloaded blob.
    ///   - isMovable: whether contents under their checksum may be moved if the file system does not support links, as Python's client does: no other
    ///     link refers to them.
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    func place(_ file: HubFile, contents: URL, isMovable: Bool = false) throws -> URL {
        let place = snapshot(file.commit, of: file.repository).appending(path: file.name)
        if contents == place { return place }
        try FileManager.default.createFolder(place.deletingLastPathComponent())
        // Up from the folders within the repository, from the commit's folder and from `snapshots`.
        let depth = 1 + file.name.split(separator: "/").count
        let target = String(repeating: "../", count: depth) + "blobs/\(file.checksum.digits)"
        let isBlob = contents == blob(file.checksum, of: file.repository)
        // Replaced atomically: another process may be reading the existing file.
        let temporary = place.deletingLastPathComponent().appending(path: ".\(UUID().uuidString).link")
        defer { unlink(temporary.path) }
        var source = temporary
        if !links.link(temporary, to: contents, symbolically: isBlob ? target : nil) {
            if isBlob, isMovable { source = contents } else { try DiskLinks.copy(contents, to: temporary) }
        }
        guard rename(source.path, place.path) == 0 else {
            throw HubError.unwritable(path: place.path, reason: String(cString: strerror(errno)))
        }
        return place
    }

    /// Records the commit of a branch or a tag.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    func note(_ commit: String, as revision: String, of repository: HubRepository) throws {
        guard !HubRevision.isCommit(revision) else { return }
        let file = reference(revision, of: repository)
        guard (try? String(contentsOf: file, encoding: .utf8)) != commit else { return }
        try FileManager.default.createFolder(file.deletingLastPathComponent())
        do { try Data(commit.utf8).write(to: file, options: .atomic) } catch {
            throw HubError.unwritable(path: file.path, reason: error.localizedDescription)
        }
    }
}

/// Names of states of a repository.
public enum HubRevision {
    public static let main = "main"

    /// Whether it is a commit's full name, 40 hexadecimal digits.
    public static func isCommit(_ name: String) -> Bool {
        name.utf8.count == 40 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
