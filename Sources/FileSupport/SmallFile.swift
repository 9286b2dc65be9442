import Foundation

/// A file that is read into memory as a whole: a configuration, a tokenizer, the index of a checkpoint.
package enum SmallFile {
    /// The file's bytes.
    ///
    /// - Throws: ``UnreadableFile`` if the file is missing, is not a regular file, or is larger than `limit`.
    package static func read(_ url: URL, limit: Int = 64 << 20) throws(UnreadableFile) -> Data {
        let descriptor = open(url.path, O_RDONLY)
        guard descriptor >= 0 else { throw .system() }
        defer { close(descriptor) }
        let count = try regularFileSize(descriptor)
        guard count <= limit else {
            throw UnreadableFile(reason: "its \(count) bytes are too many, \(limit) at most are expected")
        }
        var data = Data(count: count)
        var filled = 0
        while filled < count {
            let read = data.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress! + filled, count - filled) }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw .system() }
            if read == 0 { return data.prefix(filled) }
            filled += read
        }
        return data
    }
}

/// A file that cannot be read.
package struct UnreadableFile: Error {
    /// The system's description, such as "No such file or directory".
    package let reason: String

    package init(reason: String) { self.reason = reason }

    /// Made from the C library's last error.
    package static func system() -> UnreadableFile { UnreadableFile(reason: String(cString: strerror(errno))) }
}

/// The size of an open file in bytes.
///
/// - Throws: ``UnreadableFile`` for a folder, a device or a pipe, whose size is not known.
package func regularFileSize(_ descriptor: Int32) throws(UnreadableFile) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system() }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw UnreadableFile(reason: "it is a folder")
    default: throw UnreadableFile(reason: "it is not a regular file")
    }
}
