import Foundation

/// A file's bytes as memory, read from disk page by page as they are touched and shared with other readers of the file.
///
/// Writing into the memory changes this process's copy of a page alone, never the file.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: ``SafetensorsError/unreadable(_:reason:)``.
    init(_ url: URL) throws {
        let descriptor = open(url.path, O_RDONLY)
        guard descriptor >= 0 else { throw SafetensorsError.unreadable(url, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SafetensorsError.unreadable(url, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError.unreadable(url, reason: "not a file")
        }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw SafetensorsError.unreadable(url, reason: String(cString: strerror(errno)))
        }
        bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    /// Lets go of the memory that holds what has been read, and of changes to it; it is read again when touched.
    func releasePages() {
        if let start = bytes.baseAddress { madvise(start, bytes.count, MADV_DONTNEED) }
    }

    deinit {
        if let start = bytes.baseAddress { munmap(start, bytes.count) }
    }
}
