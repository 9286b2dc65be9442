import Foundation

/// Writes a file completely or not at all: it is written under a temporary name in the same folder and renamed when it is complete. If it is never
/// completed, no file remains.
///
/// If the path exists and is not a regular file (a device, a pipe), the bytes are written into it. A file that must not replace another is given its
/// name when it is complete, if the name is still free: of several with the same name one succeeds, and the others fail.
package final class ReplacementFile {
    /// Whether bytes may be written in any order; false for a device or a pipe.
    package var isSeekable: Bool { temporary != nil }
    /// Open for reading and writing.
    package let descriptor: Int32
    /// The final path: the target of a symbolic link, not the link.
    private let target: String
    /// The file that is renamed to the target; nil if the target itself is written, and after renaming.
    private var temporary: String?
    private let replaces: Bool

    /// Runs `body` with a function that appends bytes, then renames the file. After an error no file remains.
    ///
    /// - Throws: ``SystemError``, and what `body` throws.
    package static func write(
        _ url: URL, replaces: Bool = true, _ body: (_ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let file = try ReplacementFile(url, replaces: replaces)
        try body { try file.append($0) }
        try file.complete()
    }

    /// - Parameter replaces: whether an existing file may be replaced; otherwise it causes EEXIST, here or in ``complete()``.
    /// - Throws: ``SystemError`` if the file cannot be created.
    package init(_ url: URL, replaces: Bool = true) throws {
        self.replaces = replaces
        var status = stat()
        if !replaces, lstat(url.path, &status) == 0 { throw SystemError(code: EEXIST) }
        if stat(url.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(code: EISDIR) }
            (target, temporary) = (url.path, nil)
            descriptor = open(target, O_WRONLY | O_CLOEXEC)
        } else {
            let resolved = url.resolvingSymlinksInPath()
            target = resolved.path
            let name = ".\(resolved.lastPathComponent.prefix(64)).\(UUID().uuidString.prefix(8)).part"
            let path = resolved.deletingLastPathComponent().appending(path: name).path
            descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            temporary = descriptor < 0 ? nil : path
        }
        if descriptor < 0 { throw SystemError() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if let temporary { unlink(temporary) }
    }

    /// - Throws: ``SystemError``.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            let written = Foundation.write(descriptor, start, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw SystemError()
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// Gives the file its final name.
    ///
    /// - Throws: ``SystemError``; no file remains in this case.
    package func complete() throws {
        guard let temporary else { return }
        // Some file systems report a full disk only in this call.
        guard fsync(descriptor) == 0 else { throw SystemError() }
        if try !replaces && Self.link(temporary, target) {
            unlink(temporary)
        } else {
            guard rename(temporary, target) == 0 else { throw SystemError() }
        }
        self.temporary = nil
    }

    /// Gives a file a second name, which must not exist.
    ///
    /// - Returns: false if the file system does not support second names; in that case an empty file with the name was created, to be replaced.
    /// - Throws: ``SystemError``.
    private static func link(_ file: String, _ name: String) throws -> Bool {
        if Foundation.link(file, name) == 0 { return true }
        guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(errno) else { throw SystemError() }
        let empty = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard empty >= 0 else { throw SystemError() }
        Foundation.close(empty)
        return false
    }
}

/// An error number of the system.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    package let code: Int32

    /// The last error of this thread.
    package init() { code = errno }
    package init(code: Int32) { self.code = code }

    package var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String { code == EISDIR ? "it is a folder" : String(cString: strerror(code)) }
}
