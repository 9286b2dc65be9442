import Foundation

/// Writes a file whole or not at all.
enum AtomicWriter {
    /// - Throws: ``AudioError/unwritable(name:reason:)`` or ``AudioError/diskFull(name:bytes:)``; nothing is left then.
    static func write(_ data: Data, to url: URL) throws {
        let path = url.path
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            guard status.st_mode & S_IFMT != S_IFDIR else { throw AudioError.unwritable(name: path, reason: "it is a folder") }
            // A device or a pipe must stay what it is.
            return try fill(path, data, flags: O_WRONLY, named: path)
        }
        // A symbolic link keeps pointing: what it points to is replaced.
        let target = url.resolvingSymlinksInPath()
        let temporary = target.deletingLastPathComponent()
            .appending(path: ".\(target.lastPathComponent).\(UUID().uuidString).part").path
        do {
            try fill(temporary, data, flags: O_WRONLY | O_CREAT | O_EXCL, named: path)
            guard rename(temporary, target.path) == 0 else { throw failure(path, data) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func fill(_ path: String, _ data: Data, flags: Int32, named name: String) throws {
        let descriptor = open(path, flags, 0o666)
        guard descriptor >= 0 else { throw failure(name, data) }
        var offset = 0
        while offset < data.count {
            let count = data.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress! + offset, data.count - offset) }
            if count < 0 {
                if errno == EINTR { continue }
                let error = failure(name, data)
                close(descriptor)
                throw error
            }
            offset += count
        }
        // Some file systems report a full disk only here.
        guard close(descriptor) == 0 else { throw failure(name, data) }
    }

    private static func failure(_ name: String, _ data: Data) -> AudioError {
        let code = errno
        if code == ENOSPC || code == EDQUOT { return .diskFull(name: name, bytes: data.count) }
        return .unwritable(name: name, reason: String(cString: strerror(code)))
    }
}
