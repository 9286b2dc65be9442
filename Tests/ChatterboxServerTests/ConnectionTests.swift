import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Connections") struct ConnectionTests {
    @Test("a client that continues to send after 413 receives the response, and is then disconnected") func unreadBody() async throws {
        try await LoopbackServer.run {
            $0.characterLimit = 10
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
            let block = String(repeating: "a", count: 1 << 16)
            for _ in 0..<4 { connection.send(block) }
            let answer = await connection.receive().map { String(decoding: $0, as: UTF8.self) } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 413") && answer.lowercased().contains("connection: close"), "\(answer)")
            // It continues as long as it can; a billion bytes would take longer than the test may.
            var sent = 0
            while connection.send(block) { sent += 1 }
            #expect(sent < 2000)
        }
    }

    @Test("after an early response to a small body only the connection is closed") func smallUnreadBody() async throws {
        try await LoopbackServer.run {
            $0.keys = Keyring("secret")
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
            let answer = await connection.receive().map { String(decoding: $0, as: UTF8.self) } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 401"))
            connection.send("67890")
            #expect(await connection.receive() == nil)
        }
    }

    @Test(
        "a client whose upgrade is refused gets a response and is disconnected: nothing more is read",
        arguments: ["h2c", "websocket"])
    func refusedUpgrade(name: String) async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: \(name)\r\n\r\n")
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.lowercased().contains("connection: close") && answer.contains("ok"), "\(answer)")
        }
    }

    @Test("complete requests of a connection are answered one after the other") func pipelined() async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send(
                "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            let answers = await connection.rest()
            #expect(answers.components(separatedBy: "HTTP/1.1 200").count == 4, "\(answers)")
        }
    }

    @Test("a connection with an endless header is closed") func endlessHeader() async throws {
        try await LoopbackServer.run {
            $0.connectionTimeout = 0.2
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.1\r\nHost: localhost\r\nX-")
            #expect(await connection.rest() == "")
        }
    }

    @Test("a connection with an endless body is closed") func endlessBody() async throws {
        try await LoopbackServer.run {
            $0.senderPatience = 0.2
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.send("POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"inp\r\n")
            #expect(await !connection.rest().contains("200"))
        }
    }

    @Test("above the limit of connections others wait until one has ended") func limit() async throws {
        try await LoopbackServer.run {
            $0.connectionLimit = 2
        } _: { server in
            let first = try RawConnection(server.port), second = try RawConnection(server.port), third = try RawConnection(server.port)
            let question = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
            for connection in [first, second] {
                connection.send(question)
                #expect(await connection.receive() != nil)
            }
            third.send(question)
            first.end()
            #expect(await third.receive() != nil)
        }
    }

    @Test(
        "bytes that are not HTTP get an error in the usual format, and the connection is closed",
        arguments: [
            "NONSENSE\r\n\r\n", "GET /live HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}", "GET /live HTTP/1.1\r\nHo st: x\r\n\r\n",
            "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
            "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            // After a request that has been answered.
            "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n|NONSENSE\r\n\r\n",
        ]) func nonsense(bytes: String) async throws
    {
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

    @Test(
        "invalid bytes after a request whose response is pending or has begun close the connection without a second response",
        arguments: [true, false])
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

    @Test("bytes that are not UTF-8 are refused") func noUTF8() async throws {
        try await LoopbackServer.run { server in
            let refused = try await server.ask(.POST, "/v1/audio/speech", bytes: Array("{\"input\": \"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8))
            #expect(refused.status == 400 && refused.json?["error"]?["code"] == "invalid_json")
        }
    }

    @Test("a large response is completed when the server is stopped and its client reads slowly") func slowEnd() async throws {
        let (readers, found) = AsyncStream<Task<Int, Never>>.makeStream()
        // 38 MB: more than a system buffers at once.
        try await LoopbackServer.run([.standIn("stand-in", Array(repeating: .sound(20), count: 40))]) { server in
            let connection = try RawConnection(server.port)
            connection.order(["model": "tts-1", "voice": "alloy", "input": "The ship was late.", "response_format": "pcm", "stream": false])
            let first = await connection.receive()?.count ?? 0
            while server.state.queue.load.running > 0 { await Task.yield() }
            found.yield(
                Task {
                    var count = first
                    // By then the server has stopped, as far as it can.
                    try? await Task.sleep(for: .seconds(1))
                    while let more = await connection.receive() { count += more.count }
                    return count
                })
        }
        let count = await readers.first { _ in true }!.value
        #expect(count > 40 * 20 * 48_000 && count < 40 * 20 * 48_000 + 2000, "\(count)")
    }

    @Test(
        "pages of other sites can change nothing and request no speech, not even with a form",
        arguments: [
            (["Origin": "https://elsewhere.example"], 403), (["Origin": "null"], 403), (["Sec-Fetch-Site": "cross-site"], 403),
            (["Origin": "http://localhost"], 200), (["Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"], 200), ([:], 200),
            (["Origin": "https://speech.example", "X-Forwarded-Host": "speech.example"], 200), (["Host": "elsewhere.example"], 403),
            (["Host": "127.0.0.1:80"], 200),
            (["Host": "speech.example"], 200), (["Host": "[::1]:8080"], 200), (["Host": "localhost.elsewhere.example"], 403),
        ] as [([String: String], Int)]) func origins(fields: [String: String], status: Int) async throws
    {
        try await LoopbackServer.run {
            $0.hostNames = ["speech.example"]
        } _: { server in
            let connection = try RawConnection(server.port)
            let body = #"{"model":"tts-1","voice":"alloy","input":"Hi."}"#
            let all = ["Host": "localhost", "Content-Type": "text/plain", "Content-Length": "\(body.utf8.count)"].merging(fields) { $1 }
            connection.send("POST /v1/audio/speech HTTP/1.1\r\n" + all.map { "\($0): \($1)\r\n" }.joined() + "\r\n" + body)
            let answer = await connection.receive().map { String(decoding: $0, as: UTF8.self) } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
        }
    }

    @Test("a server with keys, or reachable from other machines, accepts any host name; the health routes are open to all") func names() async throws
    {
        for (path, hasKey, expected) in [("/v1/models", true, 200), ("/health", false, 200), ("/v1/models", false, 403)] {
            try await LoopbackServer.run {
                if hasKey { $0.keys = Keyring("secret") }
            } _: { server in
                let connection = try RawConnection(server.port)
                connection.send("GET \(path) HTTP/1.1\r\nHost: speech.example\r\nAuthorization: Bearer secret\r\n\r\n")
                let answer = await connection.receive().map { String(decoding: $0, as: UTF8.self) } ?? ""
                #expect(answer.hasPrefix("HTTP/1.1 \(expected)"), "\(path): \(answer)")
            }
        }
    }
}
