import Chatterbox
import Foundation
import NIOCore
import SpeechAudio
import SpeechText
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("POST /v1/audio/speech") struct SpeechRouteTests {
    static let types: [(String, String)] = [
        ("mp3", "audio/mpeg"), ("opus", "audio/opus"), ("aac", "audio/aac"), ("flac", "audio/flac"), ("wav", "audio/wav"), ("pcm", "audio/pcm"),
    ]

    @Test("sound is sent in every format, in chunks, with OpenAI's header fields", arguments: types) func formats(format: String, type: String)
        async throws
    {
        try await LoopbackServer.run { server in
            let answer = try await server.speak([("response_format", .string(format))])
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == [type])
            #expect(answer.headers["transfer-encoding"] == ["chunked"] && answer.headers["content-length"].isEmpty)
            #expect(answer.headers["cache-control"] == ["no-store"] && answer.headers["openai-version"] == ["2020-10-01"])
            #expect(answer.headers.first(name: "x-request-id")?.hasPrefix("req_") == true)
            #expect(answer.headers.first(name: "openai-processing-ms").flatMap { Int($0) } != nil)
            if format == "pcm" {
                #expect(answer.body.count == 48_000)
            } else if format != "aac" {
                let sound = try AudioFile.read(answer.body, named: format)
                #expect(sound.sampleRate == 24_000 && abs(sound.duration - 1) < 0.11)
            } else {
                #expect(answer.body.starts(with: [0xFF, 0xF9]))
            }
        }
    }

    @Test("a streamed WAV states no length; a complete one does, with Content-Length") func wavLengths() async throws {
        try await LoopbackServer.run { server in
            let streamed = try await server.speak([("response_format", "wav")])
            #expect(streamed.body[4..<8] == Data([255, 255, 255, 255]) && streamed.body[40..<44] == Data([255, 255, 255, 255]))
            let whole = try await server.speak([("response_format", "wav"), ("stream", false)])
            #expect(whole.headers["content-length"] == ["\(44 + 48_000)"] && whole.headers["transfer-encoding"].isEmpty)
            #expect(whole.body[40..<44] == Data([0x80, 0xBB, 0, 0]))
            #expect(try AudioFile.read(whole.body, named: "whole").frames == 24_000)
        }
    }

    @Test("MP3 is the default format") func standardFormat() async throws {
        try await LoopbackServer.run { server in
            let answer = try await server.speak()
            #expect(answer.headers["content-type"] == ["audio/mpeg"])
        }
    }

    @Test("events are lines of data that end with CRLF, then usage, then [DONE]") func events() async throws {
        try await LoopbackServer.run { server in
            let answer = try await server.speak([("stream_format", "sse"), ("response_format", "pcm")])
            #expect(answer.headers["content-type"] == ["text/event-stream; charset=utf-8"])
            let events = answer.text.components(separatedBy: "\r\n\r\n")
            #expect(events.last == "" && events.dropLast().allSatisfy { $0.hasPrefix("data: ") && !$0.contains("\n") })
            #expect(events.dropLast().last == "data: [DONE]")
            #expect(
                events.dropLast(2).last == #"data: {"type":"speech.audio.done","usage":{"input_tokens":10,"output_tokens":93,"total_tokens":103}}"#)
            let sound = events.dropLast(3).compactMap { try? JSON(parsing: Data($0.dropFirst(6).utf8)) }.flatMap { event -> Data in
                guard event["type"] == "speech.audio.delta", case .string(let text)? = event["audio"] else { return Data() }
                return Data(base64Encoded: text) ?? Data()
            }
            #expect(sound.count == 48_000)
        }
    }

    @Test("all routes exist with and without /v1; other methods and paths are refused") func paths() async throws {
        try await LoopbackServer.run { server in
            #expect(try await server.speak(path: "/audio/speech").status == 200)
            let method = try await server.ask(.GET, "/v1/audio/speech")
            #expect(method.status == 405 && method.headers["allow"] == ["POST"])
            let strange = try await server.ask(.RAW(value: "QUERY"), "/v1/audio/speech")
            #expect(strange.status == 405 && strange.json?["error"]?["code"] == "method_not_allowed")
            let path = try await server.ask(.GET, "/v1/nothing")
            #expect(path.status == 404 && path.json?["error"]?["code"] == "unknown_url")
        }
    }

    // MARK: errors

    static let refusals: [(JSON, String?, String)] = [
        (["input": "Hi.", "voice": "alloy"], "model", "missing_required_parameter"),
        (["model": "tts-1", "voice": "alloy"], "input", "missing_required_parameter"),
        (["model": "tts-1", "input": "Hi."], "voice", "missing_required_parameter"),
        (["model": "tts-1", "input": " \n", "voice": "alloy"], "input", "invalid_value"),
        (["model": "tts-1", "input": "Hi.", "voice": 3], "voice", "invalid_type"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "response_format": "ogg"], "response_format", "invalid_value"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "speed": 5], "speed", "invalid_type"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "speed": "fast"], "speed", "invalid_type"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "stream_format": "xml"], "stream_format", "invalid_value"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "language": "klingon"], "language", "invalid_value"),
        (["model": "tts-1", "input": .string(String(repeating: "a", count: 1001)), "voice": "alloy"], "input", "string_above_max_length"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "adapter": ["mine": "much"]], "adapter", "invalid_type"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "adapter": 1], "adapter", "invalid_type"),
        (["model": "tts-1", "input": "Hi.", "voice": "alloy", "seed": 1.5], "seed", "invalid_type"),
        (["Hi."], nil, "invalid_json"),
    ]

    @Test("an error names what is missing or wrong, with all four keys", arguments: refusals) func refused(
        body: JSON, parameter: String?, code: String
    )
        async throws
    {
        try await LoopbackServer.run {
            $0.characterLimit = 1000
        } _: { server in
            let answer = try await server.ask(.POST, "/v1/audio/speech", body)
            #expect(answer.status == 400 && answer.headers["content-type"] == ["application/json"])
            let error = try #require(answer.json?["error"])
            #expect(error["type"] == "invalid_request_error" && error["code"] == .string(code), "\(answer.text)")
            #expect(error["param"] == parameter.map { .string($0) } ?? .null)
            guard case .string(let message)? = error["message"] else { return #expect(Bool(false), "\(answer.text)") }
            #expect(!message.isEmpty)
        }
    }

    @Test("non-ASCII characters in a header are percent-encoded") func warningHeader() {
        #expect("no Ł, 😀".asHeader == "no %C5%81, %F0%9F%98%80")
        #expect("50 %\r\nx: y".asHeader == "50 %25%0D%0Ax: y")
    }

    @Test("an unknown model and an unknown voice get 404; OpenAI's names mean the default") func names() async throws {
        try await LoopbackServer.run { server in
            let model = try await server.speak([("model", "whisper-1")])
            #expect(model.status == 404 && model.json?["error"]?["code"] == "model_not_found")
            let voice = try await server.speak([("voice", "nobody")])
            #expect(voice.status == 404 && voice.json?["error"]?["code"] == "voice_not_found")
            for model in ["tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15", "stand-in"] {
                #expect(try await server.speak([("model", .string(model))]).status == 200)
            }
            for voice in VoiceShelf.openAINames + ["default"] { #expect(try await server.speak([("voice", .string(voice))]).status == 200) }
            #expect(try await server.speak([("voice", ["id": "cedar"])]).status == 200)
        }
    }

    @Test("unknown fields are ignored with a warning, or refused with --strict") func unknownFields() async throws {
        let fields: [(String, JSON)] = [("instructions", "Whisper."), ("mood", "sad")]
        try await LoopbackServer.run { server in
            let answer = try await server.speak(fields)
            #expect(answer.status == 200)
            #expect(answer.headers["x-chatterbox-warning"].map { $0.prefix(12) } == ["instructions", "mood is igno"])
        }
        try await LoopbackServer.run {
            $0.isStrict = true
        } _: { server in
            let answer = try await server.speak(fields)
            #expect(answer.json?["error"]?["param"] == "mood")
        }
    }

    @Test("a body beyond its limit is too large, whatever its header says") func largeBody() async throws {
        try await LoopbackServer.run {
            $0.characterLimit = 10
        } _: { server in
            let answer = try await server.speak([("input", .string(String(repeating: "a", count: 100_000)))])
            #expect(answer.status == 413 && answer.json?["error"]?["code"] == "too_large")
        }
    }

    @Test("header fields beyond their limits get their own status") func largeHeaders() async throws {
        try await LoopbackServer.run { server in
            let connection = try RawConnection(server.port)
            connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: \(String(repeating: "a", count: 60_000))\r\n\r\n")
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 431") && answer.contains("headers_too_large"), "\(answer)")
        }
    }

    // MARK: failures while speaking

    @Test("a failure before the first sound is an HTTP error") func earlyFailure() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.fail])]) { server in
            let answer = try await server.speak()
            #expect(answer.status == 500 && answer.json?["error"]?["type"] == "server_error")
            #expect(try await server.speak([("stream_format", "sse")]).status == 500)
        }
    }

    @Test("a later failure closes the connection before the last chunk") func lateFailure() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.sound(1), .fail])]) { server in
            let connection = try RawConnection(server.port)
            connection.order(LoopbackServer.order([("response_format", "pcm")]))
            let answer = await connection.rest()
            #expect(answer.hasPrefix("HTTP/1.1 200") && !answer.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("a failure during events is sent as the last event") func lateFailureInEvents() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.sound(1), .fail])]) { server in
            let answer = try await server.speak([("stream_format", "sse")])
            let events = answer.text.components(separatedBy: "\r\n\r\n").dropLast()
            let last = try JSON(parsing: Data(try #require(events.last).dropFirst(6).utf8))
            #expect(last["type"] == "speech.audio.error" && last["error"]?["code"] == "internal_error")
            #expect(!answer.text.contains("[DONE]"))
        }
    }

    @Test("a model that makes no sound causes an error") func silent() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [])]) { server in
            let answer = try await server.speak()
            #expect(answer.json?["error"]?["code"] == "no_speech")
        }
    }

    // MARK: time

    @Test("the first sound is sent while the rest is being computed") func firstSound() async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate), .sound(0.5)])]) { server in
            let answer = try await server.open(.POST, "/v1/audio/speech", bytes: JSON.bytes(LoopbackServer.order([("response_format", "pcm")])))
            var body = answer.body.makeAsyncIterator(), count = 0
            while count < 24_000, let buffer = try await body.next() { count += buffer.readableBytes }
            #expect(count == 24_000)
            gate.open()
            while let buffer = try await body.next() { count += buffer.readableBytes }
            #expect(count == 48_000)
        }
    }

    @Test(
        "the place of a client that disconnects becomes free, before and after the first sound", arguments: [[], [StandInSpeaker.Step.sound(0.5)]],
        [false, true])
    func goneClient(before: [StandInSpeaker.Step], sendingOnly: Bool) async throws {
        let gate = Gate()
        let speaker = try StandInSpeaker(before + [.wait(gate), .sound(0.5)])
        try await LoopbackServer.run([.of(speaker)]) {
            $0.places = 1
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.order(LoopbackServer.order([("response_format", "pcm")]))
            if !before.isEmpty { #expect(await connection.receive() != nil) }
            while server.state.queue.load.running == 0 || speaker.requests.opened == 0 { await Task.yield() }
            connection.end(sendingOnly: sendingOnly)
            while server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1 && speaker.requests.ended == 0)
            // The time is included in the metrics.
            while try await !server.ask(.GET, "/metrics").text.contains(#"chatterbox_place_release_s_count{model="stand-in"} 1"#) {
                await Task.yield()
            }
        }
    }

    @Test("a client that does not read is disconnected") func stalledReader() async throws {
        // More than the sockets' buffers hold.
        let speaker = try StandInSpeaker(Array(repeating: .sound(20), count: 30))
        try await LoopbackServer.run([.of(speaker)]) {
            $0.readerPatience = 0.2
        } _: { server in
            let connection = try RawConnection(server.port)
            connection.order(LoopbackServer.order([("response_format", "pcm")]))
            while speaker.requests.opened == 0 || server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1)
            withExtendedLifetime(connection) {}
        }
    }

    @Test("a stopped server completes open responses, and accepts no new requests") func stopping() async throws {
        let gate = Gate(), open = Mutex<RawConnection?>(nil)
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate), .sound(0.5)])]) { server in
            let connection = try RawConnection(server.port)
            connection.order(LoopbackServer.order([("response_format", "pcm")]))
            #expect(await connection.receive() != nil)
            open.withLock { $0 = connection }
            // The model continues to speak when nobody can connect any more.
            Task { [port = server.port] in
                while (try? RawConnection(port)) != nil { await Task.yield() }
                gate.open()
            }
        }
        let answer = await open.withLock(\.self)?.rest()
        #expect(answer?.hasSuffix("0\r\n\r\n") == true)
    }

    @Test("a stopped server may accept requests for a while, and reports that it is stopping") func draining() async throws {
        let (statuses, found) = AsyncStream<Int>.makeStream()
        try await LoopbackServer.run([.standIn()], { $0.drain = 2 }) { server in
            try await SpeechServer(server.state).warmUp()
            Task {
                defer { found.finish() }
                while try await server.ask(.GET, "/ready").status == 200 {}
                found.yield(try await server.ask(.GET, "/ready").status)
                found.yield(try await server.speak([]).status)
            }
        }
        #expect(await statuses.reduce(into: []) { $0.append($1) } == [503, 200])
    }

    @Test("equal requests with a seed have the same seed in the header") func seed() async throws {
        try await LoopbackServer.run { server in
            let answer = try await server.speak([("seed", 42)])
            #expect(answer.headers["x-chatterbox-seed"] == ["42"])
        }
    }

    @Test("estimated times come after each spoken text, not only at the end") func wordsMeanwhile() async throws {
        let gate = Gate()
        let steps: [StandInSpeaker.Step] = [.text("The ship", 0.5), .sound(0.5), .text("was late.", 0.25), .wait(gate), .sound(0.25)]
        try await LoopbackServer.run([.standIn("stand-in", steps)]) { server in
            let order = LoopbackServer.order([("stream_format", "sse"), ("timestamps", true)])
            let response = try await server.open(.POST, "/v1/audio/speech", bytes: JSON.bytes(order), headers: ["content-type": "application/json"])
            var text = ""
            for try await bytes in response.body {
                text += String(buffer: bytes)
                // The second text waits for this.
                if text.contains(#""words":[{"word":"The","start":0,"end":0.444},{"word":"ship","start":0.444,"end":1}]"#) { gate.open() }
            }
            #expect(text.contains(#""words":[{"word":"was","start":1,"end":1.2},{"word":"late.","start":1.2,"end":1.5}]"#), "\(text.suffix(900))")
        }
    }

    @Test("word times come in events and in complete responses, marked as estimated if the model has none") func words() async throws {
        try await LoopbackServer.run { server in
            let events = try await server.speak([("stream_format", "sse"), ("timestamps", true)]).text
            #expect(
                events.contains(#""type":"speech.audio.words","words":[{"word":"The","start":0,"end":0.211}"#)
                    && events.contains(#""estimated":true"#), "\(events.suffix(700))")
            let whole = try #require(try await server.speak([("stream", false), ("timestamps", true), ("response_format", "wav")]).json)
            guard case .array(let words)? = whole["words"], case .string(let audio)? = whole["audio"] else { return #expect(Bool(false), "\(whole)") }
            #expect(words.map { $0["word"] } == ["The", "ship", "was", "late."])
            #expect(try AudioFile.read(#require(Data(base64Encoded: audio)), named: "audio").frames == 24_000)
        }
    }

    /// A judge of which only the name matters: the stand-in speaker provides the transcript.
    private struct NamedJudge: SpeechJudge {
        let name = "stand-in judge"
        let languages: Set<Language> = [.english]

        func words(in audio: Audio) async throws -> String { "" }
    }

    @Test("a complete response is judged if requested, with the transcript") func judged() async throws {
        try await LoopbackServer.run([.standIn()], { $0.judge = NamedJudge() }) { server in
            let fields: [(String, JSON)] = [("stream", false), ("judge", "stand-in judge"), ("takes", 3), ("response_format", "wav")]
            let sound = try await server.speak(fields)
            #expect(sound.status == 200 && sound.headers["x-chatterbox-word-errors"] == ["0/4"])
            let timed = try #require(try await server.speak(fields + [("timestamps", true)]).json)
            #expect(timed["judgement"]?["judge"] == "stand-in judge" && timed["judgement"]?["word_errors"] == 0)
            guard case .array(let pieces)? = timed["judgement"]?["pieces"], case .array(let takes)? = pieces.first?["takes"] else {
                Issue.record("\(timed)")
                return
            }
            #expect(pieces[0]["kept_draw"] == 2 && takes.map { $0["word_errors"] } == [4, 0])
            let other = try await server.speak([("stream", false), ("timestamps", true)])
            #expect(other.json?["judgement"] == .null && other.headers["x-chatterbox-word-errors"].isEmpty)
        }
    }

    @Test(
        "streams with a judge or takes, unknown judges and invalid numbers of takes are refused by name",
        arguments: [
            ([("judge", "stand-in judge")], "judge", "add \"stream\": false"),
            ([("judge", "stand-in judge"), ("stream_format", "sse"), ("stream", false)], "judge", "add \"stream\": false"),
            ([("takes", 2)], "takes", "add \"stream\": false"), ([("takes", 11), ("stream", false)], "takes", "from 1 to 10"),
            ([("takes", 1.5), ("stream", false)], "takes", "whole number"),
            ([("judge", "nobody"), ("stream", false)], "judge", "this server has stand-in judge"),
        ] as [([(String, JSON)], String, String)]) func notJudged(fields: [(String, JSON)], parameter: String, said: String) async throws
    {
        try await LoopbackServer.run([.standIn()], { $0.judge = NamedJudge() }) { server in
            let answer = try await server.speak(fields)
            #expect(
                answer.status == 400 && answer.json?["error"]?["param"] == .string(parameter)
                    && answer.text.contains(said.replacing("\"", with: "\\\"")), "\(answer.text)")
        }
    }

    @Test("a server without a judge says how to configure one") func noJudge() async throws {
        try await LoopbackServer.run { server in
            let answer = try await server.speak([("judge", "moonshine"), ("stream", false)])
            #expect(answer.status == 400 && answer.text.contains("started with --judge moonshine"), "\(answer.text)")
        }
    }
}
