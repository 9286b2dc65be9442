import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes the connection of a client whose response was sent before its request was read completely, for example because that is too large: the
/// response announces it, and the server continues to read for a short time, so that the client receives the response.
final class UnreadBody: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The number of bytes, and the time, for which a client may continue to send.
    private static let limit = 1 << 20
    private static let patience = TimeAmount.seconds(2)

    /// The numbers of requests that have been read completely, and that have been answered.
    private var read = 0, answered = 0
    /// The number of bytes received after the response to their request; nil if there is no such request.
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
