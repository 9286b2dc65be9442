import Chatterbox
import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// One connection of the Wyoming protocol.
///
/// Texts are spoken one after the other, in the order in which they arrive. If a client disconnects, its place becomes free.
final class WyomingSession: Sendable {
    private enum Job: Sendable {
        /// A complete text.
        case speak(SpeechOrder)
        /// A text that arrives in pieces.
        case stream(StreamedSpeech)
    }

    private let server: ServerState
    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<WyomingEvent>
    private let logger: Logger
    private let client: String
    private let state = Mutex(State())

    private struct State {
        /// The number of texts that are being spoken or wait.
        var jobs = 0
        /// The speech of a text that arrives in pieces, until the text has ended.
        var streamed: StreamedSpeech?
        /// When the last event was received, or the last text ended.
        var touched = ContinuousClock.now
    }

    /// The largest number of texts that may wait on a connection.
    private static let most = 16

    init(_ server: ServerState, _ channel: any Channel, _ outbound: NIOAsyncChannelOutboundWriter<WyomingEvent>, logger: Logger) {
        (self.server, self.channel, self.outbound, self.logger) = (server, channel, outbound, logger)
        client = channel.remoteAddress?.ipAddress ?? "unknown"
    }

    /// Handles events until the client disconnects or the server stops.
    func serve(_ inbound: NIOAsyncChannelInboundStream<WyomingEvent>) async throws {
        let (jobs, next) = AsyncStream<Job>.makeStream(bufferingPolicy: .bufferingOldest(Self.most))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await job in jobs {
                    try await self.run(job)
                    self.state.withLock { ($0.jobs, $0.touched) = ($0.jobs - 1, .now) }
                }
            }
            group.addTask { try await self.watchInactivity() }
            do {
                for try await event in inbound.cancelOnGracefulShutdown() {
                    state.withLock { $0.touched = .now }
                    do { try await take(event, next) } catch let error as APIError {
                        try await fail(error)
                        if event.type == "synthesize" { try await send(WyomingEvent(type: "audio-stop")) }
                    }
                }
                endText()
                next.finish()
                // When the server stops, the received texts are still spoken; for a client that has disconnected nothing more is done.
                if channel.isActive, Task.isShuttingDownGracefully { try await group.next() }
                group.cancelAll()
            } catch let fault as WyomingFault {
                try await send(WyomingEvent(type: "error", data: ["text": .string(fault.reason), "code": "invalid_event"]))
                group.cancelAll()
            }
        }
    }

    private func endText() {
        state.withLock { state in
            state.streamed?.feed.end()
            state.streamed = nil
        }
    }

    /// Closes the connection of an inactive client, because the number of connections is limited.
    private func watchInactivity() async throws {
        let limit = server.configuration.connectionTimeout
        while (try? await Task.sleep(for: .seconds(min(1, limit / 4)))) != nil {
            let (idle, jobs, streamed) = state.withLock { ((.now - $0.touched) / .seconds(1), $0.jobs, $0.streamed) }
            guard idle > limit, jobs == 0 || (jobs == 1 && streamed?.secondsIdle ?? 0 > limit) else { continue }
            try? await fail(APIError(.requestTimeout, "no message has arrived for \(JSON.number(limit).text) s", code: "idle"))
            channel.close(promise: nil)
            return
        }
    }

    private func take(_ event: WyomingEvent, _ jobs: AsyncStream<Job>.Continuation) async throws {
        guard case .object(let members) = event.data else { return }
        var fields = RequestFields(members)
        let streamed = state.withLock(\.streamed)
        switch event.type {
        case "describe": try await send(WyomingEvent(type: "info", data: description))
        case "ping": try await send(WyomingEvent(type: "pong", data: event.data))
        case "synthesize":
            // A client that sends a text in pieces sends the whole text as well, for servers that do not support pieces.
            guard streamed == nil else { return }
            guard let text = try fields.string("text") else { throw APIError.missing("text") }
            var order = try order(&fields)
            try SpeechOrder.check(text, "text", limit: server.configuration.characterLimit)
            order.input = text
            try put(.speak(order), into: jobs)
        case "synthesize-start":
            guard streamed == nil else {
                throw APIError.invalid("a text has already begun; send synthesize-stop to end it", nil, code: "invalid_event")
            }
            let speech = StreamedSpeech(try order(&fields), server, channel, watch: nil, client: client, logger: logger)
            try put(.stream(speech), into: jobs)
            state.withLock { $0.streamed = speech }
        case "synthesize-chunk":
            guard let speech = streamed else { throw APIError.invalid("send synthesize-start before synthesize-chunk", nil, code: "invalid_event") }
            try speech.feed.add(try fields.string("text") ?? "")
        case "synthesize-stop":
            // The client waits for this event even if nothing was begun because of an error.
            guard streamed != nil else { return try await send(WyomingEvent(type: "synthesize-stopped")) }
            endText()
        default: break
        }
    }

    private func put(_ job: Job, into jobs: AsyncStream<Job>.Continuation) throws {
        state.withLock { $0.jobs += 1 }
        guard case .enqueued = jobs.yield(job) else {
            state.withLock { $0.jobs -= 1 }
            throw APIError.busy("\(Self.most) texts wait on this connection", code: "queue_full", retryAfter: 1)
        }
    }

    /// The request of an event, without the text.
    private func order(_ fields: inout RequestFields) throws -> SpeechOrder {
        var voice = try fields.object("voice")
        var order = SpeechOrder(model: "default", input: "", voice: try voice.string("name") ?? "default")
        // An empty value counts as missing.
        let language = try voice.string("language")
        try order.setLanguage(language?.split(whereSeparator: { "-_".contains($0) }).isEmpty == false ? language : nil)
        order.sound = .init(.pcm)
        return order
    }

    // MARK: speaking

    private func run(_ job: Job) async throws {
        do {
            switch job {
            case .speak(let order): try await speak(order)
            case .stream(let speech): try await stream(speech)
            }
        } catch let error where !error.meansThatNobodyListens {
            try await fail(APIError(error))
            // Clients read until the sound stops, and ignore errors.
            try await send(WyomingEvent(type: "audio-stop"))
            if case .stream = job { try await send(WyomingEvent(type: "synthesize-stopped")) }
        }
    }

    private func speak(_ order: SpeechOrder) async throws {
        let begin = ContinuousClock.now
        server.log(order, logger)
        do {
            let admission = try server.limits.admit(client)
            let speech = try await server.open(order, nil, places: [admission], since: begin, logger: logger)
            do {
                var hasBegun = false
                while let piece = try await speech.next() {
                    if !hasBegun { try await start(speech.sampleRate) }
                    hasBegun = true
                    try await send(piece.bytes, speech.sampleRate)
                }
                try await send(WyomingEvent(type: "audio-stop"))
                await speech.record(in: server.metrics, end: speech.end, seconds: (.now - begin) / .seconds(1))
            } catch {
                speech.cancel()
                await speech.record(in: server.metrics, end: "abort", seconds: (.now - begin) / .seconds(1))
                throw error
            }
        } catch {
            server.countFailure(error)
            throw error
        }
    }

    private func stream(_ speech: StreamedSpeech) async throws {
        let rate = Mutex(0)
        try await speech.run { [channel] event in
            switch event {
            case .begins(let sentence):
                guard sentence.number == 0 else { return nil }
                rate.withLock { $0 = sentence.sampleRate }
                return channel.writeAndFlush(WyomingEvent(type: "audio-start", data: Self.format(sentence.sampleRate)))
            case .sound(let piece):
                guard !piece.bytes.isEmpty else { return nil }
                return channel.writeAndFlush(WyomingEvent(type: "audio-chunk", data: Self.format(rate.withLock(\.self)), payload: piece.bytes))
            case .ends, .leftOut: return nil
            }
        }
        if rate.withLock(\.self) > 0 { try await send(WyomingEvent(type: "audio-stop")) }
        try await send(WyomingEvent(type: "synthesize-stopped"))
    }

    // MARK: messages of the server

    private func start(_ rate: Int) async throws { try await send(WyomingEvent(type: "audio-start", data: Self.format(rate))) }

    private func send(_ samples: [UInt8], _ rate: Int) async throws {
        if !samples.isEmpty { try await send(WyomingEvent(type: "audio-chunk", data: Self.format(rate), payload: samples)) }
    }

    private static func format(_ rate: Int) -> JSON { ["rate": .init(rate), "width": 2, "channels": 1] }

    private func fail(_ error: APIError) async throws {
        try await send(WyomingEvent(error))
    }

    private func send(_ event: WyomingEvent) async throws {
        try await Patience(channel, seconds: server.configuration.readerPatience).waiting { try await outbound.write(event) }
    }

    /// What this server is and what it supports.
    private var description: JSON {
        let maker: JSON = ["name": "Chatterbox for Swift", "url": ""]
        let languages = server.models.offers[0].variant?.languages.map(\.code) ?? ["en"]
        let voices = server.knownVoices(of: [server.models.offers[0]]).map { voice -> JSON in
            let name = voice.name
            return [
                "name": .string(name), "attribution": maker, "installed": true, "description": .string(name), "version": .null,
                "languages": .array(languages.map { .string($0) }),
            ]
        }
        return [
            "tts": [
                [
                    "name": "chatterbox", "attribution": maker, "installed": true, "description": "Speech by Chatterbox", "version": .null,
                    "voices": .array(voices), "supports_synthesize_streaming": true,
                ]
            ], "asr": [], "handle": [], "intent": [], "wake": [], "mic": [], "snd": [],
        ]
    }
}
