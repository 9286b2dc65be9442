import Foundation
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("ElevenLabs' WebSockets") struct ElevenLabsSocketTests {
    private static let single = "/v1/text-to-speech/default/stream-input?output_format=pcm_24000"
    private static let multi = "/v1/text-to-speech/default/multi-stream-input?output_format=pcm_24000"

    private static func audio(_ frame: SocketClient.Frame) -> Data {
        if case .string(let text)? = frame.json?["audio"] { Data(base64Encoded: text) ?? Data() } else { Data() }
    }

    private static func isFinal(_ frame: SocketClient.Frame) -> Bool { frame.json?["isFinal"] == true }

    private static func text(_ frames: [SocketClient.Frame], _ name: String = "alignment") -> String {
        frames.compactMap { frame -> String? in
            guard case .array(let characters)? = frame.json?[name]?["chars"] else { return nil }
            return characters.compactMap { if case .string(let text) = $0 { text } else { nil } }.joined()
        }.joined()
    }

    // MARK: one text

    @Test("words that arrive one by one are spoken in sentences, each as if it had been requested alone") func words() async throws {
        let speaker = try StandInSpeaker()
        try await LoopbackServer.run([.of(speaker)]) { server in
            let client = try await SocketClient(server, Self.single)
            client.send(["text": " ", "voice_settings": ["stability": 0.5, "speed": 1], "generation_config": ["chunk_length_schedule": [120]]])
            for word in ["The ", "ship ", "was ", "late. ", "It ", "was ", "night. "] {
                client.send(["text": .string(word), "try_trigger_generation": true])
            }
            client.send(["text": ""])
            let frames = await client.frames { $0.opcode == 8 }
            #expect(frames.last?.code == 1000)
            #expect(frames.dropLast().filter(Self.isFinal).count == 1 && frames.dropLast().last.map(Self.isFinal) == true)
            #expect(Self.text(frames) == "The ship was late. It was night." && Self.text(frames, "normalizedAlignment") == Self.text(frames))
            // The silence between sentences is the usual pause.
            let alone = try await server.ask(.POST, "/v1/text-to-speech/default?output_format=pcm_24000", ["text": "The ship was late."]).body
            #expect(frames.reduce(Data()) { $0 + Self.audio($1) } == alone + Data(count: Int(0.35 * 48_000)) + alone)
            #expect(speaker.requests.ended == 3)
        }
    }

    @Test("the end of a context frees its name, even if nothing of it could be spoken") func names() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.1)])]) { server in
            let client = try await SocketClient(server, Self.multi)
            for number in 0..<50 {
                client.send(["text": .string(number % 5 == 4 ? "שלום עולם." : "Again."), "context_id": "a"])
                client.send(["context_id": "a", "close_context": true])
                let frames = await client.frames(until: Self.isFinal)
                let errors = frames.compactMap { $0.json?["error"] }
                #expect(errors.isEmpty == (number % 5 != 4) && !errors.contains("context_closed"), "\(errors)")
            }
        }
    }

    @Test("the reason of a close fits into its frame, whatever its characters are") func reason() async throws {
        try await LoopbackServer.run { server in
            let voice = String(repeating: "%F0%9F%98%80", count: 80)
            let client = try await SocketClient(server, "/v1/text-to-speech/\(voice)/stream-input?output_format=pcm_24000")
            client.send(["text": "Hello there. ", "flush": true])
            let last = await client.frames { $0.opcode == 8 }.last
            #expect(last?.code == 1008 && last?.payload.count ?? 0 > 60 && last?.payload.count ?? 999 <= 125)
            #expect(last.flatMap { String(validating: $0.payload.dropFirst(2), as: UTF8.self) } != nil)
        }
    }

    @Test("a sentence is spoken when the next one begins, and flushed text at once") func certain() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, Self.single)
            client.send(["text": "The ship was late. A"])
            #expect(await client.next().map { Self.audio($0).count } ?? 0 > 0)
            client.send(["text": "nd then", "flush": true])
            let frames = await client.frames { Self.text([$0]).hasSuffix("then") }
            #expect(Self.text(frames).hasSuffix("And then"))
            // While no text arrives, the place is free for others.
            while server.state.queue.load.running > 0 { await Task.yield() }
            client.send(["text": "Again.", "flush": true])
            #expect(await client.frames { Self.text([$0]).hasSuffix("Again.") }.isEmpty == false)
        }
    }

    @Test("the times of characters restart with each message, or are relative to the beginning if requested", arguments: [false, true])
    func times(fromBeginning: Bool) async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, Self.single + (fromBeginning ? "&sync_alignment=true" : ""))
            client.send(["text": "One two. Three four."])
            client.send(["text": ""])
            var time = 0.0, texts = 0
            for frame in await client.frames(until: { $0.opcode == 8 }) {
                guard case .array(let starts)? = frame.json?["alignment"]?["charStartTimesMs"],
                    case .array(let durations)? = frame.json?["alignment"]?["charDurationsMs"],
                    case .number(let first)? = starts.first, case .number(let last)? = starts.last, case .number(let length)? = durations.last
                else { continue }
                #expect(abs(first - (fromBeginning ? time : 0)) <= 2 && starts.count == durations.count)
                time = (fromBeginning ? 0 : time) + last + length
                texts += 1
            }
            // Two sentences of a second, and the silence between them.
            #expect(texts == 2 && abs(time - 2350) <= 4, "\(time)")
        }
    }

    @Test("the key may be in the first message", arguments: ["xi_api_key", "xi-api-key", "authorization"]) func key(name: String) async throws {
        try await LoopbackServer.run {
            $0.keys = Keyring("secret ada")
        } _: { server in
            let client = try await SocketClient(server, Self.single)
            client.send(.object([.init(name: "text", value: " "), .init(name: name, value: name == "authorization" ? "Bearer secret" : "secret")]))
            client.send(["text": "Hi. "])
            client.send(["text": ""])
            #expect(await client.frames { $0.opcode == 8 }.last?.code == 1000)
            for first: JSON in [["text": "Hi. "], ["text": "Hi.", "xi_api_key": "guess"]] {
                let stranger = try await SocketClient(server, Self.single)
                stranger.send(first)
                let frames = await stranger.frames { $0.opcode == 8 }
                #expect(frames.first?.json?["error"] == "invalid_api_key" && frames.last?.code == 1008 && frames.count == 2)
            }
            let error = await #expect(throws: SocketClient.Refused.self) {
                try await SocketClient(server, Self.single, headers: ["xi-api-key": "guess"])
            }
            #expect(error?.status == 401 && error?.json?["detail"]?["status"] == "invalid_api_key")
        }
    }

    @Test(
        "errors in the address are reported before the connection is a WebSocket",
        arguments: [
            ("default/stream-input?output_format=wav_24000", 400), ("default/multi-stream-input?output_format=mp3_1", 400),
            ("default/stream-input?model_id=whisper-1", 404), ("default/stream-input?inactivity_timeout=1000", 400),
            ("default/stream-input?language_code=tlh", 400),
            ("default/stream-input?sync_alignment=null", 400), ("default/stream-input?seed=x", 400),
        ]) func address(path: String, status: Int) async throws
    {
        try await LoopbackServer.run { server in
            let error = await #expect(throws: SocketClient.Refused.self) { try await SocketClient(server, "/v1/text-to-speech/" + path) }
            #expect(error?.status == status && error?.json?["detail"]?["message"] != nil, "\(error?.answer ?? "")")
        }
    }

    @Test(
        "an error in a message is reported, and closes the connection",
        arguments: [
            #"{"text":7}"#, "[]", "nonsense", #"{"text":"Hi.","voice_settings":{"speed":9}}"#,
        ]) func message(text: String) async throws
    {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, Self.single)
            client.send(1, Array(text.utf8))
            let frames = await client.frames { $0.opcode == 8 }
            #expect(frames.first?.json?["error"] != nil && frames.last?.code == 1008)
        }
    }

    @Test("an unknown voice and a failing model are reported, and end the connection") func failures() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .fail])]) { server in
            for (voice, error) in [("nobody", "voice_not_found"), ("default", "internal_error")] as [(String, JSON)] {
                let client = try await SocketClient(server, "/v1/text-to-speech/\(voice)/stream-input")
                client.send(["text": "Hi.", "flush": true])
                let frames = await client.frames { $0.opcode == 8 }
                #expect(frames.dropLast().last?.json?["error"] == error && frames.last?.code == 1008)
            }
            while server.state.queue.load.running > 0 { await Task.yield() }
        }
    }

    @Test("punctuation without words between sentences is skipped") func signs() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.nothing])]) { server in
            let client = try await SocketClient(server, Self.single)
            client.send(["text": "… … Also"])
            client.send(["text": ""])
            let frames = await client.frames { $0.opcode == 8 }
            #expect(frames.map { $0.json?["error"] } == [nil, nil] && frames.first.map(Self.isFinal) == true && frames.last?.code == 1000)
        }
    }

    @Test("a closed context accepts no more text, and says so") func closed() async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate)])]) { server in
            let client = try await SocketClient(server, Self.multi)
            client.send(["text": "One", "context_id": "a", "close_context": true])
            #expect(await client.next().map { Self.audio($0).isEmpty } == false)
            client.send(["text": "Two", "context_id": "a"])
            #expect(await client.next()?.json?["error"] == "context_closed")
            gate.open()
            #expect(await client.frames(until: Self.isFinal).last?.json?["contextId"] == "a")
        }
    }

    @Test("an inactive connection is closed") func inactivity() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, Self.single + "&inactivity_timeout=0.2")
            client.send(["text": "Hi there"])
            let frames = await client.frames { $0.opcode == 8 }
            #expect(frames.dropLast().last?.json?["error"] == "input_timeout_exceeded" && frames.last?.code == 1008)
        }
    }

    // MARK: several texts

    @Test("contexts are spoken at the same time, each with its name, until each is closed") func contexts() async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate), .sound(0.5)])]) { server in
            let client = try await SocketClient(server, Self.multi)
            for name in ["a", "b"] {
                client.send(["text": " ", "context_id": .string(name), "voice_settings": [:]])
                client.send(["text": .string("Text \(name)."), "context_id": .string(name)])
                client.send(["text": "", "context_id": .string(name), "flush": true])
                client.send(["context_id": .string(name), "close_context": true])
            }
            var begun: Set<JSON> = []
            while begun.count < 2, let frame = await client.next() { begun.insert(frame.json?["contextId"] ?? .null) }
            #expect(begun == ["a", "b"])
            gate.open()
            var ended: [JSON: String] = [:], frames: [SocketClient.Frame] = []
            while ended.count < 2, let frame = await client.next() {
                frames.append(frame)
                if Self.isFinal(frame) { ended[frame.json?["context_id"] ?? .null] = "" }
            }
            for name in ["a", "b"] { #expect(Self.text(frames.filter { $0.json?["contextId"] == .string(name) }) == "Text \(name).") }
            client.send(["close_socket": true])
            #expect(await client.next()?.code == 1000)
        }
    }

    @Test("close_context lets earlier text be spoken; interrupt stops at once, and reports what was heard") func interruption() async throws {
        let speaker = try StandInSpeaker([.text("One two three four five.", 1), .wait(Gate()), .sound(1)])
        try await LoopbackServer.run([.of(speaker)]) { server in
            let client = try await SocketClient(server, Self.multi)
            client.send(["text": "One two three four five. Six", "context_id": "a"])
            #expect(await client.next().map { Self.audio($0).count } == 48_000)
            let begin = ContinuousClock.now
            client.send(["context_id": "a", "interrupt": true, "played_seconds": 0.5])
            let answer = await client.next()
            // In `make clients` it takes at most a tenth of a second; a machine that runs tests may be busy.
            #expect(ContinuousClock.now - begin < .seconds(5))
            #expect(answer?.json?["isFinal"] == true && answer?.json?["interrupted"] == true && answer?.json?["contextId"] == "a")
            #expect(answer?.json?["heard"]?["told"] == true && answer?.json?["heard"]?["seconds"] == 0.5, "\(answer?.text ?? "")")
            while server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1 && speaker.requests.ended == 0)
            // The name can be used again.
            client.send(["text": "Seven. Eight", "context_id": "a"])
            #expect(await client.next().map { Self.audio($0).count } == 48_000)
        }
    }

    @Test("an empty text keeps a context open, and opens none; an inactive one is ended") func keepAlive() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, Self.multi + "&inactivity_timeout=0.4")
            client.send(["text": ""])
            client.send(["text": "Not flushed", "context_id": "a"])
            for _ in 0..<8 {
                try await Task.sleep(for: .milliseconds(100))
                client.send(["text": "", "context_id": "a"])
            }
            let frames = await client.frames(until: Self.isFinal)
            #expect(Self.text(frames) == "Not flushed" && frames.last?.json?["contextId"] == "a")
            let rest = await client.frames { $0.opcode == 8 }
            #expect(rest.first?.json?["error"] == "input_timeout_exceeded" && rest.last?.code == 1008 && rest.count == 2)
        }
    }

    @Test("a context counts as a request for the limits of a client") func limits() async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate)])]) {
            $0.requestsAtOnce = 1
        } _: { server in
            let client = try await SocketClient(server, Self.multi)
            client.send(["text": "One. Two", "context_id": "a"])
            #expect(await client.next()?.json?["contextId"] == "a")
            client.send(["text": "One. Two", "context_id": "b"])
            let refused = await client.next()?.json
            #expect(refused?["contextId"] == "b" && refused?["error"] == "concurrency_limit_exceeded")
            #expect(await client.next().map(Self.isFinal) == true)
            client.send(["context_id": "a", "interrupt": true])
            #expect(await client.next()?.json?["interrupted"] == true)
            gate.open()
        }
    }

    @Test("more contexts than the limit are refused") func manyContexts() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, Self.multi)
            for number in 0..<17 { client.send(["text": " ", "context_id": .string("\(number)")]) }
            #expect(await client.next()?.json?["error"] == "max_active_conversations")
        }
    }

    // MARK: the connection

    @Test("the place of a client that disconnects becomes free") func gone() async throws {
        let speaker = try StandInSpeaker([.sound(0.5), .wait(Gate())])
        try await LoopbackServer.run([.of(speaker)]) {
            $0.places = 1
        } _: { server in
            let client = try await SocketClient(server, Self.single)
            client.send(["text": "One. Two"])
            #expect(await client.next() != nil)
            client.connection.end()
            while server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1)
        }
    }

    @Test("a client that does not read is disconnected, and nothing is buffered for it") func slowReader() async throws {
        let speaker = try StandInSpeaker(Array(repeating: .sound(20), count: 15))
        try await LoopbackServer.run([.of(speaker)]) {
            $0.readerPatience = 0.2
        } _: { server in
            let client = try await SocketClient(server, Self.single)
            client.send(["text": "One. Two"])
            while speaker.requests.opened == 0 || server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1 && speaker.requests.ended == 0)
            withExtendedLifetime(client) {}
        }
    }

    @Test("a server that is stopped speaks the received text, and then closes the connection") func stopping() async throws {
        let gate = Gate()
        let (clients, opened) = AsyncStream<SocketClient>.makeStream()
        async let frames: [SocketClient.Frame] = {
            var found: [SocketClient.Frame] = []
            for await client in clients { found = await client.frames { $0.opcode == 8 } }
            return found
        }()
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate), .sound(0.5)])]) { server in
            let client = try await SocketClient(server, Self.single)
            client.send(["text": "One", "flush": true])
            while server.state.queue.load.running == 0 { await Task.yield() }
            opened.yield(client)
            opened.finish()
            Task { [port = server.port] in
                while (try? RawConnection(port)) != nil { await Task.yield() }
                gate.open()
            }
        }
        let all = await frames
        #expect(all.reduce(0) { $0 + Self.audio($1).count } == 48_000 && all.last?.code == 1000)
    }
}
