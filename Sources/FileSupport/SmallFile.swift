import Foundation

/// A file that is read whole into memory: a configuration, a tokenizer, the index of a checkpoint.
package enum SmallFile {
    /// The file's bytes.
    ///
    /// - Throws: ``UnreadableFile`` where it is missing, no regular file, or larger than any such file is.
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
