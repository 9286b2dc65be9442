import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Connections") struct ConnectionTests {
    @Test("a client that sends on after 413 sees the answer, and is then cut") func unreadBody() async throws {
        try await LoopbackServer.run { $0.characterLimit = 10 } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
            let block = String(repeating: "a", count: 1 << 16)
            for _ in 0..<4 { connection.send(block) }
            let answer = await connection.receive().map { String(decoding: $0, as: UTF8.self) } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 413") && answer.lowercased().contains("connection: close"), "\(answer)")
            // It goes on as long as it can; a billion bytes would take longer than the test may.
            var sent = 0
            while connection.send(block) { sent += 1 }
            #expect(sent < 2000)
        }
    }

    @Test("a small body whose answer came early costs the connection, and no more") func smallUnreadBody() async throws {
        try await LoopbackServer.run { $0.keys = Keyring("secret") } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
            let answer = await connection.receive().map { String(decoding: $0, as: UTF8.self) } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 401"))
            connection.send("67890")
            #expect(await connection.receive() == nil)
        }
    }

    @Test("a client that wants another protocol and does not get it has its answer, and is cut: nothing more is read there", arguments: ["h2c", "websocket"])
    func refusedUpgrade(name: String) async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: \(name)\r\n\r\n")
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.lowercased().contains("connection: close") && answer.contains("ok"), "\(answer)")
        }
    }

    @Test("requests that were read whole are answered one after the other on a connection") func pipelined() async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\nHEAD /live HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let answers = await connection.rest()
            #expect(answers.components(separatedBy: "HTTP/1.1 200").count == 4, "\(answers)")
        }
    }

    @Test("a request whose header never ends is cut") func endlessHeader() async throws {
        try await LoopbackServer.run { $0.connectionTimeout = 0.2 } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.1\r\nHost: x\r\nX-")
            #expect(await connection.rest() == "")
        }
    }

    @Test("a body that never ends is cut") func endlessBody() async throws {
        try await LoopbackServer.run { $0.senderPatience = 0.2 } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"inp\r\n")
            #expect(await !connection.rest().contains("200"))
        }
    }

    @Test("beyond the limit of connections others wait until one has ended") func limit() async throws {
        try await LoopbackServer.run { $0.connectionLimit = 2 } _: { server in
            let first = try RawConnection(server.port), second = try RawConnection(server.port), third = try RawConnection(server.port)
            let question = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
            for connection in [first, second] {
                connection.send(question)
                #expect(await connection.receive() != nil)
            }
            third.send(question)
            first.end()
            #expect(await third.receive() != nil)
        }
    }

    @Test("what is no HTTP is told so, in the shape of all errors, and cut", arguments: [
        "NONSENSE\r\n\r\n", "GET /live HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}", "GET /live HTTP/1.1\r\nHo st: x\r\n\r\n",
        "POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        // Behind a request that has been answered.
        "GET /live HTTP/1.1\r\nHost: x\r\n\r\n|NONSENSE\r\n\r\n",
    ]) func nonsense(bytes: String) async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port), parts = bytes.split(separator: "|").map(String.init)
            for part in parts.dropLast() {
                connection.send(part)
                #expect(await connection.receive().map { String(decoding: $0, as: UTF8.self).hasPrefix("HTTP/1.1 200") } == true)
            }
            connection.send(parts.last!)
            let answer = await connection.rest().components(separatedBy: "\r\n\r\n")
            #expect(answer.count == 2 && answer[0].hasPrefix("HTTP/1.1 400") && answer[0].lowercased().contains("connection: close"), "\(answer)")
            let error = try JSON(parsing: Data(answer[1].utf8))["error"]
            #expect(error?["type"] == "invalid_request_error" && error?["code"] == "invalid_http" && error?["param"] == .null, "\(answer)")
        }
    }

    @Test("nonsense behind a request whose answer has begun, or is due, cuts the connection: the answer is not mixed with another", arguments: [true, false])
    func nonsenseBehindRequest(hasBegun: Bool) async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", (hasBegun ? [.sound(0.5)] : []) + [.wait(gate), .sound(0.5)])]) { server in
            let connection = try RawConnection(server.port)
            connection.order(LoopbackServer.order([("response_format", "pcm")]))
            if hasBegun { #expect(await connection.receive() != nil) } else { while server.state.queue.load.running == 0 { await Task.yield() } }
            connection.send("NONSENSE\r\n\r\n")
            let rest = await connection.rest()
            #expect(!rest.contains("HTTP/1.1 400") && !rest.hasSuffix("0\r\n\r\n"))
            while server.state.queue.load.running > 0 { await Task.yield() }
        }
    }

    @Test("bytes that are no UTF-8 are refused") func noUTF8() async throws {
        try await LoopbackServer.run { server in
            let refused = try await server.ask(.POST, "/v1/audio/speech", bytes: Array("{\"input\": \"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8))
            #expect(refused.status == 400 && refused.json?["error"]?["code"] == "invalid_json")
        }
    }
}
