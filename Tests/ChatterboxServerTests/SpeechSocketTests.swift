import Chatterbox
import Foundation
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("The WebSocket for text that is spoken while it is being written") struct SpeechSocketTests {
    private static func type(_ frame: SocketClient.Frame?) -> JSON? { frame?.json?["type"] }

    @Test("a text is spoken in sentences, each with its start, its words and its end") func speaks() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send([
                "type": "session.config", "model": "tts-1", "voice": "alloy", "timestamps": true, "seed": 7, "sample_rate": 16_000, "wish": 1,
            ])
            let ready = await client.next()?.json
            #expect(
                ready?["type"] == "session.ready" && ready?["model"] == "stand-in"
                    && ready?["warnings"] == ["wish is ignored: this server has no such field"])
            for text in ["The sh", "ip was late", ". It", " was night."] { client.send(["type": "input.text", "text": .string(text)]) }
            client.send(["type": "input.done"])
            let frames = await client.frames { Self.type($0) == "session.done" }
            let starts = frames.compactMap(\.json).filter { $0["type"] == "audio.start" }
            #expect(
                starts.map { $0["sentence_text"] } == ["The ship was late.", "It was night."] && starts.map { $0["start"] } == [0, 1]
                    && starts.map { $0["pause"] } == [0, 0.35])
            #expect(starts.allSatisfy { $0["seed"] == 7 && $0["sample_rate"] == 16_000 && $0["format"] == "pcm" })
            #expect(frames.filter { $0.opcode == 2 }.reduce(0) { $0 + $1.payload.count } == 32_000 * 2 + 11_200)
            let words = frames.compactMap { frame -> [JSON]? in if case .array(let words)? = frame.json?["words"] { words } else { nil } }.flatMap(
                \.self)
            #expect(words.map { $0["word"] } == ["The", "ship", "was", "late.", "It", "was", "night."])
            #expect(words[4]["start"] == 1.35 && words[6]["end"] == 2.35)
            let done = frames.compactMap(\.json).filter { $0["type"] == "audio.done" }
            #expect(done.map { $0["sentence_index"] } == [0, 1] && done[1]["usage"]?["output_tokens"] == 93)
            #expect(frames.last?.json?["sentences"] == 2 && frames.last?.json?["seconds"] == 2.35)
            // Another text may follow.
            client.send(["type": "input.text", "text": "Again."])
            client.send(["type": "session.close"])
            let again = await client.frames { $0.opcode == 8 }
            let sentences = again.map { $0.json?["sentence_text"] }
            #expect(sentences.contains("Again."))
            #expect(again.last?.code == 1000)
        }
    }

    @Test("a cancel stops endless speech, and reports which words had begun") func cancel() async throws {
        let speaker = try StandInSpeaker([.text("One two three four five six.", 1), .text("", 0.5), .wait(Gate())])
        try await LoopbackServer.run([.of(speaker)]) { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send(["type": "session.config"])
            client.send(["type": "input.text", "text": "One two three four five six. Seven"])
            _ = await client.frames { $0.opcode == 2 }
            let begin = ContinuousClock.now
            client.send(["type": "input.cancel", "played_seconds": 0.4])
            let last = await client.frames { Self.type($0) == "audio.interrupted" }.last
            #expect(ContinuousClock.now - begin < .seconds(5))
            // By the usual rate: about four letters and a space take a third of a second.
            let heard = last?.json?["heard"]
            #expect(
                heard?["text"] == "One two" && heard?["words"] == 2 && heard?["characters"] == 7 && heard?["seconds"] == 0.4, "\(last?.text ?? "")")
            while server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1)
            client.send(["type": "input.cancel"])
            #expect(await client.next()?.json?["heard"]?["words"] == 0)
        }
    }

    @Test("a sentence that the model cannot speak is left out with a message; the others are spoken") func leavesOut() async throws {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send(["type": "session.config"])
            client.send(["type": "input.text", "text": "Good morning. שלום עולם. The ship was late."])
            client.send(["type": "input.done"])
            let messages = await client.frames { Self.type($0) == "session.done" }.compactMap(\.json)
            #expect(messages.filter { $0["type"] == "audio.start" }.map { $0["sentence_text"] } == ["Good morning.", "The ship was late."])
            let out = messages.filter { $0["type"] == "text.left_out" }
            #expect(out.map { $0["sentence_text"] } == ["שלום עולם."] && out[0]["reason"] != nil)
            #expect(messages.last?["sentences"] == 2)
            // A text of nothing else causes an error, and ends.
            client.send(["type": "input.text", "text": "שלום עולם."])
            client.send(["type": "input.done"])
            let wrong = await client.frames { Self.type($0) == "session.done" }.compactMap(\.json)
            #expect(wrong.map { $0["type"] } == ["text.left_out", "error", "session.done"])
        }
    }

    @Test("after the message that a text has ended, another can begin") func another() async throws {
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.1)])]) { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send(["type": "session.config"])
            _ = await client.next()
            for _ in 0..<50 {
                client.send(["type": "input.text", "text": "Again."])
                client.send(["type": "input.done"])
                let messages = await client.frames { Self.type($0) == "session.done" || Self.type($0) == "error" }.compactMap(\.json)
                #expect(messages.last?["type"] == "session.done", "\(messages.last?.text ?? "")")
            }
        }
    }

    @Test(
        "an error in a message is reported, and has no other effect",
        arguments: [
            ("{}", "missing_required_parameter"), ("nonsense", "invalid_json"), (#"{"type":"dance"}"#, "invalid_value"),
            (#"{"type":"input.text","text":"Hi."}"#, "invalid_value"), (#"{"type":"session.config","response_format":"flac"}"#, "invalid_value"),
            (#"{"type":"session.config","model":"whisper-1"}"#, "model_not_found"),
            (#"{"type":"session.config","judge":"moonshine"}"#, "invalid_value"),
            (#"{"type":"session.config","response_format":"mp3","sample_rate":9000}"#, "invalid_value"),
        ] as [(String, JSON)]) func refused(message: String, code: JSON) async throws
    {
        try await LoopbackServer.run { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send(1, Array(message.utf8))
            let answer = await client.next()?.json
            #expect(answer?["type"] == "error" && answer?["error"]?["code"] == code, "\(answer?.text ?? "")")
            client.send(["type": "session.config"])
            #expect(await Self.type(client.next()) == "session.ready")
        }
    }

    @Test("a text that is too long is refused") func tooLong() async throws {
        try await LoopbackServer.run {
            $0.characterLimit = 20
        } _: { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send(["type": "session.config"])
            client.send(["type": "input.text", "text": .string(String(repeating: "a", count: 21))])
            _ = await client.next()
            #expect(await client.next()?.json?["error"]?["code"] == "string_above_max_length")
        }
    }

    @Test("while a text is being spoken no other can begin") func order() async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", [.sound(0.5), .wait(gate)])]) { server in
            let client = try await SocketClient(server, SocketClient.path)
            client.send(["type": "session.config"])
            client.send(["type": "input.text", "text": "One."])
            client.send(["type": "input.done"])
            _ = await client.frames { $0.opcode == 2 }
            for message: JSON in [["type": "input.text", "text": "Two."], ["type": "session.config"]] {
                client.send(message)
                #expect(await Self.type(client.next()) == "error")
            }
            gate.open()
            #expect(await client.frames { Self.type($0) == "session.done" }.last != nil)
        }
    }

    @Test("an inactive connection is closed") func inactivity() async throws {
        try await LoopbackServer.run {
            $0.connectionTimeout = 0.2
        } _: { server in
            let client = try await SocketClient(server, SocketClient.path)
            #expect(await client.next()?.code == 1008)
        }
    }
}

@Suite("How much of a speech was heard") struct HeardSpeechTests {
    @Test("a listener plays sound as it arrives, and waits if there is none") func playback() {
        var clock = PlaybackClock()
        let begin = ContinuousClock.now
        #expect(clock.played(at: begin) == 0)
        clock.take(1, at: begin)
        #expect(abs(clock.played(at: begin + .milliseconds(300)) - 0.3) < 1e-9)
        #expect(clock.played(at: begin + .seconds(5)) == 1)
        clock.take(1, at: begin + .seconds(5))
        #expect(abs(clock.played(at: begin + .milliseconds(5250)) - 1.25) < 1e-9)
    }

    @Test("words that have begun count as heard; those without times are assumed to have the usual rate") func words() {
        var spoken = SpokenSoFar()
        spoken.begin("One two.", at: 0)
        spoken.take(1, [SpokenWord(text: "One", start: 0, end: 0.5), SpokenWord(text: "two.", start: 0.5, end: 1)])
        spoken.endSentence()
        #expect(spoken.heard(0.4).words == ["One"] && spoken.heard(9).words == ["One", "two."] && spoken.heard(9).seconds == 1)
        spoken.begin("Three four five.", at: 1.35)
        spoken.take(0.75, [])
        #expect(spoken.heard(1.2).words == ["One", "two."] && spoken.heard(1.5).words == ["One", "two.", "Three"])
        #expect(spoken.heard(1.75).words == ["One", "two.", "Three"] && spoken.heard(nil).isTold == false)
    }
}
