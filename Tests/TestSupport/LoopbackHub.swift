import Foundation
import Synchronization

/// A hub on this machine with a few small files, without TLS: it answers one request a connection.
public final class LoopbackHub: Sendable {
    public struct File: Sendable {
        let contents: Data
        /// Git's digest of the contents.
        let checksum: String

        public init(contents: Data, checksum: String) { (self.contents, self.checksum) = (contents, checksum) }
    }

    public let commit = String(repeating: "c0", count: 20)
    let port: UInt16
    private let socket: Int32
    private let files: [String: File]
    private let log = Mutex<[String]>([])

    /// - Parameter files: by their path at the hub, `ORG/NAME/path`.
    public init(_ files: [String: File]) throws {
        self.files = files
        // Programs that other tests start must not keep it open.
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (socket, size) = (socket, length)
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && listen(socket, 16) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in serve() }.start()
    }

    public var address: String { "http://127.0.0.1:\(port)" }
    /// First lines of the requests so far.
    public var requests: [String] { log.withLock { $0 } }

    /// Ends the server; its thread holds this object until then.
    public func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private func serve() {
        while case let connection = accept(socket, nil, nil), connection >= 0 {
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            var request = Data(), buffer = [UInt8](repeating: 0, count: 4096)
            while request.range(of: Data("\r\n\r\n".utf8)) == nil, case let count = read(connection, &buffer, buffer.count), count > 0 {
                request += buffer[..<count]
            }
            let line = String(decoding: request, as: UTF8.self).prefix { $0 != "\r\n" }
            log.withLock { $0.append(String(line)) }
            let answer = answer(to: line.split(separator: " "))
            _ = answer.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            close(connection)
        }
    }

    /// To `GET /ORG/NAME/resolve/REVISION/PATH HTTP/1.1`.
    private func answer(to request: [Substring]) -> Data {
        let parts = request.count > 1 ? request[1].split(separator: "/") : []
        guard parts.count > 4, let file = files[(parts[..<2] + parts[4...]).joined(separator: "/")] else {
            return Data("HTTP/1.1 404 Not Found\r\nX-Error-Code: EntryNotFound\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        }
        let head =
            "HTTP/1.1 200 OK\r\nX-Repo-Commit: \(commit)\r\nETag: \"\(file.checksum)\"\r\n"
            + "Content-Length: \(file.contents.count)\r\nConnection: close\r\n\r\n"
        return Data(head.utf8) + (request[0] == "HEAD" ? Data() : file.contents)
    }
}
