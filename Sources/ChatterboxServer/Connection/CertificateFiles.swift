import Foundation
import Logging
import NIOSSL
import Synchronization

/// A certificate chain and its key, read anew when their files have changed: a renewed certificate serves the next connection,
/// without a restart.
final class CertificateFiles: Sendable {
    private struct State {
        var served: NIOSSLContextConfigurationOverride
        var stamps: [Stamp?]
        /// Of files that could not be served, which has been told.
        var refused: [Stamp?] = []
    }

    /// What tells a file from the one that stood there before: of the file itself, not of links on the way to it.
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

    /// - Parameter logger: is told of new files that cannot be served.
    /// - Throws: where the files cannot be read, or do not belong together.
    init(chain: URL, key: URL, logger: Logger) throws {
        (self.chain, self.key, self.logger) = (chain, key, logger)
        state = Mutex(State(served: try Self.read(chain, key), stamps: Self.stamps(chain, key)))
    }

    /// What a server is told, with the certificate as it will be.
    var configuration: TLSConfiguration {
        let served = state.withLock(\.served)
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: served.certificateChain!, privateKey: served.privateKey!)
        // On a thread of its own: reading blocks, and what fails would stand in the handshake's own queue of errors.
        configuration.sslContextCallback = { [self] _, promise in
            DispatchQueue.global(qos: .userInitiated).async { promise.succeed(self.current) }
        }
        return configuration
    }

    /// The certificate as it is now; while the files are being changed, as it was before.
    private var current: NIOSSLContextConfigurationOverride {
        state.withLock { state in
            let stamps = Self.stamps(chain, key)
            guard stamps != state.stamps else { return state.served }
            do {
                state = State(served: try Self.read(chain, key), stamps: stamps)
            } catch {
                guard stamps != state.refused else { return state.served }
                state.refused = stamps
                logger.error("the new certificate cannot be served, so the one before is", metadata: ["file": "\(chain.path)", "error": "\(error)"])
            }
            return state.served
        }
    }

    private static func stamps(_ files: URL...) -> [Stamp?] { files.map(Stamp.init) }

    private static func read(_ chain: URL, _ key: URL) throws -> NIOSSLContextConfigurationOverride {
        var served = NIOSSLContextConfigurationOverride()
        served.certificateChain = try NIOSSLCertificate.fromPEMFile(chain.path).map { .certificate($0) }
        served.privateKey = .privateKey(try NIOSSLPrivateKey(file: key.path, format: .pem))
        // Of two that do not belong together no context can be made.
        _ = try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: served.certificateChain!, privateKey: served.privateKey!))
        return served
    }
}
