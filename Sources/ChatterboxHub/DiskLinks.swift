import Foundation

/// Gives a file a second path: by a symbolic link, a hard link or a copy.
///
/// Some file systems do not support links, and some create symbolic links that do not work, so every link is checked after it is created.
struct DiskLinks: Sendable {
    /// Creates a symbolic link to a path, relative to the link's folder or absolute; false if the file system refuses.
    let symbolic: @Sendable (_ target: String, _ place: String) -> Bool
    /// Creates a hard link; false if the file system refuses.
    let hard: @Sendable (_ contents: String, _ place: String) -> Bool

    static let system = DiskLinks(symbolic: { symlink($0, $1) == 0 }, hard: { Glibc.link($0, $1) == 0 })

    /// Creates a link to contents, at a path that does not exist yet.
    ///
    /// - Parameter target: the target of a symbolic link; nil for a hard link.
    /// - Returns: whether a link was created.
    func link(_ place: URL, to contents: URL, symbolically target: String?) -> Bool {
        // A hard link to a symbolic link would itself be a symbolic link.
        let contents = contents.resolvingSymlinksInPath()
        func leads() -> Bool {
            if let identity = FileIdentity(contents), FileIdentity(place) == identity { return true }
            unlink(place.path)
            return false
        }
        if let target, symbolic(target, place.path), leads() { return true }
        return hard(contents.path, place.path) && leads()
    }

    /// - Throws: ``HubError/unwritable(path:reason:)``.
    static func copy(_ contents: URL, to place: URL) throws {
        do { try FileManager.default.copyItem(at: contents.resolvingSymlinksInPath(), to: place) } catch {
            throw HubError.unwritable(path: place.path, reason: error.localizedDescription)
        }
    }
}

/// Identifies a regular file, so that two paths can be compared; links are followed.
struct FileIdentity: Hashable {
    private let device, number: UInt
    let size: Int

    /// nil if there is no regular file at the path.
    init?(_ file: URL) {
        var status = stat()
        guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        (device, number, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
    }
}

extension FileManager {
    /// Whether two paths refer to the same file.
    func holdSameContents(_ first: URL, _ second: URL) -> Bool {
        guard let one = FileIdentity(first), let other = FileIdentity(second), one.size == other.size else { return false }
        return one == other || contentsEqual(atPath: first.resolvingSymlinksInPath().path, andPath: second.resolvingSymlinksInPath().path)
    }
}

/// Room on disks.
public enum DiskSpace {
    /// Bytes that are free for us on the disk of a folder, or of the nearest folder above it that exists.
    @Sendable public static func free(_ folder: URL) -> Int? {
        var folder = folder
        while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" { folder.deleteLastPathComponent() }
        var figures = statvfs()
        guard statvfs(folder.path, &figures) == 0 else { return nil }
        return Int(figures.f_bavail) * Int(figures.f_frsize)
    }
}
