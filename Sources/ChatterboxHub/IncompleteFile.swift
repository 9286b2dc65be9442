import Foundation
import Synchronization

/// A file that is being downloaded: written and hashed block by block, kept for the next attempt, and moved to its final path when it is complete.
final class IncompleteFile: Sendable {
    let url: URL
    private let checksum: HubChecksum
    private let size: Int
    private let state: Mutex<State>

    private struct State: ~Copyable {
        let descriptor: Int32
        var count = 0
        var checksummer: Checksummer
    }

    /// Opens the file, and hashes the bytes that an earlier attempt has written.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    init(_ url: URL, checksum: HubChecksum, size: Int) throws {
        self.url = url
        self.checksum = checksum
        self.size = size
        try FileManager.default.createFolder(url.deletingLastPathComponent())
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(url) }
        state = Mutex(State(descriptor: descriptor, checksummer: Checksummer(for: checksum, size: size)))
        try state.withLock { state in
            guard lseek(descriptor, 0, SEEK_END) <= size else { return try Self.empty(&state, self) }
            lseek(descriptor, 0, SEEK_SET)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { buffer.deallocate() }
            while true {
                let count = read(descriptor, buffer.baseAddress!, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw Self.failure(url) }
                guard count > 0 else { return }
                state.checksummer.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                state.count += count
            }
        }
    }

    deinit { close(state.withLock { $0.descriptor }) }

    /// The number of bytes so far.
    var count: Int { state.withLock { $0.count } }

    /// - Throws: ``HubError/unwritable(path:reason:)``, ``HubError/diskFull(folder:needed:available:)``.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = write(state.descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    if errno == ENOSPC {
                        throw HubError.diskFull(
                            folder: url.deletingLastPathComponent().path, needed: size - state.count,
                            available: DiskSpace.free(url.deletingLastPathComponent()) ?? 0)
                    }
                    throw Self.failure(url)
                }
                state.checksummer.update(UnsafeRawBufferPointer(rebasing: rest.prefix(written)))
                state.count += written
                rest = rest.dropFirst(written)
            }
        }
    }

    /// Deletes the contents, to begin again.
    func empty() throws { try state.withLock { try Self.empty(&$0, self) } }

    private static func empty(_ state: inout State, _ file: IncompleteFile) throws {
        guard ftruncate(state.descriptor, 0) == 0, lseek(state.descriptor, 0, SEEK_SET) == 0 else { throw failure(file.url) }
        state.count = 0
        state.checksummer = Checksummer(for: file.checksum, size: file.size)
    }

    /// The checksum of the bytes so far, in hexadecimal digits.
    func digits() -> String { state.withLock { $0.checksummer.digits() } }

    /// Moves the file to its final path, after it has been written to disk.
    func commit(to place: URL) throws {
        try state.withLock { state in
            guard fsync(state.descriptor) == 0, rename(url.path, place.path) == 0 else { throw Self.failure(place) }
        }
    }

    func remove() { unlink(url.path) }

    private static func failure(_ url: URL) -> HubError { .unwritable(path: url.path, reason: String(cString: strerror(errno))) }
}
