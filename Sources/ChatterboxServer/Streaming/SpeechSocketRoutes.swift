import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOWebSocket
import Synchronization

/// `GET /audio/speech/stream`: this server's own WebSocket, for text that is spoken while it is being written.
struct SpeechSocketRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route(
            "/audio/speech/stream",
            [
                .get: { request, context in
                    let watch = await ConnectionWatch.of(context.channel)
                    return try await WebSocket.response(to: request, context, state.configuration) { socket in
                        try await SpeechSession(state, context, watch, socket).serve()
                    }
                }
            ])
    }
}

/// One such WebSocket. Messages are JSON with a `type`; sound is binary.
final class SpeechSession: Sendable {
    private let server: ServerState
    private let request: ServerContext
    private let watch: ConnectionWatch?
    private let socket: WebSocket

    private struct State {
        /// The settings of the last `session.config`; nil before the first.
        var order: SpeechOrder?
        var wantsWords = false
        /// The text that is being spoken, or for which more input is expected.
        var speech: StreamedSpeech?
        var sentences = 0
        var seconds = 0.0
        var isEnding = false
        var touched = ContinuousClock.now
    }

    private let state = Mutex(State())

    init(_ server: ServerState, _ request: ServerContext, _ watch: ConnectionWatch?, _ socket: WebSocket) {
        (self.server, self.request, self.watch, self.socket) = (server, request, watch, socket)
    }

    /// Speaks the texts, until the client ends the session, disconnects, or is inactive for too long.
    ///
    /// - Throws: ``WebSocketFault`` with the reason that is sent to the client.
    func serve() async throws {
        try await socket.serve(watch: watchInactivity, stopping: end) { text in
            guard let speech = try await self.take(text) else { return nil }
            return { try await self.run(speech) }
        }
    }

    // MARK: messages

    /// - Returns: the speech that the message began, if any.
    private func take(_ text: String) async throws -> StreamedSpeech? {
        state.withLock { $0.touched = .now }
        do {
            var fields = try RequestFields(parsing: Data(text.utf8))
            guard let type = try fields.string("type") else { throw APIError.missing("type") }
            switch type {
            case "session.config": try await configure(&fields)
            case "input.text":
                guard let text = try fields.string("text") else { throw APIError.missing("text") }
                return try add(text)
            case "input.flush": state.withLock(\.speech)?.feed.flush()
            case "input.done":
                guard let speech = state.withLock(\.speech) else {
                    try await socket.send(Self.done(0, 0))
                    return nil
                }
                speech.feed.end()
            case "input.cancel": try interrupt(playedSeconds: fields.number("played_seconds", in: 0...1e6))
            case "session.close": end()
            default:
                throw APIError.invalid(
                    "there is no message \(type); there are session.config, input.text, input.flush, input.done, input.cancel and session.close",
                    "type")
            }
        } catch let error as APIError {
            // An error in one message does not affect the others.
            try await socket.send(Self.failure(error))
        }
        return nil
    }

    private func configure(_ fields: inout RequestFields) async throws {
        var order = SpeechOrder(model: try fields.string("model") ?? "default", input: "", voice: try fields.voice() ?? "default")
        let wantsWords = try fields.bool("timestamps") ?? false
        try order.takeStreamed(&fields, isStrict: server.configuration.isStrict)
        let offer = try server.models.offer(named: order.model)
        try await server.voices.check(order.voice, of: offer)
        if let language = order.manner.language, let variant = offer.variant, !variant.languages.contains(language) {
            throw APIError.invalid("\(offer.name) speaks \(variant.languages.map(\.code).joined(separator: ", "))", "language")
        }
        let busy = state.withLock { state in
            if state.speech == nil { (state.order, state.wantsWords) = (order, wantsWords) }
            return state.speech != nil
        }
        guard !busy else { throw APIError.invalid("a text is being spoken; send session.config before a text, or after its session.done", "type") }
        try await socket.send([
            "type": "session.ready", "model": .string(offer.name), "voice": .string(order.voice),
            "response_format": .string(order.sound.format.rawValue), "warnings": .array(order.warnings.map { .string($0) }),
        ])
    }

    private func add(_ text: String) throws -> StreamedSpeech? {
        guard let order = state.withLock(\.order) else { throw APIError.invalid("session.config must come first", "type") }
        if let speech = state.withLock(\.speech), !speech.feed.isEnded {
            speech.touch()
            try speech.feed.add(text)
            return nil
        }
        guard state.withLock({ $0.speech == nil }) else {
            throw APIError.invalid("the previous text is still being spoken; wait for its session.done, or send input.cancel", "type")
        }
        let speech = StreamedSpeech(order, server, request.channel, watch: watch, client: request.client, logger: request.logger)
        try speech.feed.add(text)
        state.withLock { ($0.speech, $0.sentences, $0.seconds) = (speech, 0, 0) }
        return speech
    }

    /// Stops the speech at once, and sends how much was heard.
    private func interrupt(playedSeconds: Double?) throws {
        let speech = state.withLock { state in
            defer { state.speech = nil }
            return state.speech
        }
        guard let speech else {
            _ = socket.enqueue(Self.interrupted(HeardSpeech(seconds: 0, isTold: playedSeconds != nil, words: [])))
            return
        }
        speech.interrupt(playedSeconds: playedSeconds) { _ = socket.enqueue(Self.interrupted($0)) }
    }

    // MARK: speaking

    private func run(_ speech: StreamedSpeech) async throws {
        var failure: APIError?
        do { try await speech.run { self.deliver($0) } } catch let error where !error.meansThatNobodyListens { failure = APIError(error) } catch {}
        // After this message the client may begin another text.
        let (told, isLast) = state.withLock { state in
            if state.speech === speech { state.speech = nil }
            state.touched = .now
            guard !speech.isInterrupted else { return (EventLoopFuture<Void>?.none, state.isEnding) }
            if let failure { _ = socket.enqueue(Self.failure(failure)) }
            return (socket.enqueue(Self.done(state.sentences, state.seconds)), state.isEnding)
        }
        if let told { try? await socket.wait(for: told) }
        if isLast { socket.stopReading() }
    }

    private func deliver(_ event: StreamedSpeech.Event) -> EventLoopFuture<Void>? {
        switch event {
        case .begins(let sentence):
            let order = state.withLock(\.order)
            return socket.enqueue([
                "type": "audio.start", "sentence_index": .init(sentence.number), "sentence_text": .string(sentence.text),
                "format": .string(order?.sound.format.rawValue ?? ""), "sample_rate": .init(sentence.sampleRate), "start": .seconds(sentence.start),
                "pause": .seconds(sentence.pause), "seed": .number(Double(sentence.seed)), "estimated": .bool(sentence.estimatesWords),
            ])
        case .sound(let piece):
            let wantsWords = state.withLock(\.wantsWords)
            let words = wantsWords && !piece.words.isEmpty ? socket.enqueue(["type": "audio.words", "words": piece.words.json]) : nil
            return piece.bytes.isEmpty ? words : socket.enqueue(piece.bytes)
        case .ends(let sentence, let seconds, let usage):
            state.withLock { state in
                state.sentences += 1
                state.seconds += seconds
            }
            return socket.enqueue([
                "type": "audio.done", "sentence_index": .init(sentence.number), "seconds": .seconds(seconds), "usage": usage.json,
            ])
        case .leftOut(let text, let reason):
            return socket.enqueue(["type": "text.left_out", "sentence_text": .string(text), "reason": .string(reason)])
        }
    }

    /// Ends the session when the received text has been spoken.
    private func end() {
        let speech = state.withLock { state in
            state.isEnding = true
            return state.speech
        }
        if let speech { speech.feed.end() } else { socket.stopReading() }
    }

    private func watchInactivity() async throws {
        let limit = server.configuration.connectionTimeout
        while (try? await Task.sleep(for: .seconds(min(1, limit / 4)))) != nil {
            let (idle, speech) = state.withLock { ((.now - $0.touched) / .seconds(1), $0.speech) }
            guard idle > limit, speech == nil || speech?.secondsIdle ?? 0 > limit else { continue }
            socket.stopReading()
            throw WebSocketFault(.policyViolation, "no message has arrived for \(JSON.number(limit).text) s")
        }
    }

    // MARK: messages of the server

    private static func done(_ sentences: Int, _ seconds: Double) -> JSON {
        ["type": "session.done", "sentences": .init(sentences), "seconds": .seconds(seconds)]
    }

    private static func interrupted(_ heard: HeardSpeech) -> JSON { ["type": "audio.interrupted", "heard": heard.json] }

    private static func failure(_ error: APIError) -> JSON { ["type": "error", "error": error.object] }
}

extension JSON {
    /// Rounded to milliseconds.
    fileprivate static func seconds(_ value: Double) -> JSON { .number((value * 1000).rounded() / 1000) }
}
