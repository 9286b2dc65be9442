import FileSupport
import Foundation

/// Computes a file's checksum while its bytes arrive.
struct Checksummer: ~Copyable {
    private var message: MessageDigest

    /// - Parameter size: the size of the whole file in bytes, with which git's checksum begins.
    init(for checksum: HubChecksum, size: Int) {
        switch checksum {
        case .sha256: message = MessageDigest(.sha256)
        case .gitBlob:
            message = MessageDigest(.sha1)
            message.update("blob \(size)\0".utf8)
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) { message.update(bytes) }

    /// The checksum of the bytes so far, in hexadecimal digits.
    func digits() -> String { message.copy().finishInDigits() }

    /// The checksum of a file's contents.
    ///
    /// - Parameter onRead: called with the bytes of each block; may throw to stop.
    /// - Throws: ``HubError/unreadable(path:reason:)``.
    static func digits(of file: URL, as checksum: HubChecksum, onRead: (Int) throws -> Void = { _ in }) throws -> (digits: String, size: Int) {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HubError.unreadable(path: file.path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        lseek(descriptor, 0, SEEK_SET)
        var checksummer = Checksummer(for: checksum, size: size)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress!, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw HubError.unreadable(path: file.path, reason: String(cString: strerror(errno))) }
            guard count > 0 else { return (checksummer.digits(), size) }
            checksummer.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            try onRead(count)
        }
    }
}
