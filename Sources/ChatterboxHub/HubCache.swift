import Foundation

/// The folder in which Python's `huggingface_hub` and this package keep a hub's files.
///
/// ```
/// models--ResembleAI--chatterbox/
///   blobs/<checksum>               contents, once each
///   snapshots/<commit>/<name>      links to the contents
///   refs/<revision>                the commit that a branch was at
/// .locks/models--…/<checksum>.lock
/// ```
public struct HubCache: Sendable {
    public let folder: URL

    public init(_ folder: URL) { self.folder = folder }

    // MARK: places

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

    /// The commit that a branch, a tag or a commit's own name stood for when it was last looked up.
    public func commit(of revision: String, in repository: HubRepository) -> String? {
        if HubRevision.isCommit(revision) { return revision }
        guard let text = try? String(contentsOf: reference(revision, of: repository), encoding: .utf8) else { return nil }
        let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return HubRevision.isCommit(commit) ? commit : nil
    }

    /// A file that is here whole, at a revision; nil where it is not.
    public func file(_ name: String, of repository: HubRepository, revision: String = HubRevision.main) -> URL? {
        guard let commit = commit(of: revision, in: repository) else { return nil }
        let url = snapshot(commit, of: repository).appending(path: name)
        // A link to contents that are gone does not count.
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }

    // MARK: writing

    /// Makes a snapshot's file out of contents that are here.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    func link(_ file: HubFile) throws -> URL {
        let link = snapshot(file.commit, of: file.repository).appending(path: file.name)
        try FileManager.default.createFolder(link.deletingLastPathComponent())
        // Out of the folders within the repository, of the commit's and of `snapshots`.
        let depth = 1 + file.name.split(separator: "/").count
        let target = String(repeating: "../", count: depth) + "blobs/\(file.checksum.digits)"
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: link.path)) == target { return link }
        // A link is replaced, not removed and made: another process may be reading it.
        let temporary = link.deletingLastPathComponent().appending(path: ".\(UUID().uuidString).link")
        guard symlink(target, temporary.path) == 0, rename(temporary.path, link.path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary.path)
            throw HubError.unwritable(path: link.path, reason: reason)
        }
        return link
    }

    /// Notes which commit a branch or a tag is at.
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
