import Foundation
import NIOCore
import NIOWebSocket
import Synchronization

/// One WebSocket of ElevenLabs' API: it receives texts, each in its context, and sends their sound.
final class ElevenLabsSession: Sendable {
    private let settings: ElevenLabsSocketSettings
    /// Whether there are several texts in contexts; otherwise there is one, and the WebSocket is closed at its end.
    private let isMulti: Bool
    private let server: ServerState
    private let request: ServerContext
    private let watch: ConnectionWatch?
    private let socket: WebSocket

    private struct State {
        var contexts: [String: ElevenLabsContext] = [:]
        /// Whether the session ends after all contexts have ended.
        var isEnding = false
        /// When the last message was received, or the last context ended.
        var touched = ContinuousClock.now

        /// Frees a context's name, unless another context has it meanwhile.
        mutating func forget(_ context: ElevenLabsContext) {
            if contexts[context.name ?? ""] === context { contexts[context.name ?? ""] = nil }
        }
    }

    private let state = Mutex(State())

    /// The largest number of open contexts.
    private static let most = 16

    init(
        _ settings: ElevenLabsSocketSettings, isMulti: Bool, _ server: ServerState, _ request: ServerContext, _ watch: ConnectionWatch?,
        _ socket: WebSocket
    ) {
        (self.settings, self.isMulti, self.server, self.request, self.watch, self.socket) = (settings, isMulti, server, request, watch, socket)
    }

    /// Speaks the texts, until the client ends the session, disconnects, or is inactive for too long.
    ///
    /// - Throws: ``WebSocketFault`` with the reason that is sent to the client.
    func serve() async throws {
        try await socket.serve(watch: watchInactivity, stopping: end) { text in
            guard let context = try await self.take(text) else { return nil }
            return { try await self.speak(context) }
        }
    }

    // MARK: messages

    /// - Returns: the context that the message opened.
    private func take(_ text: String) async throws -> ElevenLabsContext? {
        state.withLock { $0.touched = .now }
        do {
            var fields = try RequestFields(parsing: Data(text.utf8))
            try authorize(&fields)
            return isMulti ? try await takeOfMany(fields) : try takeOfOne(&fields)
        } catch let error as APIError {
            try await fail(error)
        }
    }

    /// Sends the error in a message, and ends the session.
    private func fail(_ error: APIError) async throws -> Never {
        try await socket.send(ElevenLabsContext.failure(error, in: nil))
        throw WebSocketFault(.policyViolation, error.message)
    }

    /// Checks the key of the first message, if none was sent before.
    private func authorize(_ fields: inout RequestFields) throws {
        let shown = try ["xi_api_key", "xi-api-key", "authorization"].compactMap { try fields.string($0) }.first
        guard !server.configuration.keys.isEmpty, !request.caller.hasShownKey else { return }
        guard let shown, let name = server.configuration.keys.name(of: KeyMiddleware.bearer(shown) ?? shown) else {
            throw APIError(.unauthorized, "a key is needed: the header xi-api-key, or xi_api_key in the first message", code: "invalid_api_key")
        }
        request.caller.identify(as: name)
    }

    private func takeOfOne(_ fields: inout RequestFields) throws -> ElevenLabsContext? {
        let known = state.withLock { $0.contexts[""] }, text = try fields.string("text")
        guard text != "" else {
            end()
            return nil
        }
        return try speak(text ?? "", &fields, in: known, named: nil)
    }

    /// An error in one context does not affect the others.
    private func takeOfMany(_ fields: RequestFields) async throws -> ElevenLabsContext? {
        var fields = fields
        let name = try fields.string("context_id") ?? fields.string("contextId") ?? "default"
        do { return try take(&fields, of: name) } catch let error as APIError {
            try await socket.send(ElevenLabsContext.failure(error, in: name))
            return nil
        }
    }

    private func take(_ fields: inout RequestFields, of name: String) throws -> ElevenLabsContext? {
        let text = try fields.string("text") ?? ""
        if try fields.bool("close_socket") == true {
            end()
            return nil
        }
        let known = state.withLock { $0.contexts[name] }
        known?.speech.touch()
        // A message without text keeps the context open.
        let asks = try (interrupt: fields.bool("interrupt") ?? false, close: fields.bool("close_context") ?? false)
        let opened = text.isEmpty && known == nil ? nil : try speak(text, &fields, in: known, named: name)
        guard let context = known ?? opened else { return nil }
        if asks.interrupt {
            context.interrupt(playedSeconds: try fields.number("played_seconds", in: 0...1e6))
            // The name can be used again at once.
            state.withLock { $0.contexts[name] = nil }
        } else if asks.close {
            context.speech.feed.end()
        }
        return opened
    }

    /// Adds to the text of a context, and opens the context if it does not exist.
    ///
    /// - Returns: the context if it is new.
    private func speak(_ text: String, _ fields: inout RequestFields, in known: ElevenLabsContext?, named name: String?) throws -> ElevenLabsContext?
    {
        let isStrict = server.configuration.isStrict, flushes = try fields.bool("flush") ?? false
        var order = settings.order, given = try fields.object("voice_settings")
        guard known == nil || given.unknown.isEmpty else {
            throw APIError.invalid("voice_settings may be in the first message of a text alone", "voice_settings")
        }
        guard known?.speech.feed.isEnded != true || text.allSatisfy(\.isWhitespace) else {
            throw APIError.invalid("this context has been closed and is still being spoken; start another", "context_id", code: "context_closed")
        }
        try order.take(&given, isStrict: isStrict)
        let context = try known ?? open(name, order)
        do { try context.speech.feed.add(text) } catch {
            if known == nil { close(context) }
            throw error
        }
        if flushes { context.speech.feed.flush() }
        return known == nil ? context : nil
    }

    private func open(_ name: String?, _ order: SpeechOrder) throws -> ElevenLabsContext {
        let speech = StreamedSpeech(order, server, request.channel, watch: watch, client: request.client, logger: request.logger)
        let context = ElevenLabsContext(name, speech, socket, countsFromBeginning: settings.countsFromBeginning)
        let before = try state.withLock { state in
            guard state.contexts.count < Self.most else {
                throw APIError.invalid("\(Self.most) contexts are open; close one first", "context_id", code: "max_active_conversations")
            }
            defer { state.contexts[name ?? ""] = context }
            return Array(state.contexts.values)
        }
        // A client that closes one text and begins another has probably been interrupted: the new text has priority.
        for other in before where other.speech.feed.isEnded { other.speech.yieldToOthers() }
        return context
    }

    // MARK: ends

    private func speak(_ context: ElevenLabsContext) async throws {
        defer { close(context) }
        do {
            let failure = try await context.run { telling in
                state.withLock { state in
                    state.forget(context)
                    return telling()
                }
            }
            guard let failure, !isMulti else { return }
            throw WebSocketFault(.policyViolation, failure.message)
        } catch let fault as WebSocketFault { throw fault } catch {
            // The client has disconnected, so that nothing can be sent.
        }
    }

    /// Removes a context, and closes the WebSocket if it was the last.
    private func close(_ context: ElevenLabsContext) {
        let isLast = state.withLock { state in
            state.forget(context)
            state.touched = .now
            return state.contexts.isEmpty && (state.isEnding || !isMulti)
        }
        if isLast { socket.stopReading() }
    }

    /// Ends the session when the received text has been spoken.
    private func end() {
        let open = state.withLock { state in
            state.isEnding = true
            return Array(state.contexts.values)
        }
        for context in open { context.speech.feed.end() }
        if open.isEmpty { socket.stopReading() }
    }

    /// Ends contexts, or the WebSocket, that have received nothing for too long and are not speaking.
    private func watchInactivity() async throws {
        let limit = settings.inactivity
        while (try? await Task.sleep(for: .seconds(min(1, limit / 4)))) != nil {
            let (open, idle) = state.withLock { (Array($0.contexts.values), (.now - $0.touched) / .seconds(1)) }
            for context in open where isMulti && context.speech.secondsIdle ?? 0 > limit { context.speech.feed.end() }
            let isSpeaking = open.contains { $0.speech.secondsIdle == nil || isMulti }
            guard idle > limit, !isSpeaking, open.allSatisfy({ $0.speech.secondsIdle ?? 0 > limit }) else { continue }
            // Ends the waiting for messages.
            defer { socket.stopReading() }
            try await fail(APIError(.requestTimeout, "no message has arrived for \(JSON.number(limit).text) s", code: "input_timeout_exceeded"))
        }
    }
}
