import NIOCore
import NIOHTTP1

/// Finds requests of other versions than HTTP/1.1, which it stops: it stands where the version is still known. ``UnreadableRequest``
/// answers them.
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

/// A request came by another version of HTTP.
struct OtherHTTPVersion: Error {
    let version: String
}
