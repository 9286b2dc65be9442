import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOSSL
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("TLS") struct CertificateTests {
    let folder: TemporaryFolder
    var chain: URL { folder.url.appending(path: "chain.pem") }
    var key: URL { folder.url.appending(path: "key.pem") }

    init() throws { folder = try TemporaryFolder() }

    /// Installs one of the fixtures' certificates, with its own modification time.
    private func install(_ name: String, key keyName: String? = nil) throws {
        for (source, target) in [("\(name).pem", chain), ("\(keyName ?? name).key.pem", key)] {
            try Data(contentsOf: fixturesFolder.appending(path: "certificates/\(source)")).write(to: target)
            let changed = Date(timeIntervalSince1970: name == "first" ? 1e9 : 2e9)
            try FileManager.default.setAttributes([.modificationDate: changed], ofItemAtPath: target.path)
        }
    }

    /// The status of a response to a client that trusts only one certificate.
    private func status(_ server: LoopbackServer, trusting name: String) async throws -> Int {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(fixturesFolder.appending(path: "certificates/\(name).pem").path)
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        // Otherwise it would retry for ten seconds.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<HTTPClientResponse, any Error>
        do {
            result = .success(try await client.execute(HTTPClientRequest(url: "https://localhost:\(server.port)/health"), timeout: .seconds(300)))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        return Int(try result.get().status.code)
    }

    @Test("responses are sent over TLS, and a renewed certificate is used for the next connection") func renewed() async throws {
        try install("first")
        try await LoopbackServer.run([.standIn()], { $0.certificate = (chain, key) }) { server in
            #expect(try await status(server, trusting: "first") == 200)
            await #expect(throws: (any Error).self) { _ = try await status(server, trusting: "second") }
            try install("second")
            #expect(try await status(server, trusting: "second") == 200)
            // A key of another certificate, as between two copies: the previous pair is still used.
            try install("first", key: "second")
            #expect(try await status(server, trusting: "second") == 200)
        }
    }

    @Test("a certificate without its key, or with another's, causes an error at the start") func mismatched() throws {
        #expect(throws: (any Error).self) { try CertificateFiles(chain: chain, key: key, logger: Logger(label: "test")) }
        try install("first", key: "second")
        #expect(throws: (any Error).self) { try CertificateFiles(chain: chain, key: key, logger: Logger(label: "test")) }
    }

    @Test("a certificate behind links is renewed when a folder in its path is replaced, as with secrets of Kubernetes") func links() async throws {
        for name in ["first", "second"] {
            let place = folder.url.appending(path: "..\(name)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for (source, target) in [("\(name).pem", "chain.pem"), ("\(name).key.pem", "key.pem")] {
                try FileManager.default.copyItem(at: fixturesFolder.appending(path: "certificates/\(source)"), to: place.appending(path: target))
            }
        }
        let data = folder.url.appending(path: "..data")
        try FileManager.default.createSymbolicLink(atPath: data.path, withDestinationPath: "..first")
        for file in ["chain.pem", "key.pem"] {
            try FileManager.default.createSymbolicLink(atPath: folder.url.appending(path: file).path, withDestinationPath: "..data/\(file)")
        }
        try await LoopbackServer.run([.standIn()], { $0.certificate = (chain, key) }) { server in
            #expect(try await status(server, trusting: "first") == 200)
            try FileManager.default.removeItem(at: data)
            try FileManager.default.createSymbolicLink(atPath: data.path, withDestinationPath: "..second")
            #expect(try await status(server, trusting: "second") == 200)
        }
    }
}
