import Hummingbird
import NIOCore
import NIOHTTPTypes
import Synchronization

/// A handler in a connection's pipeline that detects when the client disconnects.
///
/// A client that closes only its sending half counts as disconnected: no client of this API does that and continues to read.
final class ConnectionWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private struct State {
        /// When the client disconnected.
        var closed: ContinuousClock.Instant?
        var next = 0
        var listeners: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())
    private let onEnd: @Sendable () -> Void

    /// - Parameter onEnd: called once when the connection has ended.
    init(_ onEnd: @escaping @Sendable () -> Void = {}) { self.onEnd = onEnd }

    /// The watch of a request's connection; nil if there is none, as in tests without a network.
    static func of(_ channel: any Channel) async -> ConnectionWatch? {
        try? await channel.eventLoop.submit { try channel.pipeline.syncOperations.handler(type: ConnectionWatch.self) }.get()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { close() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        onEnd()
        context.fireChannelInactive()
    }

    /// Nothing more can be received from the client.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close()
        context.fireErrorCaught(error)
    }

    private func close() {
        let listeners = state.withLock { state in
            defer { state.listeners = [:] }
            state.closed = state.closed ?? .now
            return state.listeners.values
        }
        for listener in listeners { listener() }
    }

    /// Whether the client has disconnected.
    var isClosed: Bool { state.withLock(\.closed) != nil }

    /// Seconds since the client disconnected; nil while it is connected.
    var secondsClosed: Double? { state.withLock(\.closed).map { (.now - $0) / .seconds(1) } }

    /// Calls the listener once when the client disconnects, or at once if it already has; until the returned object is released.
    func onClose(_ listener: @escaping @Sendable () -> Void) -> Listening {
        let number = state.withLock { state -> Int? in
            guard state.closed == nil else { return nil }
            state.next += 1
            state.listeners[state.next] = listener
            return state.next
        }
        if number == nil { listener() }
        return Listening { [weak self] in
            guard let number else { return }
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
        }
    }

    /// Runs the work, and cancels it if the client disconnects.
    ///
    /// - Throws: errors of the work; ``ClientGone``.
    func whileOpen<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            let (closing, closed) = AsyncStream<Void>.makeStream()
            let listening = onClose { closed.finish() }
            defer {
                listening.end()
                group.cancelAll()
            }
            group.addTask { try await work() }
            group.addTask {
                for await _ in closing {}
                try Task.checkCancellation()
                throw ClientGone()
            }
            return try await group.next()!
        }
    }
}

extension ConnectionWatch? {
    /// Runs the work, and cancels it if the connection is watched and the client disconnects.
    func whileOpen<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        guard let self else { return try await work() }
        return try await self.whileOpen(work)
    }
}

/// A listener for a connection's end, until it is released.
final class Listening: Sendable {
    private let stop: @Sendable () -> Void

    init(_ stop: @escaping @Sendable () -> Void) { self.stop = stop }

    deinit { stop() }

    func end() { stop() }
}

/// The client has closed its connection, so that no response can be sent.
struct ClientGone: Error {}

extension Error {
    /// Whether the error only means that the work was cancelled or the client has disconnected: it need not be reported.
    var meansThatNobodyListens: Bool { self is CancellationError || self is ClientGone || self is ChannelError }
}
