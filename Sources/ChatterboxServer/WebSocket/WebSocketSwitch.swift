import NIOCore
import NIOWebSocket

/// A handler between a connection's bytes and its HTTP handlers. It passes everything on until a request has become a WebSocket; from then on it
/// handles the connection itself, and discards what the HTTP handlers still write.
///
/// Any request of a connection, not only the first, can therefore become a WebSocket, after it has passed the checks of keys and limits and the log
/// like other requests.
final class WebSocketSwitch: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = WebSocketFrame

    private enum Mode {
        case http
        /// The next head that HTTP writes is the response that makes the connection a WebSocket.
        case armed(WebSocketInbox)
        case webSocket(WebSocketInbox)
    }

    /// How often the server sends a ping; the client must have sent something within the same time.
    private let pingInterval: TimeAmount
    /// The largest size of a message in bytes.
    private let limit: Int
    /// Seconds that the client has to answer a close.
    private static let closePatience = TimeAmount.seconds(5)
    /// The number of frames that a client may send at once, and per second on average.
    private static let (burst, rate) = (2000.0, 500.0)

    private var mode = Mode.http
    private var messages: WebSocketMessages
    private var context: ChannelHandlerContext?
    private var ping: RepeatedTask?
    private var hasRead = true
    private var holdsRead = false
    private var closing: Scheduled<Void>?
    private var (allowance, counted) = (burst, NIODeadline.now())

    init(pingInterval: Double, messageLimit: Int) {
        self.pingInterval = .milliseconds(Int64(pingInterval * 1000))
        limit = messageLimit
        messages = WebSocketMessages(limit: messageLimit)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    /// Makes the connection a WebSocket when the head of the response has been written.
    func arm(_ inbox: WebSocketInbox) { mode = .armed(inbox) }

    // MARK: outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .http: context.write(data, promise: promise)
        case .armed(let inbox):
            context.write(data, promise: promise)
            begin(inbox, context)
        case .webSocket: promise?.succeed()
        }
    }

    private func begin(_ inbox: WebSocketInbox, _ context: ChannelHandlerContext) {
        mode = .webSocket(inbox)
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(WebSocketFrameEncoder(), position: .before(self))
            try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: limit)), position: .before(self))
        } catch { return context.close(promise: nil) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        inbox.whenRoom { [loop = context.eventLoop] in loop.execute { bound.value.readAgain() } }
        ping = context.eventLoop.scheduleRepeatedTask(initialDelay: pingInterval, delay: pingInterval) { _ in bound.value.askWhetherThere() }
    }

    /// Sends a message; the promise completes when it has been passed to the network.
    func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, promise: EventLoopPromise<Void>?) {
        guard let context, case .webSocket = mode, closing == nil else {
            promise?.fail(ClientGone())
            return
        }
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: promise)
    }

    /// Sends a close frame, and closes the connection when the client has answered it or the time limit has passed.
    func close(_ code: WebSocketErrorCode, _ reason: String) {
        guard let context, case .webSocket(let inbox) = mode, closing == nil else { return }
        inbox.end()
        ping?.cancel()
        var data = context.channel.allocator.buffer(capacity: 2 + reason.utf8.count)
        data.write(webSocketErrorCode: code)
        data.writeString(reason.prefix(utf8: 123))
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        closing = context.eventLoop.scheduleTask(in: Self.closePatience) { bound.value.context?.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
        // Reads the bytes that were held back, so that the client's close frame behind them is found.
        readAgain()
    }

    private func askWhetherThere() {
        guard let context, case .webSocket = mode else { return }
        // Input is not parsed while too many messages wait.
        guard hasRead || holdsRead else { return context.close(promise: nil) }
        hasRead = false
        send(.ping, context.channel.allocator.buffer(string: "?"), promise: nil)
    }

    // MARK: inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .webSocket(let inbox) = mode else { return context.fireChannelRead(data) }
        hasRead = true
        do {
            let event = try messages.take(unwrapInboundIn(data))
            if closing != nil {
                if case .close = event { context.close(promise: nil) }
                return
            }
            try countFrame()
            switch event {
            case .text(let text): inbox.add(.text(text))
            case .binary(let bytes): inbox.add(.binary(bytes))
            // A client that does not read gets no pongs, which would have to be buffered.
            case .ping(let bytes): if context.channel.isWritable { send(.pong, ByteBuffer(bytes: bytes), promise: nil) }
            case .close(let code):
                close(code ?? .normalClosure, "")
                context.close(promise: nil)
            case .pong, nil: break
            }
        } catch { fail(error) }
    }

    private func countFrame() throws {
        let now = NIODeadline.now()
        allowance = min(Self.burst, allowance + Double((now - counted).nanoseconds) / 1e9 * Self.rate) - 1
        counted = now
        guard allowance > 0 else { throw WebSocketFault(.policyViolation, "more than \(Int(Self.rate)) frames a second") }
    }

    private func fail(_ error: any Error) {
        guard closing == nil else { return context?.close(promise: nil) ?? () }
        let fault = error as? WebSocketFault ?? (error as? NIOWebSocketError).map { WebSocketFault($0) }
        guard let fault else { return context?.close(promise: nil) ?? () }
        close(fault.code, fault.reason)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .webSocket = mode { fail(error) } else { context.fireErrorCaught(error) }
    }

    func read(context: ChannelHandlerContext) {
        if case .webSocket(let inbox) = mode, closing == nil, inbox.holdsReading() { holdsRead = true } else { context.read() }
    }

    private func readAgain() {
        guard holdsRead else { return }
        holdsRead = false
        context?.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .webSocket(let inbox) = mode {
            if event is ChannelShouldQuiesceEvent { inbox.add(.stopping) }
            if case .some(.inputClosed) = event as? ChannelEvent { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        if case .webSocket(let inbox) = mode { inbox.end() }
        ping?.cancel()
        closing?.cancel()
    }
}

@available(*, unavailable) extension WebSocketSwitch: Sendable {}

extension String {
    /// The longest prefix of whole characters with at most this many bytes: a close frame has 125, of which two are the code.
    fileprivate func prefix(utf8 limit: Int) -> String {
        var rest = limit
        return String(
            prefix { character in
                rest -= character.utf8.count
                return rest >= 0
            })
    }
}
