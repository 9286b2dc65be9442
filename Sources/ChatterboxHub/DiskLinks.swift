import Foundation

/// How a file is given a second place: by a symbolic link, by a second name (a hard link), or by a copy.
///
/// Some disks know no links, and some accept symbolic ones that lead nowhere, so what was made is looked at.
struct DiskLinks: Sendable {
    /// Makes a symbolic link to a path, relative to the link's folder or absolute; false where the disk refuses.
    let symbolic: @Sendable (_ target: String, _ place: String) -> Bool
    /// Gives contents a second name; false where the disk refuses.
    let hard: @Sendable (_ contents: String, _ place: String) -> Bool

    static let system = DiskLinks(symbolic: { symlink($0, $1) == 0 }, hard: { Glibc.link($0, $1) == 0 })

    /// Makes a link, at a place where nothing is, that leads to contents.
    ///
    /// - Parameter target: what a symbolic link is to say; nil makes none.
    /// - Returns: whether there is one.
    func link(_ place: URL, to contents: URL, symbolically target: String?) -> Bool {
        // A hard link to a symbolic one would be a symbolic one.
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

/// Tells whether two paths lead to one regular file, links followed.
struct FileIdentity: Hashable {
    private let device, number: UInt
    let size: Int

    /// Nil where no regular file is there.
    init?(_ file: URL) {
        var status = stat()
        guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        (device, number, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
    }
}

extension FileManager {
    /// Whether two paths lead to the same contents.
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
