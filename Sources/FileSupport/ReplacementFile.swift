import Foundation

/// Writes a file whole or not at all: it comes to be under a temporary name in the same folder and takes its place when
/// it is complete. One that is given up before that leaves nothing.
///
/// What is there already and no regular file (a device, a pipe) is written into as it is. One that replaces nothing takes a name that
/// nobody has when it is complete, or fails: of several that want the same name at once, one gets it.
package final class ReplacementFile {
    /// Whether bytes may be written in any order: not into a device or a pipe.
    package var isSeekable: Bool { temporary != nil }
    /// Open for writing and reading.
    package let descriptor: Int32
    /// Where the bytes go at last: what a symbolic link points to, not the link.
    private let target: String
    /// The file that takes the target's name; nil where the target itself is written into, and when it has taken the name.
    private var temporary: String?
    private let replaces: Bool

    /// Runs `body` with a function that appends bytes, then puts the file in its place. After an error nothing is left.
    ///
    /// - Throws: ``SystemError``, and what `body` throws.
    package static func write(
        _ url: URL, replaces: Bool = true, _ body: (_ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let file = try ReplacementFile(url, replaces: replaces)
        try body { try file.append($0) }
        try file.complete()
    }

    /// - Parameter replaces: whether a file that is there may be replaced; otherwise that is EEXIST, now or when this one is complete.
    /// - Throws: ``SystemError`` where no file can be made there.
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

    /// Puts the file in its place.
    ///
    /// - Throws: ``SystemError``; nothing is left then.
    package func complete() throws {
        guard let temporary else { return }
        // Some file systems report a full disk only here.
        guard fsync(descriptor) == 0 else { throw SystemError() }
        if try !replaces && Self.link(temporary, target) {
            unlink(temporary)
        } else {
            guard rename(temporary, target) == 0 else { throw SystemError() }
        }
        self.temporary = nil
    }

    /// Gives a file a second name that nobody has.
    ///
    /// - Returns: false where the file system knows no second names; then the name is taken by an empty file, to be replaced.
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

/// What the system answered.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    package let code: Int32

    /// The last answer on this thread.
    package init() { code = errno }
    package init(code: Int32) { self.code = code }

    package var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String { code == EISDIR ? "it is a folder" : String(cString: strerror(code)) }
}
