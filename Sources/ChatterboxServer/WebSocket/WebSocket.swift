import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOWebSocket

/// An open WebSocket.
final class WebSocket: Sendable {
    private let channel: any Channel
    private let inbox = WebSocketInbox()
    private let upgrade: NIOLoopBound<WebSocketSwitch>
    private let patience: Patience

    /// The response to a request for a WebSocket.
    ///
    /// - Parameter serve: handles the WebSocket, which is closed afterwards with code 1000, or 1011 if this throws.
    /// - Throws: ``APIError`` for a request that cannot become a WebSocket.
    static func response(
        to request: Request, _ context: ServerContext, _ configuration: ServerConfiguration,
        serve: @escaping @Sendable (WebSocket) async throws -> Void
    ) async throws -> Response {
        let handshake = try WebSocketHandshake(request, allowedOrigin: configuration.allowedOrigin), channel = context.channel
        let upgrade = try await channel.eventLoop.submit {
            NIOLoopBound(try channel.pipeline.syncOperations.handler(type: WebSocketSwitch.self), eventLoop: channel.eventLoop)
        }.get()
        let socket = WebSocket(channel, upgrade, patience: configuration.readerPatience)
        try await channel.eventLoop.submit { upgrade.value.arm(socket.inbox) }.get()
        let headers: HTTPFields = [.upgrade: "websocket", .connection: "Upgrade", .webSocketAccept: handshake.accept]
        return Response(
            status: .switchingProtocols, headers: headers,
            body: ResponseBody { writer in
                do {
                    try await serve(socket)
                    socket.close(.normalClosure, "")
                } catch let fault as WebSocketFault {
                    socket.close(fault.code, fault.reason)
                } catch is ClientGone {
                } catch {
                    context.logger.error("websocket failed", metadata: ["error": "\(error)"])
                    socket.close(.unexpectedServerError, "something went wrong here")
                }
                try await writer.finish(nil)
            })
    }

    private init(_ channel: any Channel, _ upgrade: NIOLoopBound<WebSocketSwitch>, patience: Double) {
        (self.channel, self.upgrade) = (channel, upgrade)
        self.patience = Patience(channel, seconds: patience)
    }

    /// Handles messages until the last one, and at the same time runs the work that they begin; all work ends after the last message.
    ///
    /// - Parameters:
    ///   - watch: runs during the whole time.
    ///   - stopping: called when the server stops.
    ///   - take: handles a text, and returns the work that it begins.
    /// - Throws: ``WebSocketFault`` with the reason that is sent to the client.
    func serve(
        watch: @escaping @Sendable () async throws -> Void, stopping: () -> Void, take: (String) async throws -> (@Sendable () async throws -> Void)?
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await watch() }
            while let item = await next() {
                switch item {
                case .text(let text): if let work = try await take(text) { group.addTask { try await work() } }
                case .binary: throw WebSocketFault(.unacceptableData, "this server takes text messages")
                case .stopping: stopping()
                }
            }
            // Everything is done, or the client has disconnected.
            group.cancelAll()
        }
    }

    /// Accepts no more messages.
    func stopReading() { inbox.end() }

    /// The next message; nil after the last.
    private func next() async -> WebSocketInbox.Item? { await inbox.next() }

    /// Sends a text, and waits until it has been passed to the network.
    ///
    /// - Throws: if the client has disconnected, or has been disconnected because it stopped reading.
    func send(_ message: JSON) async throws { try await wait(for: enqueue(message)) }

    /// Queues a text after earlier messages; the result completes when it has been passed to the network.
    func enqueue(_ message: JSON) -> EventLoopFuture<Void> { enqueue(.text, ByteBuffer(string: message.text)) }

    /// The same for bytes.
    func enqueue(_ bytes: [UInt8]) -> EventLoopFuture<Void> { enqueue(.binary, ByteBuffer(bytes: bytes)) }

    private func enqueue(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> EventLoopFuture<Void> {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.eventLoop.execute { [upgrade] in upgrade.value.send(opcode, data, promise: promise) }
        return promise.futureResult
    }

    func wait(for sent: EventLoopFuture<Void>) async throws { try await patience.waiting { try await sent.get() } }

    /// Closes the WebSocket after earlier messages have been sent.
    func close(_ code: WebSocketErrorCode, _ reason: String) {
        channel.eventLoop.execute { [upgrade] in upgrade.value.close(code, reason) }
    }
}
