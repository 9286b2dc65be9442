import Crypto
import Foundation

/// Computes a file's checksum as its bytes come.
struct Checksummer {
    private enum Hash {
        case sha256(SHA256)
        case gitBlob(Insecure.SHA1)
    }
    private var hash: Hash

    /// - Parameter size: bytes of the whole file, which git's checksum begins with.
    init(for checksum: HubChecksum, size: Int) {
        switch checksum {
        case .sha256: hash = .sha256(SHA256())
        case .gitBlob:
            var sha1 = Insecure.SHA1()
            sha1.update(data: Data("blob \(size)\0".utf8))
            hash = .gitBlob(sha1)
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch hash {
        case .sha256(var sha256):
            sha256.update(bufferPointer: bytes)
            hash = .sha256(sha256)
        case .gitBlob(var sha1):
            sha1.update(bufferPointer: bytes)
            hash = .gitBlob(sha1)
        }
    }

    /// Hexadecimal digits.
    func digits() -> String {
        switch hash {
        case .sha256(let sha256): hexadecimal(sha256.finalize())
        case .gitBlob(let sha1): hexadecimal(sha1.finalize())
        }
    }

    private func hexadecimal(_ digest: some Sequence<UInt8>) -> String { digest.map { String(format: "%02x", $0) }.joined() }

    /// Of a file's contents.
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
