import Foundation
import NIOCore
import NIOSSL
import ServiceLifecycle

/// Why a server cannot begin to serve.
public enum StartError: Error, CustomStringConvertible {
    /// What is served on a port.
    public enum Listener: String, Sendable {
        case http = "HTTP"
        case wyoming = "the Wyoming protocol"
    }

    /// Somebody else listens there.
    case portTaken(Listener, host: String, port: Int)
    case cannotListen(Listener, host: String, port: Int, reason: String)
    /// A file that has no certificate, or no key, in PEM.
    case unreadable(file: URL, expected: String)
    /// A certificate and a key that do not belong together.
    case otherKey(chain: URL, key: URL)

    public var description: String {
        switch self {
        case .portTaken(let listener, let host, let port): "port \(port) on \(host), for \(listener.rawValue), is taken by another program"
        case .cannotListen(let listener, let host, let port, let reason):
            "cannot listen on \(host), port \(port), for \(listener.rawValue): \(reason)"
        case .unreadable(let file, let expected): "\(file.path): there is no \(expected) in PEM that can be read"
        case .otherKey(let chain, let key): "the certificate in \(chain.path) and the key in \(key.path) do not belong together"
        }
    }

    /// The meaning of an error that occurred while a listener was being opened; nil for other errors.
    init?(_ error: any Error, _ listener: Listener, host: String, port: Int) {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: self = .portTaken(listener, host: host, port: port)
        case let error as IOError: self = .cannotListen(listener, host: host, port: port, reason: String(cString: strerror(error.errnoCode)))
        case is SocketAddressError: self = .cannotListen(listener, host: host, port: port, reason: "there is no such address")
        default: return nil
        }
    }

    /// Why a certificate and its key cannot be used.
    init(chain: URL, key: URL) {
        if ((try? NIOSSLCertificate.fromPEMFile(chain.path)) ?? []).isEmpty {
            self = .unreadable(file: chain, expected: "certificate")
        } else if (try? NIOSSLPrivateKey(file: key.path, format: .pem)) == nil {
            self = .unreadable(file: key, expected: "private key")
        } else {
            self = .otherKey(chain: chain, key: key)
        }
    }
}

/// The HTTP service, with an error that names the address on which it cannot listen.
struct HTTPService<Base: Service>: Service {
    let base: Base
    let host: String
    let port: Int

    func run() async throws {
        do { try await base.run() } catch { throw StartError(error, .http, host: host, port: port) ?? error }
    }
}
