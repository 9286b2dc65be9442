import NIOCore
import NIOHTTPTypes

/// Lets the end of an answer reach the network before its connection is closed, when the server stops: Hummingbird closes it as soon as the
/// end has been written, and what the network has not yet taken of a large answer would be dropped.
final class FinalWrites: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long the network may take for it once the server stops.
    private let patience: TimeAmount
    /// When it must have been taken; nil while the server goes on.
    private var deadline: NIODeadline?
    /// Ends of answers that the network has not taken.
    private var pending = 0
    private var isClosing = false

    init(patience seconds: Double) { patience = .milliseconds(Int64(seconds * 1000)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { deadline = deadline ?? .now() + patience }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        pending += 1
        let promise = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.pending -= 1
            if handler.isClosing, handler.pending == 0 { context.close(promise: nil) }
        }
        context.write(data, promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, pending > 0, let deadline, !isClosing else { return context.close(mode: mode, promise: promise) }
        isClosing = true
        context.flush()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let cut = context.eventLoop.scheduleTask(deadline: deadline) { bound.value.close(promise: nil) }
        context.channel.closeFuture.whenComplete { _ in
            cut.cancel()
            promise?.succeed()
        }
    }
}

@available(*, unavailable) extension FinalWrites: Sendable {}
