import FileSupport
import Foundation

/// A file's bytes as memory, read from disk page by page when they are accessed, and shared with other readers of the file.
///
/// Writing to the memory changes only this process's copy of a page, never the file.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: `UnreadableFile`.
    init(_ url: URL) throws(UnreadableFile) {
        let descriptor = open(url.path, O_RDONLY)
        guard descriptor >= 0 else { throw .system() }
        defer { close(descriptor) }
        let count = try regularFileSize(descriptor)
        guard count > 0 else {
            bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else { throw .system() }
        bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    /// Frees the memory of the pages that were read, and discards changes to it; pages are read again when they are accessed.
    func releasePages() {
        if let start = bytes.baseAddress { madvise(start, bytes.count, MADV_DONTNEED) }
    }

    deinit {
        if let start = bytes.baseAddress { munmap(start, bytes.count) }
    }
}
