import Foundation
import NIOSSL
import Synchronization

/// A certificate chain and its key, read anew when their files have changed: a renewed certificate serves the next connection,
/// without a restart.
final class CertificateFiles: Sendable {
    private struct State {
        var served: NIOSSLContextConfigurationOverride
        var stamps: [Date]
    }

    private let chain, key: URL
    private let state: Mutex<State>

    /// - Throws: where the files cannot be read, or do not belong together.
    init(chain: URL, key: URL) throws {
        (self.chain, self.key) = (chain, key)
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
            if stamps != state.stamps, let renewed = try? Self.read(chain, key) { state = State(served: renewed, stamps: stamps) }
            return state.served
        }
    }

    private static func stamps(_ files: URL...) -> [Date] {
        files.map { (try? FileManager.default.attributesOfItem(atPath: $0.path))?[.modificationDate] as? Date ?? .distantPast }
    }

    private static func read(_ chain: URL, _ key: URL) throws -> NIOSSLContextConfigurationOverride {
        var served = NIOSSLContextConfigurationOverride()
        served.certificateChain = try NIOSSLCertificate.fromPEMFile(chain.path).map { .certificate($0) }
        served.privateKey = .privateKey(try NIOSSLPrivateKey(file: key.path, format: .pem))
        // Of two that do not belong together no context can be made.
        _ = try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: served.certificateChain!, privateKey: served.privateKey!))
        return served
    }
}
