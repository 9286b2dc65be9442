import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Answers bytes that are not a request of HTTP/1.1 with an error of this API, and closes the connection, because nothing after them can be parsed.
///
/// If the response to an earlier request is still pending or has begun, an error about the following bytes cannot be sent; then the connection is
/// only closed.
final class UnreadableRequest: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests that have been read completely and not been answered completely.
    private var due = 0
    /// Whether a response has begun and not ended.
    private var isAnswering = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { due += 1 }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isAnswering = isAnswering || head.status.kind != .informational
        case .body: break
        case .end: (due, isAnswering) = (max(0, due - 1), false)
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let refusal = (error as? HTTPParserError).map { APIError($0) } ?? (error as? OtherHTTPVersion).map { APIError($0) }
        guard let refusal else { return context.fireErrorCaught(error) }
        if due == 0, !isAnswering { answer(refusal, context) }
        context.close(promise: nil)
    }

    private func answer(_ error: APIError, _ context: ChannelHandlerContext) {
        let head = HTTPResponse(
            status: error.status, headerFields: [.contentType: "application/json", .contentLength: "\(error.body.count)", .connection: "close"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: error.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

@available(*, unavailable) extension UnreadableRequest: Sendable {}

extension APIError {
    /// Why the bytes are not HTTP. Header fields beyond their limits have a status of their own.
    fileprivate init(_ error: HTTPParserError) {
        if case .headerOverflow = error {
            self.init(.requestHeaderFieldsTooLarge, "the header fields are too large", code: "headers_too_large")
        } else {
            self.init(.badRequest, "this is not an HTTP/1.1 request (\(error))", code: "invalid_http")
        }
    }

    fileprivate init(_ error: OtherHTTPVersion) {
        self.init(.httpVersionNotSupported, "this server speaks HTTP/1.1, not HTTP/\(error.version)", code: "http_version_not_supported")
    }
}

/// Closes the connection of a client whose upgrade to another protocol was refused, after the response: NIO parses nothing more as HTTP there, so
/// that a further request would never be answered.
final class RefusedUpgrade: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The time that the client has to read the response.
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

/// Detects and stops requests in versions other than HTTP/1.1; its position in the pipeline is where the version is still known.
/// ``UnreadableRequest`` answers them.
final class HTTPVersionCheck: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private var isRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if case .head(let head) = unwrapInboundIn(data), head.version != .http1_1 {
            isRefused = true
            return context.fireErrorCaught(OtherHTTPVersion(version: "\(head.version.major).\(head.version.minor)"))
        }
        context.fireChannelRead(data)
    }
}

@available(*, unavailable) extension HTTPVersionCheck: Sendable {}

/// A request in another version of HTTP.
struct OtherHTTPVersion: Error {
    let version: String
}
