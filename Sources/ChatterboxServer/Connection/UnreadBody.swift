import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends the connection of a client whose answer came before its request was read, as where that is too large: it says so in the
/// answer, reads on for a moment, so that the client gets to see the answer, and then no more.
final class UnreadBody: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Bytes, and time, that a client may go on sending for.
    private static let limit = 1 << 20
    private static let patience = TimeAmount.seconds(2)

    /// Requests whose end has been read, and that have been answered.
    private var read = 0, answered = 0
    /// Bytes that have come since the answer to their request; nil where there is none.
    private var unread: Int?
    private var closing: Scheduled<Void>?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: break
        case .body(let bytes):
            guard let unread else { break }
            self.unread = unread + bytes.readableBytes
            if self.unread! > Self.limit { context.close(promise: nil) }
        case .end:
            read += 1
            if unread != nil { context.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational && read <= answered:
            head.headerFields[.connection] = "close"
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end:
            if read <= answered, unread == nil {
                unread = 0
                let channel = context.channel
                closing = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
            }
            answered += 1
            context.write(data, promise: promise)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { closing?.cancel() }
}

@available(*, unavailable) extension UnreadBody: Sendable {}
