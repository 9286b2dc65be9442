import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("The Model Context Protocol") struct MCPTests {
    /// The server's answers to lines, when all have been answered.
    private func answers(_ lines: [String], speaker: StandInSpeaker? = nil, in folder: URL? = nil) async throws -> [JSON] {
        let place = try TemporaryFolder(), said = Mutex<[String]>([])
        let server = MCPServer(ServerConfiguration(voices: place.url), [try .of(speaker ?? StandInSpeaker())], folder: folder ?? place.url)
        await server.run(
            reading: AsyncStream { stream in
                for line in lines { stream.yield(line) }
                stream.finish()
            }
        ) { line in said.withLock { $0.append(line) } }
        return try said.withLock(\.self).map { try JSON(parsing: Data($0.utf8)) }
    }

    private func call(_ arguments: JSON, _ id: JSON = 1, tool: JSON = "speak", meta: JSON = [:]) -> String {
        let message: JSON = ["jsonrpc": "2.0", "id": id, "method": "tools/call", "params": ["name": tool, "arguments": arguments, "_meta": meta]]
        return message.text
    }

    private func text(_ answer: JSON?) -> String {
        guard case .array(let content)? = answer?["result"]?["content"], case .string(let text)? = content.first?["text"] else { return "" }
        return text
    }

    @Test(
        "the requested version is used if it is supported, otherwise the newest is offered",
        arguments: [
            ("2024-11-05", "2024-11-05"), ("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25"),
        ] as [(JSON, JSON)]) func versions(wanted: JSON, agreed: JSON) async throws
    {
        let hello: JSON = [
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": ["protocolVersion": wanted, "capabilities": [:], "clientInfo": ["name": "test", "version": "1"]],
        ]
        let answers = try await answers([
            hello.text, #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, #"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
        ])
        #expect(answers.count == 2 && answers[0]["result"]?["protocolVersion"] == agreed && answers[0]["result"]?["capabilities"]?["tools"] != nil)
        #expect(answers[1]["id"] == "a" && answers[1]["result"] == [:])
    }

    @Test("the tools are listed with their arguments") func list() async throws {
        let answers = try await answers([#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, call([:], 2, tool: "list_voices")])
        guard case .array(let tools)? = answers[0]["result"]?["tools"] else { return #expect(Bool(false), "\(answers)") }
        #expect(tools.map { $0["name"] } == ["speak", "list_voices"] && tools[0]["inputSchema"]?["required"] == ["text"])
        #expect(answers[1]["result"]?["structuredContent"]?["voices"] == ["default"])
    }

    @Test("speak returns sound, and reports progress if requested") func speak() async throws {
        let answers = try await answers([call(["text": "The ship was late.", "format": "wav", "seed": 7], meta: ["progressToken": "p"])])
        let steps = answers.dropLast().compactMap { answer -> Double? in
            guard answer["method"] == "notifications/progress", answer["params"]?["progressToken"] == "p",
                case .number(let done)? = answer["params"]?["progress"]
            else { return nil }
            return done
        }
        #expect(!steps.isEmpty && steps == steps.sorted() && steps.count == answers.count - 1)
        let result = answers.last?["result"]
        guard case .array(let content)? = result?["content"], case .string(let data)? = content.last?["data"] else {
            return #expect(Bool(false), "\(answers)")
        }
        #expect(content.last?["type"] == "audio" && content.last?["mimeType"] == "audio/wav" && result?["structuredContent"]?["seed"] == 7)
        #expect(try AudioFile.read(#require(Data(base64Encoded: data)), named: "sound").frames == 24_000)
    }

    @Test("speak writes a file only within the folder, and replaces none") func file() async throws {
        let place = try TemporaryFolder(), inner = place.url.appending(path: "inner")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(at: inner.appending(path: "out"), withDestinationURL: place.url)
        try Data("old".utf8).write(to: inner.appending(path: "old.wav"))
        let first = try await answers([call(["text": "Hi.", "save_path": "ship.flac"])], in: inner)
        #expect(first[0]["result"]?["isError"] == false && text(first[0]).contains("ship.flac"))
        #expect(try AudioFile.read(inner.appending(path: "ship.flac")).frames == 24_000)
        let refused = [
            "ship.flac", "old.wav", "../ship.wav", "out/ship.wav", place.url.appending(path: "ship.wav").path, "none/ship.wav", "ship.txt",
        ]
        for path in refused {
            let answer = try await answers([call(["text": "Hi.", "save_path": .string(path)])], in: inner)
            let said = text(answer[0])
            #expect(
                answer[0]["result"]?["isError"] == true && ["save_path", "exists already", "no folder"].contains { said.contains($0) },
                "\(path): \(said)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path) == ["inner"])
        #expect(try Data(contentsOf: inner.appending(path: "old.wav")) == Data("old".utf8))
    }

    @Test(
        "an error of a call is returned as a result",
        arguments: [
            ([:], "text is missing"), (["text": " "], "no text"), (["text": "Hi.", "voice": "nobody"], "no voice nobody"),
            (["text": "Hi.", "speed": 9], "speed must be"),
            (["text": "Hi.", "wish": 1], "no argument wish"), (["text": "Hi.", "format": "ogg"], "format is ogg"),
            (["text": "Hi.", "model": "whisper-1"], "no model"),
        ] as [(JSON, String)]) func wrongArguments(arguments: JSON, sentence: String) async throws
    {
        let answers = try await answers([call(arguments)])
        #expect(answers.count == 1 && answers[0]["result"]?["isError"] == true && text(answers[0]).contains(sentence), "\(answers)")
    }

    @Test(
        "an invalid request gets a JSON-RPC error",
        arguments: [
            ("nonsense", -32_700), ("7", -32_600), (#"{"id":1,"method":"ping"}"#, -32_600), (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32_600), ("[]", -32_600), (#"{"jsonrpc":"2.0","id":1,"method":"dance"}"#, -32_601),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"dance"}}"#, -32_602),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32_602),
        ]) func refused(line: String, code: Int) async throws
    {
        let answers = try await answers([line, "", #"{"jsonrpc":"2.0","method":"dance"}"#, #"{"jsonrpc":"2.0","id":9,"result":{}}"#])
        #expect(answers.count == 1 && answers[0]["error"]?["code"] == .init(code), "\(answers)")
    }

    @Test("each of several messages in an array is answered") func batch() async throws {
        let answers = try await answers([#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#])
        #expect(answers.map { $0["id"] } == [1, 2])
    }

    @Test("cancelling a call ends its work, and it gets no response") func cancel() async throws {
        let speaker = try StandInSpeaker([.sound(0.5), .wait(Gate()), .sound(0.5)])
        let cancel: JSON = ["jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": 1]]
        #expect(try await answers([call(["text": "Hi."]), cancel.text], speaker: speaker).isEmpty)
    }

    @Test("of two simultaneous calls for one file one succeeds, and the other gets an error") func sameFile() async throws {
        let place = try TemporaryFolder()
        let answers = try await answers((1...2).map { call(["text": "Hi.", "save_path": "ship.wav", "seed": .init($0)], .init($0)) }, in: place.url)
        let failed = answers.filter { $0["result"]?["isError"] == true }
        #expect(answers.count == 2 && failed.count == 1 && text(failed.first).contains("exists already"), "\(answers)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path) == ["ship.wav"])
        #expect(try AudioFile.read(place.url.appending(path: "ship.wav")).frames == 24_000)
    }

    @Test("a name with a NUL is refused") func noName() async throws {
        let place = try TemporaryFolder()
        let answers = try await answers([call(["text": "Hi.", "save_path": "ship.wav\u{0}.txt"])], in: place.url)
        #expect(answers[0]["result"]?["isError"] == true && text(answers[0]).contains("NUL"), "\(answers)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path).isEmpty)
    }

    @Test(
        "an identifier is returned unchanged",
        arguments: ["9007199254740993", "18446744073709551615", "-7", "\"a\"", "123456789012345678901234567890"])
    func identifiers(id: String) async throws {
        let answers = try await answers([#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#, #"{"jsonrpc":"2.0","id":\#(id),"method":"dance"}"#])
        #expect(answers.map { $0["id"]?.text } == [id, id])
    }
}
