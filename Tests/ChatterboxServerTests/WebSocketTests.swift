import Foundation
import TestSupport
import Testing

@testable import ChatterboxServer

/// An invalid frame of a client.
struct OddFrame: Sendable {
    let opcode: UInt8, payload: [UInt8]
    var first: UInt8 = 0x80
    var isMasked = true
}

private let faults: [([OddFrame], Int)] = [
    ([OddFrame(opcode: 1, payload: [0x7B], isMasked: false)], 1002), ([OddFrame(opcode: 1, payload: [], first: 0xC0)], 1002),
    ([OddFrame(opcode: 3, payload: [])], 1002), ([OddFrame(opcode: 11, payload: [])], 1002), ([OddFrame(opcode: 0, payload: [])], 1002),
    ([OddFrame(opcode: 1, payload: [0x7B], first: 0), OddFrame(opcode: 1, payload: [0x7D])], 1002),
    ([OddFrame(opcode: 9, payload: [], first: 0)], 1002),
    ([OddFrame(opcode: 9, payload: Array(repeating: 0, count: 126))], 1002), ([OddFrame(opcode: 1, payload: [0xC3, 0x28])], 1007),
    ([OddFrame(opcode: 1, payload: [0xF0, 0x9F], first: 0), OddFrame(opcode: 0, payload: [0x98])], 1007),
    ([OddFrame(opcode: 1, payload: Array(repeating: 0x61, count: 70_000))], 1009),
    (
        [
            OddFrame(opcode: 1, payload: Array(repeating: 0x61, count: 40_000), first: 0),
            OddFrame(opcode: 0, payload: Array(repeating: 0x61, count: 40_000)),
        ], 1009
    ),
    ([OddFrame(opcode: 8, payload: [3])], 1002), ([OddFrame(opcode: 8, payload: [0x03, 0xED])], 1002),
    ([OddFrame(opcode: 8, payload: [0x03, 0xE8, 0xFF])], 1007),
    ([OddFrame(opcode: 2, payload: [1, 2, 3])], 1003), ([OddFrame(opcode: 8, payload: [])], 1000),
    ([OddFrame(opcode: 8, payload: [0x03, 0xE9])], 1001),
]

@Suite("WebSockets") struct WebSocketTests {
    // MARK: the handshake

    @Test(
        "an invalid handshake gets an error that says what is needed",
        arguments: [
            (["Upgrade": "h2c"], 426, "websocket_expected"), (["Connection": "keep-alive"], 426, "websocket_expected"),
            (["Sec-WebSocket-Version": "8"], 426, "websocket_version"), (["Sec-WebSocket-Key": "short"], 400, "invalid_websocket_key"),
            (["Origin": "https://elsewhere.example"], 403, "origin_not_allowed"), (["Origin": "null"], 403, "origin_not_allowed"),
        ] as [([String: String], Int, JSON)]) func refused(headers: [String: String], status: Int, code: JSON) async throws
    {
        try await LoopbackServer.run { server in
            let error = await #expect(throws: SocketClient.Refused.self) { try await SocketClient(server, SocketClient.path, headers: headers) }
            #expect(error?.status == status && error?.json?["error"]?["code"] == code, "\(error?.answer ?? "")")
        }
    }

    @Test("pages of this server and of the allowed origin may connect", arguments: ["http://localhost", "https://app.example"]) func origins(
        origin: String
    ) async throws {
        try await LoopbackServer.run([.standIn()]) {
            $0.allowedOrigin = "https://app.example"
        } _: { server in
            _ = try await SocketClient(server, SocketClient.path, headers: ["Origin": origin])
        }
    }

    @Test("a key is needed, in a header or in the address") func keys() async throws {
        try await LoopbackServer.run {
            $0.keys = Keyring("secret ada")
        } _: { server in
            for (path, headers) in [("", [:]), ("", ["xi-api-key": "guess"]), ("?api_key=guess", [:])] {
                let error = await #expect(throws: SocketClient.Refused.self) {
                    try await SocketClient(server, SocketClient.path + path, headers: headers)
                }
                #expect(error?.status == 401)
            }
            for (path, headers) in [("", ["Authorization": "Bearer secret"]), ("?api_key=secret", [:]), ("?authorization=Bearer%20secret", [:])] {
                _ = try await SocketClient(server, SocketClient.path + path, headers: headers)
            }
        }
    }

    @Test("any request of a connection may become a WebSocket, not only the first") func later() async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            for _ in 0..<2 {
                connection.send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(await connection.receive() != nil)
            }
            let client = try await SocketClient(server, SocketClient.path, on: connection)
            client.send(["type": "session.config"])
            #expect(await client.next()?.json?["type"] == "session.ready")
        }
    }

    // MARK: frames

    @Test("violations of the protocol close the WebSocket with their codes", arguments: faults) func faultyFrames(
        frames: [OddFrame], code: Int
    ) async throws {
        try await LoopbackServer.run {
            $0.characterLimit = 100
        } _: { server in
            let client = try await SocketClient(server, SocketClient.path)
            for frame in frames { client.send(frame.opcode, frame.payload, first: frame.first, isMasked: frame.isMasked) }
            let last = await client.frames { $0.opcode == 8 }.last
            #expect(last?.code == code, "\(last.map { $0.text } ?? "")")
            // The client's answer closes the connection.
            client.send(8, [0x03, 0xE8])
            #expect(await client.next() == nil)
            while try await server.ask(.GET, "/live").status != 200 { await Task.yield() }
        }
    }

    @Test("fragments are joined to one message, with a ping between them, which is answered") func fragments() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, SocketClient.path), message = Array(#"{"type":"session.config","voice":"default"}"#.utf8)
            client.send(1, Array(message[..<5]), first: 0)
            client.send(9, [1, 2, 3])
            client.send(0, Array(message[5..<20]), first: 0)
            client.send(0, Array(message[20...]))
            #expect(await client.next() == SocketClient.Frame(opcode: 10, payload: [1, 2, 3]))
            #expect(await client.next()?.json?["type"] == "session.ready")
        }
    }

    @Test("a client that does not answer a ping is disconnected; one that does is not") func pings() async throws {
        try await LoopbackServer.run {
            $0.pingInterval = 0.5
        } _: { server in
            let silent = try await SocketClient(server, SocketClient.path), lively = try await SocketClient(server, SocketClient.path)
            async let end: Void = { while await silent.next() != nil {} }()
            for _ in 0..<5 {
                #expect(await lively.next(withPings: true)?.opcode == 9)
                lively.send(10, [])
            }
            await end
        }
    }

    @Test("a flood of messages closes the WebSocket") func flood() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, SocketClient.path)
            async let frames = client.frames { $0.opcode == 8 }
            for _ in 0..<5000 { client.send(10, []) }
            #expect(await frames.last?.code == 1008)
        }
    }

    @Test("a client that sends faster than messages are handled must wait, and memory does not grow") func inbox() async {
        let inbox = WebSocketInbox()
        for _ in 0..<64 { inbox.add(.text("word")) }
        #expect(inbox.holdsReading())
        let (rooms, room) = AsyncStream<Void>.makeStream()
        inbox.whenRoom { room.yield() }
        for _ in 0..<40 { #expect(await inbox.next() == .text("word")) }
        var waiting = rooms.makeAsyncIterator()
        #expect(await waiting.next() != nil)
        #expect(!inbox.holdsReading())
        inbox.add(.binary(Array(repeating: 0, count: 1 << 20)))
        #expect(inbox.holdsReading())
    }
}
