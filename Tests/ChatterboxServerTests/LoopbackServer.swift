import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport

@testable import ChatterboxServer

/// A server on this machine's loopback address, for the duration of a test.
struct LoopbackServer: Sendable {
    let port: Int
    /// The port of Wyoming if it is served, otherwise 0.
    let wyomingPort: Int
    let state: ServerState

    /// Runs a server and the test, then stops the server, which must end by itself.
    ///
    /// - Parameters:
    ///   - configure: changes the configuration, whose port and voices are already set.
    ///   - models: the models that it offers; by default a stand-in that speaks at once.
    ///   - logger: gets its log messages.
    static func run(
        _ models: [ModelOffering] = [.standIn()], logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ configure: (inout ServerConfiguration) -> Void,
        _ test: @Sendable (LoopbackServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        var configuration = ServerConfiguration(voices: folder.url)
        configuration.port = 0
        configure(&configuration)
        let server = SpeechServer(configuration, models, logger: logger)
        let (ports, found) = AsyncStream<Int>.makeStream(), (wyomingPorts, wyomingFound) = AsyncStream<Int>.makeStream()
        let servesWyoming = configuration.wyomingPort != nil
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer {
                    found.finish()
                    wyomingFound.finish()
                }
                try await server.run {
                    found.yield($0)
                } onWyomingRunning: {
                    wyomingFound.yield($0)
                }
            }
            if let port = await ports.first(where: { _ in true }) {
                let wyoming = servesWyoming ? await wyomingPorts.first { _ in true } : nil
                try await test(LoopbackServer(port: port, wyomingPort: wyoming ?? 0, state: server.state))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        withExtendedLifetime(folder) {}
    }

    /// Runs a server with the default configuration, and the test.
    static func run(_ models: [ModelOffering] = [.standIn()], _ test: @Sendable (LoopbackServer) async throws -> Void) async throws {
        try await run(models, { _ in }, test)
    }

    // MARK: requests

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: Data

        var json: JSON? { try? JSON(parsing: body) }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func ask(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil, headers: [String: String] = [:]) async throws -> Answer {
        try await ask(
            method, path, bytes: body.map { JSON.bytes($0) },
            headers: headers.merging(body == nil ? [:] : ["content-type": "application/json"]) { $1 })
    }

    func ask(_ method: HTTPMethod, _ path: String, bytes: [UInt8]?, headers: [String: String] = [:]) async throws -> Answer {
        let response = try await open(method, path, bytes: bytes, headers: headers)
        let body = try await response.body.collect(upTo: 1 << 26)
        return Answer(status: Int(response.status.code), headers: response.headers, body: Data(body.readableBytesView))
    }

    /// The answer's head, with its body still to come.
    func open(_ method: HTTPMethod, _ path: String, bytes: [UInt8]?, headers: [String: String] = [:]) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let bytes { request.body = .bytes(bytes) }
        return try await HTTPClient.shared.execute(request, timeout: .seconds(300))
    }

    /// Requests speech, with fields in addition to model, input and voice.
    func speak(_ fields: [(String, JSON)] = [], path: String = "/v1/audio/speech", headers: [String: String] = [:]) async throws -> Answer {
        try await ask(.POST, path, Self.order(fields), headers: headers)
    }

    static func order(_ fields: [(String, JSON)] = []) -> JSON {
        var members: [(String, JSON)] = [("model", "tts-1"), ("input", "The ship was late."), ("voice", "alloy")]
        for field in fields {
            members.removeAll { $0.0 == field.0 }
            members.append(field)
        }
        return .object(members.map { JSON.Member(name: $0.0, value: $0.1) })
    }
}

/// A connection to a server, for sending bytes that no client would send.
final class RawConnection: Sendable {
    private let socket: Int32

    init(_ port: Int) throws {
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw POSIXError(.ECONNREFUSED) }
    }

    deinit { close(socket) }

    /// Whether the bytes were accepted; false if the other side has closed the connection.
    @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) >= 0 }
    }

    /// A request for speech.
    func order(_ body: JSON) {
        send(
            "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: \(JSON.bytes(body).count)\r\n\r\n\(body.text)"
        )
    }

    /// Some bytes, when they arrive; nil at the end.
    func receive() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                var bytes = [UInt8](repeating: 0, count: 1 << 16)
                let count = recv(socket, &bytes, bytes.count, 0)
                continuation.resume(returning: count > 0 ? Array(bytes[..<count]) : nil)
            }
        }
    }

    /// Everything to the end.
    func rest() async -> String {
        var all: [UInt8] = []
        while let bytes = await receive() { all += bytes }
        return String(decoding: all, as: UTF8.self)
    }

    /// Closes the connection, or its sending half.
    func end(sendingOnly: Bool = false) { shutdown(socket, Int32(sendingOnly ? SHUT_WR : SHUT_RDWR)) }
}
