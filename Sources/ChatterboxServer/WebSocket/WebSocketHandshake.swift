import FileSupport
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A request to make a connection a WebSocket (RFC 6455, section 4).
struct WebSocketHandshake: Sendable {
    /// Proves that the server supports WebSockets (`Sec-WebSocket-Accept`).
    let accept: String

    /// Whether a request asks for a WebSocket.
    static func isWanted(by request: Request) -> Bool { tokens(request.headers[.upgrade]).contains("websocket") }

    /// - Parameter allowedOrigin: the origin whose pages may connect, besides this server's own; nil for none, `*` for all.
    /// - Throws: ``APIError`` if the request is not valid, or comes from a web page of another site.
    init(_ request: Request, allowedOrigin: String?) throws {
        guard request.method == .get, Self.isWanted(by: request), Self.tokens(request.headers[.connection]).contains("upgrade") else {
            throw APIError(
                .upgradeRequired, "this route takes a WebSocket: Upgrade: websocket", code: "websocket_expected",
                headers: [.upgrade: "websocket", .connection: "Upgrade"])
        }
        guard request.headers[.webSocketVersion] == "13" else {
            throw APIError(
                .upgradeRequired, "this server speaks version 13 of the WebSocket protocol", code: "websocket_version",
                headers: [.webSocketVersion: "13"])
        }
        guard let key = request.headers[.webSocketKey], Data(base64Encoded: key)?.count == 16 else {
            throw APIError.invalid("Sec-WebSocket-Key must be 16 bytes in base64", nil, code: "invalid_websocket_key")
        }
        let digest = MessageDigest.of((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8, by: .sha1)
        accept = Data(digest).base64EncodedString()
    }

    private static func tokens(_ field: String?) -> [String] {
        (field ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    }
}

extension HTTPField.Name {
    static let webSocketVersion = Self("Sec-WebSocket-Version")!
    static let webSocketKey = Self("Sec-WebSocket-Key")!
    static let webSocketAccept = Self("Sec-WebSocket-Accept")!
}

/// HTTP connections that can become WebSockets.
struct SwitchableChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    /// Called for each connection; the handler is before HTTP in the pipeline.
    let makeSwitch: @Sendable () -> WebSocketSwitch

    init(base: Base, makeSwitch: @escaping @Sendable () -> WebSocketSwitch) { (self.base, self.makeSwitch) = (base, makeSwitch) }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(makeSwitch()) }
            .flatMap { base.setup(channel: channel, logger: logger) }
            .flatMapThrowing { value in
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(HTTPVersionCheck(), position: .after(pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)))
                return value
            }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
