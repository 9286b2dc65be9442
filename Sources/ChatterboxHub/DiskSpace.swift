import Foundation

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
