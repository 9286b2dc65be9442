import Foundation

/// Writes a file whole or not at all: it comes to be under a temporary name in the same folder and takes its place when
/// it is complete. One that is given up before that leaves nothing.
///
/// What is there already and no regular file (a device, a pipe) is written into as it is.
package final class ReplacementFile {
    /// Whether bytes may be written in any order: not into a device or a pipe.
    package var isSeekable: Bool { temporary != nil }
    /// Open for writing and reading.
    package let descriptor: Int32
    /// Where the bytes go at last: what a symbolic link points to, not the link.
    private let target: String
    /// The file that takes the target's name; nil where the target itself is written into, and when it has taken the name.
    private var temporary: String?

    /// Runs `body` with a function that appends bytes, then puts the file in its place. After an error nothing is left.
    ///
    /// - Throws: ``SystemError``, and what `body` throws.
    package static func write(
        _ url: URL, _ body: (_ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let file = try ReplacementFile(url)
        try body { try file.append($0) }
        try file.complete()
    }

    /// - Throws: ``SystemError`` where no file can be made there.
    package init(_ url: URL) throws {
        var status = stat()
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
        guard fsync(descriptor) == 0, rename(temporary, target) == 0 else { throw SystemError() }
        self.temporary = nil
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
