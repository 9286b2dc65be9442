import NIOCore
import NIOHTTPTypes

/// Delays closing a connection until the end of its response has been sent, when the server stops: Hummingbird closes the connection as soon as the
/// end has been written, and the part of a large response that has not been sent yet would be lost.
final class FinalWrites: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The time limit for that once the server stops.
    private let patience: TimeAmount
    /// When the time limit ends; nil while the server runs.
    private var deadline: NIODeadline?
    /// The number of responses whose end has not been sent.
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
