// Needs HTTP clients and their dependencies.
#if Hub
    import ArgumentParser
    import AsyncHTTPClient
    import Foundation
    import NIOCore
    import NIOHTTP1
    import NIOPosix
    import NIOSSL

    /// A running `chatterbox serve`, or another server of OpenAI's speech API.
    struct ServerClient: Sendable {
        /// The address as the user gave it.
        let address: String
        private let base: URL
        private let key: String?
        /// Certificate authorities that are trusted besides the system's.
        private let authorities: [NIOSSLCertificate]

        /// - Parameters:
        ///   - address: such as http://127.0.0.1:8080, with or without /v1.
        ///   - keyFile: a file whose first key is sent.
        ///   - authorityFile: a file with certificates (PEM) of authorities that are trusted besides the system's.
        /// - Throws: ``UsageError``.
        init(_ address: String, keyFile: String? = nil, authorityFile: String? = nil) throws {
            authorities =
                try authorityFile.map { file in
                    guard let certificates = try? NIOSSLCertificate.fromPEMFile(file), !certificates.isEmpty else {
                        throw UsageError("--ca-file \(file): there is no certificate in PEM that can be read")
                    }
                    return certificates
                } ?? []
            var path = address
            for end in ["/", "/v1", "/"] where path.hasSuffix(end) { path.removeLast(end.count) }
            guard let url = URL(string: path), ["http", "https"].contains(url.scheme), url.host != nil else {
                throw UsageError("\(address) is not a server's address; give one such as http://127.0.0.1:8080")
            }
            (self.address, base) = (address, url)
            key = try keyFile.map { file in
                guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                    throw UsageError("--api-key-file \(file): cannot be read")
                }
                let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
                guard let key = lines.lazy.compactMap({ $0.split(whereSeparator: \.isWhitespace).first }).first else {
                    throw UsageError("--api-key-file \(file): there is no key in it")
                }
                return String(key)
            }
        }

        /// - Throws: ``ServerClientError`` if the server cannot be reached, or responds with an error.
        func answer<Answer: Decodable>(_ method: String, _ path: String, as type: Answer.Type) async throws -> Answer {
            let (status, data) = try await answer(method, path)
            guard status == 200 else { throw ServerClientError.refused(address, status: status, message: ErrorBody.message(in: data)) }
            guard let answer = try? JSONDecoder().decode(type, from: data) else { throw ServerClientError.strange(address) }
            return answer
        }

        private func answer(_ method: String, _ path: String) async throws -> (status: Int, body: Data) {
            try await exchange(method, path) { (Int($0.status.code), Data(try await $0.body.collect(upTo: 16 << 20).readableBytesView)) }
        }

        /// Sends a request, and passes the response to `read`; its errors count as errors of the connection, because the body is still being
        /// received.
        ///
        /// - Parameters:
        ///   - path: the path after /v1.
        ///   - body: a JSON object.
        /// - Throws: ``ServerClientError/unreachable(_:reason:)``; `CancellationError`.
        func exchange<Result>(
            _ method: String, _ path: String, body: Data? = nil, _ read: (HTTPClientResponse) async throws -> Result
        ) async throws -> Result {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.certificates(authorities)]
            var request = HTTPClientRequest(url: base.absoluteString + "/v1" + path)
            request.method = HTTPMethod(rawValue: method)
            if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
            if let body {
                request.headers.add(name: "Content-Type", value: "application/json")
                request.body = .bytes(ByteBuffer(bytes: body))
            }
            do {
                return try await HTTPClient.withHTTPClient(configuration: HTTPClient.Configuration(tlsConfiguration: tls)) { [request] client in
                    // Loading a model may take long.
                    try await read(client.execute(request, timeout: .minutes(10)))
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw ServerClientError.unreachable(address, reason: Self.reason(error))
            }
        }

        private static func reason(_ error: any Error) -> String {
            switch error {
            case let error as NIOConnectionError where error.connectionErrors.isEmpty: "there is no such host"
            case is NIOConnectionError: "no server answers there"
            case let error as IOError: String(cString: strerror(error.errnoCode))
            case let error as HTTPClientError: error.shortDescription
            case NIOSSLError.handshakeFailed:
                "the TLS connection failed (\(error)); if the certificate is from your own authority, give that authority's with --ca-file"
            default: "\(error)"
            }
        }

        /// The object of an error response.
        struct ErrorBody: Decodable {
            struct Object: Decodable { let message: String }
            let error: Object

            /// The error's message, or the beginning of another response.
            static func message(in data: Data) -> String {
                (try? JSONDecoder().decode(ErrorBody.self, from: data))?.error.message ?? String(decoding: data.prefix(200), as: UTF8.self)
            }
        }
    }

    enum ServerClientError: Error, CustomStringConvertible {
        case unreachable(String, reason: String)
        case refused(String, status: Int, message: String)
        case strange(String)

        var description: String {
            switch self {
            case .unreachable(let address, let reason): "\(address) cannot be reached: \(reason); is `chatterbox serve` running there?"
            case .refused(let address, 401, let message): "\(address) answered 401: \(message); give one with --api-key-file"
            case .refused(let address, let status, let message): "\(address) answered \(status): \(message)"
            case .strange(let address): "\(address) gave an answer that this program does not understand; is it a `chatterbox serve`?"
            }
        }
    }

    /// A server, and the key for it.
    struct ServerArguments: ParsableArguments {
        @Option(help: ArgumentHelp("The server's address.", valueName: "url")) var server = "http://127.0.0.1:8080"
        @Option(help: ArgumentHelp("A file whose first API key is sent to the server.", valueName: "file")) var apiKeyFile: String?
        @Option(
            help: ArgumentHelp(
                "Certificates (PEM) of authorities to trust in addition to the system's, for a server with a certificate from your own authority.",
                valueName: "file"))
        var caFile: String?

        var client: ServerClient { get throws { try ServerClient(server, keyFile: apiKeyFile, authorityFile: caFile) } }
    }
#endif
