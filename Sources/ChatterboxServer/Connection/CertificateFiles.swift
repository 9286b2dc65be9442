import Foundation
import Logging
import NIOSSL
import Synchronization

/// A certificate chain and its key, which are read again when their files have changed: a renewed certificate is used for the next connection,
/// without a restart.
final class CertificateFiles: Sendable {
    private struct State {
        var served: NIOSSLContextConfigurationOverride
        var stamps: [Stamp?]
        /// The files that could not be used, and have been logged.
        var refused: [Stamp?] = []
    }

    /// Identifies a version of a file, after following links.
    private struct Stamp: Equatable {
        let device: UInt64, number: UInt64, size: Int, seconds: Int, nanoseconds: Int

        init?(_ file: URL) {
            var status = stat()
            guard stat(file.path, &status) == 0 else { return nil }
            (device, number, size) = (UInt64(status.st_dev), UInt64(status.st_ino), Int(status.st_size))
            (seconds, nanoseconds) = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
        }
    }

    private let chain, key: URL
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameter logger: gets a message if new files cannot be used.
    /// - Throws: if the files cannot be read, or do not belong together.
    init(chain: URL, key: URL, logger: Logger) throws {
        (self.chain, self.key, self.logger) = (chain, key, logger)
        state = Mutex(State(served: try Self.read(chain, key), stamps: Self.stamps(chain, key)))
    }

    /// The TLS configuration of a server, with a callback that selects the current certificate.
    var configuration: TLSConfiguration {
        let served = state.withLock(\.served)
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: served.certificateChain!, privateKey: served.privateKey!)
        // Runs on a separate thread: reading blocks, and a failure would remain in the error queue of the handshake's thread.
        configuration.sslContextCallback = { [self] _, promise in
            DispatchQueue.global(qos: .userInitiated).async { promise.succeed(self.current) }
        }
        return configuration
    }

    /// The current certificate; while the files are being replaced, the previous one.
    private var current: NIOSSLContextConfigurationOverride {
        state.withLock { state in
            let stamps = Self.stamps(chain, key)
            guard stamps != state.stamps else { return state.served }
            do {
                state = State(served: try Self.read(chain, key), stamps: stamps)
            } catch {
                guard stamps != state.refused else { return state.served }
                state.refused = stamps
                logger.error(
                    "the new certificate cannot be used, so the previous one stays in use", metadata: ["file": "\(chain.path)", "error": "\(error)"])
            }
            return state.served
        }
    }

    private static func stamps(_ files: URL...) -> [Stamp?] { files.map(Stamp.init) }

    private static func read(_ chain: URL, _ key: URL) throws -> NIOSSLContextConfigurationOverride {
        var served = NIOSSLContextConfigurationOverride()
        served.certificateChain = try NIOSSLCertificate.fromPEMFile(chain.path).map { .certificate($0) }
        served.privateKey = .privateKey(try NIOSSLPrivateKey(file: key.path, format: .pem))
        // A context cannot be created from a certificate and a key that do not belong together.
        _ = try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: served.certificateChain!, privateKey: served.privateKey!))
        return served
    }
}
