import Foundation
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Wyoming") struct WyomingTests {
    /// A client of the server's port.
    final class Client: Sendable {
        let connection: RawConnection
        private let buffer = Mutex(ByteBuffer())

        init(_ server: LoopbackServer) throws { connection = try RawConnection(server.wyomingPort) }

        func send(_ event: WyomingEvent) {
            var bytes = ByteBuffer()
            event.write(into: &bytes)
            connection.send(Array(bytes.readableBytesView))
        }

        func next() async throws -> WyomingEvent? {
            while true {
                if let event = try buffer.withLock({ try Self.take(&$0) }) { return event }
                guard let more = await connection.receive() else { return nil }
                buffer.withLock { _ = $0.writeBytes(more) }
            }
        }

        func events(until last: String) async throws -> [WyomingEvent] {
            var events: [WyomingEvent] = []
            while let event = try await next() {
                events.append(event)
                if event.type == last { break }
            }
            return events
        }

        private static func take(_ buffer: inout ByteBuffer) throws -> WyomingEvent? {
            guard let end = buffer.readableBytesView.firstIndex(of: 0x0A) else { return nil }
            let line = try JSON(parsing: Data(buffer.readableBytesView[..<end]))
            func length(_ name: String) -> Int { if case .number(let count)? = line[name] { Int(count) } else { 0 } }
            guard case .string(let type)? = line["type"],
                buffer.readableBytes >= end + 1 - buffer.readerIndex + length("data_length") + length("payload_length")
            else { return nil }
            buffer.moveReaderIndex(to: end + 1)
            let data = buffer.readBytes(length: length("data_length"))!, payload = buffer.readBytes(length: length("payload_length"))!
            return WyomingEvent(type: type, data: data.isEmpty ? .object([]) : try JSON(parsing: Data(data)), payload: payload)
        }
    }

    private func run(
        _ models: [ModelOffering] = [.standIn()], _ configure: (inout ServerConfiguration) -> Void = { _ in },
        _ test: @Sendable (LoopbackServer) async throws -> Void
    ) async throws {
        try await LoopbackServer.run(
            models,
            { configuration in
                configuration.wyomingPort = 0
                configure(&configuration)
            }, test)
    }

    @Test("describe lists the voices, and says that texts may arrive in pieces") func describe() async throws {
        try await run { server in
            let client = try Client(server)
            client.send(WyomingEvent(type: "describe"))
            guard case .array(let programs)? = try await client.next()?.data["tts"] else { return #expect(Bool(false)) }
            #expect(programs[0]["supports_synthesize_streaming"] == true && programs[0]["installed"] == true)
            guard case .array(let voices)? = programs[0]["voices"] else { return #expect(Bool(false)) }
            #expect(voices.map { $0["name"] } == ["default"])
            client.send(WyomingEvent(type: "ping", data: ["text": "there?"]))
            #expect(try await client.next() == WyomingEvent(type: "pong", data: ["text": "there?"]))
        }
    }

    @Test("a text is spoken, with the format before its sound and an end after it") func synthesize() async throws {
        try await run { server in
            let client = try Client(server)
            for _ in 0..<2 {
                client.send(WyomingEvent(type: "synthesize", data: ["text": "The ship was late.", "voice": ["name": "default"]]))
                let events = try await client.events(until: "audio-stop")
                #expect(events.map(\.type) == ["audio-start", "audio-chunk", "audio-chunk", "audio-stop"])
                #expect(
                    events[0].data["rate"] == 24_000 && events[0].data["width"] == 2 && events[0].data["channels"] == 1
                        && events[1].data == events[0].data)
                let alone = try await server.speak([("response_format", "pcm")]).body
                #expect(Data(events.flatMap(\.payload)) == alone)
            }
        }
    }

    @Test("a text that arrives in pieces is spoken in sentences; the whole text, sent for other servers, is not spoken again") func stream()
        async throws
    {
        let speaker = try StandInSpeaker()
        try await run([.of(speaker)]) { server in
            let client = try Client(server)
            client.send(WyomingEvent(type: "synthesize-start", data: ["voice": ["name": "default"]]))
            for text in ["The ship was", " late. It", " was night."] {
                client.send(WyomingEvent(type: "synthesize-chunk", data: ["text": .string(text)]))
            }
            // The first sentence is delivered before the text has ended.
            #expect(try await client.next()?.type == "audio-start")
            client.send(WyomingEvent(type: "synthesize", data: ["text": "The ship was late. It was night."]))
            client.send(WyomingEvent(type: "synthesize-stop"))
            let events = try await client.events(until: "synthesize-stopped")
            #expect(events.suffix(2).map(\.type) == ["audio-stop", "synthesize-stopped"])
            #expect(events.dropLast(2).allSatisfy { $0.type == "audio-chunk" })
            let silence = Int(0.35 * 48_000)
            #expect(events.map(\.payload.count).reduce(0, +) == 48_000 * 2 + silence)
            #expect(speaker.requests.opened == 2)
        }
    }

    @Test(
        "an error is reported, and the connection continues",
        arguments: [
            (WyomingEvent(type: "synthesize", data: ["text": ""]), "invalid_value"), (WyomingEvent(type: "synthesize"), "missing_required_parameter"),
            (WyomingEvent(type: "synthesize", data: ["text": "Hi.", "voice": ["name": "nobody"]]), "voice_not_found"),
            (WyomingEvent(type: "synthesize", data: ["text": "Hi.", "voice": ["language": "tlh"]]), "invalid_value"),
            (WyomingEvent(type: "synthesize-chunk", data: ["text": "Hi."]), "invalid_event"),
        ] as [(WyomingEvent, JSON)]) func refused(event: WyomingEvent, code: JSON) async throws
    {
        try await run { server in
            let client = try Client(server)
            client.send(event)
            let answer = try await client.next()
            #expect(answer?.type == "error" && answer?.data["code"] == code, "\(String(describing: answer))")
            // Clients read until the sound stops.
            if event.type == "synthesize" {
                let stop = try await client.next()
                #expect(stop?.type == "audio-stop")
            }
            client.send(WyomingEvent(type: "synthesize", data: ["text": "Hi."]))
            #expect(try await client.events(until: "audio-stop").count == 4)
        }
    }

    @Test("a streamed text that cannot be spoken, or never began, gets its end event", arguments: [true, false]) func ends(begins: Bool) async throws
    {
        try await run { server in
            let client = try Client(server)
            client.send(WyomingEvent(type: "synthesize-start", data: begins ? [:] : ["voice": ["language": "tlh"]]))
            if begins { client.send(WyomingEvent(type: "synthesize-chunk", data: ["text": "שלום עולם."])) }
            client.send(WyomingEvent(type: "synthesize-stop"))
            let events = try await client.events(until: "synthesize-stopped")
            #expect(events.first?.type == "error" && events.last?.type == "synthesize-stopped", "\(events)")
        }
    }

    @Test(
        "an invalid event closes the connection, with a reason",
        arguments: [
            "nonsense\n", "[]\n", "{}\n", #"{"type":"ping","data_length":-1}"# + "\n", #"{"type":"ping","payload_length":1e12}"# + "\n",
            #"{"type":"ping","data_length":2}"# + "\n[]", String(repeating: "a", count: 100_000),
        ]) func faults(bytes: String) async throws
    {
        try await run { server in
            let client = try Client(server)
            client.connection.send(bytes)
            #expect(try await client.next()?.type == "error")
            #expect(try await client.next() == nil)
        }
    }

    @Test("an event is read however its bytes are divided") func cuts() throws {
        let event = WyomingEvent(type: "synthesize", data: ["text": "Grüße"], payload: [1, 2, 3, 10])
        var bytes = ByteBuffer()
        event.write(into: &bytes)
        for size in [1, 2, 7, bytes.readableBytes] {
            let channel = EmbeddedChannel(handler: ByteToMessageHandler(WyomingCodec(limit: 1000)))
            var rest = bytes
            while rest.readableBytes > 0 { try channel.writeInbound(rest.readSlice(length: min(size, rest.readableBytes))!) }
            #expect(try channel.readInbound(as: WyomingEvent.self) == event)
        }
    }

    @Test("the place of a client that disconnects becomes free") func gone() async throws {
        let speaker = try StandInSpeaker([.sound(0.5), .wait(Gate())])
        try await run([.of(speaker)]) { server in
            let client = try Client(server)
            client.send(WyomingEvent(type: "synthesize", data: ["text": "The ship was late."]))
            #expect(try await client.next()?.type == "audio-start")
            client.connection.end()
            while server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1)
        }
    }

    @Test("a client that does not read is disconnected") func slowReader() async throws {
        let speaker = try StandInSpeaker(Array(repeating: .sound(20), count: 15))
        try await run([.of(speaker)], { $0.readerPatience = 0.2 }) { server in
            let client = try Client(server)
            client.send(WyomingEvent(type: "synthesize", data: ["text": "The ship was late."]))
            while speaker.requests.opened == 0 || server.state.queue.load.running > 0 { await Task.yield() }
            #expect(speaker.requests.cancelled == 1)
            withExtendedLifetime(client) {}
        }
    }

    @Test("an inactive connection is closed, also one whose text never arrives; one that is receiving sound is not") func silence() async throws {
        let gate = Gate()
        let speaker = try StandInSpeaker([.sound(0.5), .wait(gate)])
        try await run([.of(speaker)], { $0.connectionTimeout = 1.5 }) { server in
            let silent = try Client(server), begun = try Client(server), listening = try Client(server)
            begun.send(WyomingEvent(type: "synthesize-start"))
            listening.send(WyomingEvent(type: "synthesize", data: ["text": "The ship was late."]))
            for client in [silent, begun] {
                let last = try await client.next()
                #expect(last?.data["code"] == "idle" && last?.data["text"] == "no message has arrived for 1.5 s")
                let end = try await client.next()
                #expect(end == nil)
            }
            gate.open()
            let heard = try await listening.events(until: "audio-stop")
            #expect(heard.last?.type == "audio-stop")
        }
    }

    @Test("connections above the limit get an error") func tooMany() async throws {
        try await run { server in
            let clients = try (0..<WyomingServer.most).map { _ in try Client(server) }
            // When all have been answered, all are registered.
            for client in clients { client.send(WyomingEvent(type: "ping")) }
            for client in clients { _ = try await client.next() }
            let late = try Client(server)
            let told = try await late.next()
            #expect(told?.data["code"] == "too_many_connections")
            let end = try await late.next()
            #expect(end == nil)
            clients[0].connection.end()
            var answer: WyomingEvent?
            while answer?.type != "pong" {
                let again = try Client(server)
                again.send(WyomingEvent(type: "ping"))
                answer = try await again.next()
            }
        }
    }
}
