import Foundation

/// A lock that other processes respect, including Python's `filelock`: `flock` on a file that exists as long as what it protects.
struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for the lock.
    ///
    /// - Parameter onWait: called once if another process holds the lock.
    /// - Throws: ``HubError/unwritable(path:reason:)``, `CancellationError`.
    static func acquire(_ file: URL, clock: HubClock, onWait: () -> Void = {}) async throws -> FileLock {
        try FileManager.default.createFolder(file.deletingLastPathComponent())
        var waited = false
        while true {
            if let descriptor = try lockedDescriptor(file) { return FileLock(descriptor: descriptor) }
            if !waited { onWait() }
            waited = true
            try await clock.sleep(.milliseconds(100))
            try Task.checkCancellation()
        }
    }

    /// nil if another process holds the lock.
    private static func lockedDescriptor(_ file: URL) throws -> Int32? {
        let descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o664)
        guard descriptor >= 0 else { throw HubError.unwritable(path: file.path, reason: String(cString: strerror(errno))) }
        // On a file system without locks simultaneous downloads still do no harm: complete files replace complete files.
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || [ENOSYS, ENOLCK, EOPNOTSUPP].contains(errno) {
            // If the file was removed meanwhile, the lock protects nothing: the next attempt creates a new file.
            var status = stat()
            if fstat(descriptor, &status) == 0, status.st_nlink > 0 { return descriptor }
        }
        close(descriptor)
        return nil
    }

    /// Removes a lock's file unless a process holds the lock.
    ///
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    static func remove(_ file: URL) throws {
        guard let descriptor = try lockedDescriptor(file) else { return }
        unlink(file.path)
        close(descriptor)
    }

    deinit { close(descriptor) }
}

extension FileManager {
    /// - Throws: ``HubError/unwritable(path:reason:)``.
    func createFolder(_ url: URL) throws {
        do { try createDirectory(at: url, withIntermediateDirectories: true) } catch {
            throw HubError.unwritable(path: url.path, reason: error.localizedDescription)
        }
    }
}
