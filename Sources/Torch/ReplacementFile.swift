import Foundation

/// Writes a file whole or not at all: it comes to be under a temporary name in the same folder and takes its place when
/// it is complete.
///
/// What is there already and no regular file (a device, a pipe) is written into as it is.
package final class ReplacementFile {
    /// Where the bytes go at last: what a symbolic link points to, not the link.
    private let target: String
    /// Nil where the target itself is written into.
    private let temporary: String?
    private let descriptor: Int32

    /// Runs `body` with a function that appends bytes, then puts the file in its place. After an error nothing is left.
    ///
    /// - Throws: ``SystemError``, and what `body` throws.
    package static func write(
        _ url: URL, _ body: (_ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let file = try ReplacementFile(url)
        do {
            try body { try file.append($0) }
            try file.complete()
        } catch {
            if let temporary = file.temporary { unlink(temporary) }
            throw error
        }
    }

    private init(_ url: URL) throws {
        var status = stat()
        if stat(url.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(code: EISDIR) }
            (target, temporary) = (url.path, nil)
            descriptor = open(target, O_WRONLY)
        } else {
            let resolved = url.resolvingSymlinksInPath()
            target = resolved.path
            let name = ".\(resolved.lastPathComponent.prefix(64)).\(UUID().uuidString.prefix(8)).part"
            temporary = resolved.deletingLastPathComponent().appending(path: name).path
            descriptor = open(temporary!, O_WRONLY | O_CREAT | O_EXCL, 0o666)
        }
        if descriptor < 0 { throw SystemError() }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func append(_ bytes: UnsafeRawBufferPointer) throws {
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

    private func complete() throws {
        guard let temporary else { return }
        // Some file systems report a full disk only here.
        guard fsync(descriptor) == 0, rename(temporary, target) == 0 else { throw SystemError() }
    }
}

/// What the system answered.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    package let code: Int32

    /// The last answer on this thread.
    init() { code = errno }
    init(code: Int32) { self.code = code }

    package var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String { code == EISDIR ? "it is a folder" : String(cString: strerror(code)) }
}
