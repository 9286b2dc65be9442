import Foundation
import NIOHTTP1
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("HTTP versions, delayed bodies, and pages of other origins") struct ProtocolTests {
    @Test("a version other than HTTP/1.1 gets an error, and the connection ends") func versions() async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 505") && answer.lowercased().contains("connection: close"), "\(answer)")
            #expect(answer.contains("http_version_not_supported"), "\(answer)")
        }
    }

    @Test("another version after an HTTP/1.1 request is answered after that request") func laterVersion() async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(await connection.receive().map { String(decoding: $0, as: UTF8.self).hasPrefix("HTTP/1.1 200") } == true)
            connection.send("GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n")
            #expect(await connection.rest().hasPrefix("HTTP/1.1 505"))
        }
    }

    private static func head(_ path: String, length: Int, _ more: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: \(length)\r\nExpect: 100-continue\r\nConnection: close\r\n\(more)\r\n"
    }

    @Test("a client that waits for 100-continue is asked for its body once") func expected() async throws {
        try await LoopbackServer.run { server in
            let body = LoopbackServer.order([("stream", false)]).text, connection = try RawConnection(server.port)
            connection.send(Self.head("/v1/audio/speech", length: body.utf8.count))
            let told = await connection.receive().map { String(decoding: $0, as: UTF8.self) }
            #expect(told == "HTTP/1.1 100 Continue\r\n\r\n", "\(told ?? "")")
            connection.send(body)
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 200") && !answer.contains("100 Continue"))
        }
    }

    @Test(
        "the body of a refused request is not asked for",
        arguments: [
            ("/v1/audio/speech", 1 << 30, 413), ("/v1/audio/voices", 1 << 30, 413), ("/v1/audio/convert", 1 << 30, 413), ("/v1/nothing", 10, 404),
            ("/v1/models", 10, 405),
        ]) func unwanted(path: String, length: Int, status: Int) async throws
    {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send(Self.head(path, length: length))
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
        }
        try await LoopbackServer.run {
            $0.keys = Keyring("secret")
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.send(Self.head(path, length: length))
            #expect(await connection.rest().hasPrefix("HTTP/1.1 401"))
        }
    }

    // MARK: pages of other origins

    @Test("a page may read this server's own header fields in every response, even in errors") func exposed() async throws {
        try await LoopbackServer.run {
            $0.allowedOrigin = "https://example.org"
        } _: { server in
            let page = ["origin": "https://example.org"]
            let spoken = try await server.speak([("mood", "sad")], headers: page),
                refused = try await server.speak([("voice", "nobody")], headers: page)
            for answer in [spoken, refused] {
                let names = Set(
                    answer.headers["access-control-expose-headers"].flatMap { $0.split(separator: ",") }.map {
                        $0.trimmingCharacters(in: .whitespaces).lowercased()
                    })
                let own = Set(
                    answer.headers.map { $0.name.lowercased() }.filter { $0.hasPrefix("x-") || $0.hasPrefix("openai-") || $0 == "retry-after" })
                #expect(own.contains("x-request-id") && own.isSubset(of: names), "\(own.subtracting(names))")
                #expect(names.isSuperset(of: ["x-chatterbox-warning", "x-chatterbox-seed", "retry-after"]))
                #expect(answer.headers["access-control-allow-origin"] == ["https://example.org"] && answer.headers["vary"].contains("Origin"))
            }
        }
    }

    @Test("a page may send the fields that it asks for, like OpenAI's client") func asked() async throws {
        try await LoopbackServer.run {
            $0.allowedOrigin = "*"
        } _: { server in
            func allowed(_ names: String?) async throws -> [String] {
                var headers = ["origin": "https://example.org", "access-control-request-method": "POST"]
                headers["access-control-request-headers"] = names
                let answer = try await server.ask(.OPTIONS, "/v1/audio/speech", bytes: nil, headers: headers)
                #expect(answer.status == 204 && answer.headers["access-control-allow-origin"] == ["*"])
                return answer.headers["access-control-allow-headers"]
            }
            let stainless = try await allowed("authorization,x-stainless-lang, traceparent"), odd = try await allowed("x-a,b c,\u{E9},d:e")
            let none = try await allowed(nil)
            #expect(
                stainless == ["authorization, x-stainless-lang, traceparent"] && odd == ["x-a"] && none == ["content-type, authorization, xi-api-key"]
            )
        }
    }

    @Test(
        "an origin is accepted as browsers write it",
        arguments: [
            ("https://example.org", "https://example.org"), ("http://Host/", "http://host"), ("https://example.org:443", "https://example.org"),
            ("http://example.org:443/", "http://example.org:443"), ("http://[::1]:8000", "http://[::1]:8000"), ("*", "*"),
            ("app://obsidian.md", "app://obsidian.md"),
            ("nonsense", nil), ("https://", nil), ("https://example.org/page", nil), ("example.org", nil), ("null", nil), ("https://a b", nil),
            ("", nil),
        ] as [(String, String?)]) func origins(text: String, origin: String?)
    {
        #expect(ServerConfiguration.origin(text) == origin)
    }

    // MARK: bodies

    @Test(
        "an error says why a body cannot be read",
        arguments: [
            (#"{"input":"x \ud83d y"}"#, #"\ud83d is half of a character"#), (#"{"input":"\uDE00"}"#, #"\uDE00 is half of a character"#),
            (#"{"input":"\\ud83d \uD83D\u0041"}"#, #"\uD83D is half"#), ("{\"input\":", "not well-formed, or cut short"),
            ("", "it is empty"), ("[]", "not an object"),
            ("\"x\"", "not an object"),
        ]) func faults(body: String, sentence: String) async throws
    {
        let error = #expect(throws: APIError.self) { try RequestFields(parsing: Data(body.utf8)) }
        #expect(error?.code == "invalid_json" && error?.message.contains(sentence) == true, "\(error?.message ?? "")")
    }

    @Test("complete escaped characters are read") func escapes() throws {
        var fields = try RequestFields(parsing: Data(#"{"input":"\\ud83d \ud83d\ude00"}"#.utf8))
        #expect(try fields.string("input") == "\\ud83d 😀")
    }

    @Test("numbers are written in their usual form, and large ones as they were received") func numbers() throws {
        #expect(JSON.number(9e15).text == "9000000000000000" && JSON.number(0.25).text == "0.25" && JSON.number(-3).text == "-3")
        for text in [
            "9007199254740993", "-9223372036854775807", "18446744073709551615", "123456789012345678901234567890", "9007199254740992", "1.5", "0",
        ] {
            #expect(try JSON(parsing: Data(text.utf8)).text == text)
        }
        let error = #expect(throws: APIError.self) {
            try SpeechOrder(Data(#"{"model":"tts-1","input":"Hi.","voice":"a","seed":1e16}"#.utf8), limit: 10, isStrict: false)
        }
        #expect(error?.message == "seed must be a number from 0 to 9000000000000000")
    }

    @Test("any number of unknown fields, of any length, cause a few short warnings") func manyFields() async throws {
        let names = (0..<1000).map { "field\($0)" } + [String(repeating: "x", count: 100_000), "Ł" + String(repeating: "Ł", count: 2000)]
        try await LoopbackServer.run { server in
            let answer = try await server.speak(names.map { ($0, 1) })
            let warnings = answer.headers["x-chatterbox-warning"]
            #expect(
                answer.status == 200 && warnings.count == UnknownFields.mostNamed + 1 && warnings.last == "and 997 more fields are ignored",
                "\(warnings)")
            let long = try await server.speak([(names[1000], 1), (names[1001], 1)])
            #expect(long.headers["x-chatterbox-warning"].count == 2 && long.headers["x-chatterbox-warning"].allSatisfy { $0.utf8.count <= 1030 })
        }
        try await LoopbackServer.run {
            $0.isStrict = true
        } _: { server in
            let refused = try await server.speak([(names[1000], 1)])
            #expect(refused.status == 400 && refused.body.count < 1000, "\(refused.body.count)")
        }
    }

    @Test("lists need no key if this is configured, in every format, and for HEAD as well") func publicLists() async throws {
        try await LoopbackServer.run {
            ($0.keys, $0.publicLists) = (Keyring("secret"), true)
        } _: { server in
            for path in ["/v1/models", "/audio/models", "/v1/audio/voices", "/v1/voices", "/voices", "/adapters"] {
                let statuses = [try await server.ask(.GET, path).status, try await server.ask(.HEAD, path).status]
                #expect(statuses == [200, 200], "\(path)")
            }
            for path in ["/v1/audio/voices", "/v1/text-to-speech/default"] {
                let status = try await server.ask(.POST, path).status
                #expect(status == 401, "\(path)")
            }
        }
    }
}

@Suite("Errors at the start of a server") struct StartErrorTests {
    @Test("an error names a port that is taken, and its purpose") func ports() async throws {
        try await LoopbackServer.run { taken in
            for servesWyoming in [false, true] {
                let folder = try TemporaryFolder()
                var configuration = ServerConfiguration(voices: folder.url)
                configuration.port = servesWyoming ? 0 : taken.port
                configuration.wyomingPort = servesWyoming ? taken.port : nil
                let server = SpeechServer(configuration, [.standIn()])
                let error = await #expect(throws: StartError.self) { try await server.run() }
                #expect(
                    error?.description
                        == "port \(taken.port) on 127.0.0.1, for \(servesWyoming ? "the Wyoming protocol" : "HTTP"), is taken by another program")
            }
        }
    }

    @Test("an address that does not belong to this machine causes an error") func address() async throws {
        let folder = try TemporaryFolder()
        var configuration = ServerConfiguration(voices: folder.url)
        (configuration.host, configuration.port) = ("192.0.2.1", 0)
        let server = SpeechServer(configuration, [.standIn()])
        let error = await #expect(throws: StartError.self) { try await server.run() }
        #expect(error?.description.hasPrefix("cannot listen on 192.0.2.1, port 0, for HTTP: ") == true)
    }

    @Test("of a certificate and a key, the error names the file that is wrong") func certificates() async throws {
        let folder = try TemporaryFolder(), certificates = fixturesFolder.appending(path: "certificates"),
            text = folder.url.appending(path: "text.pem")
        try Data("no key\n".utf8).write(to: text)
        func problem(_ chain: URL, _ key: URL) async -> String? {
            var configuration = ServerConfiguration(voices: folder.url)
            (configuration.port, configuration.certificate) = (0, (chain, key))
            let server = SpeechServer(configuration, [.standIn()])
            return await #expect(throws: StartError.self) { try await server.run() }?.description
        }
        let first = certificates.appending(path: "first.pem"), other = certificates.appending(path: "second.key.pem")
        #expect(await problem(first, other) == "the certificate in \(first.path) and the key in \(other.path) do not belong together")
        #expect(await problem(text, other) == "\(text.path): there is no certificate in PEM that can be read")
        #expect(await problem(first, text) == "\(text.path): there is no private key in PEM that can be read")
        #expect(await problem(first, folder.url.appending(path: "none"))?.contains("none: there is no private key") == true)
    }
}
