import Foundation

/// A file that the system does not let us read.
package struct UnreadableFile: Error {
    /// In the system's words: "No such file or directory".
    package let reason: String

    package init(reason: String) { self.reason = reason }

    /// By the C library's last error.
    package static func system() -> UnreadableFile { UnreadableFile(reason: String(cString: strerror(errno))) }
}

/// Bytes of an open file.
///
/// - Throws: ``UnreadableFile`` for a folder, a device or a pipe, which have no end to rely on.
package func regularFileSize(_ descriptor: Int32) throws(UnreadableFile) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system() }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw UnreadableFile(reason: "it is a folder")
    default: throw UnreadableFile(reason: "it is not a regular file")
    }
}
