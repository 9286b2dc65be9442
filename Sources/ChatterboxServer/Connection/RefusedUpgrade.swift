import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends the connection of a client that wanted another protocol and did not get it, behind the answer: NIO reads nothing more as HTTP
/// there, so that another request would wait for ever.
final class RefusedUpgrade: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Time that the client has to read the answer.
    private static let patience = TimeAmount.seconds(1)

    private var isWanted = false, isRefused = false
    private var closing: Scheduled<Void>?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data), head.headerFields[.upgrade] != nil {
            isWanted = head.headerFields[.connection]?.lowercased().contains("upgrade") == true
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where isWanted && head.status.kind != .informational:
            isRefused = true
            head.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where isRefused:
            context.write(data, promise: promise)
            let channel = context.channel
            closing = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
        case .head, .body, .end: context.write(data, promise: promise)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { closing?.cancel() }
}

@available(*, unavailable) extension RefusedUpgrade: Sendable {}
