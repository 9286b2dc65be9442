import NIOCore
import NIOWebSocket

/// Assembles frames to messages, and detects violations of the protocol (RFC 6455, section 5).
struct WebSocketMessages: Sendable {
    /// The result of a frame.
    enum Event: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
        case ping([UInt8])
        case pong
        /// The client closes the WebSocket, with a code if it sent one.
        case close(WebSocketErrorCode?)
    }

    /// The largest size of a message in bytes.
    let limit: Int
    /// The message that is not complete, and whether it is text.
    private var open: (isText: Bool, bytes: [UInt8])?

    init(limit: Int) { self.limit = limit }

    /// Handles the next frame.
    ///
    /// - Returns: the result; nil for a part of a message.
    /// - Throws: ``WebSocketFault``.
    mutating func take(_ frame: WebSocketFrame) throws -> Event? {
        guard frame.maskKey != nil else { throw WebSocketFault(.protocolError, "a client's frames must be masked") }
        guard frame.reservedBits.isEmpty else { throw WebSocketFault(.protocolError, "reserved bits are set, and no extension was agreed on") }
        let data = frame.unmaskedData, bytes = Array(data.readableBytesView)
        switch frame.opcode {
        case .ping: return .ping(bytes)
        case .pong: return .pong
        case .connectionClose: return .close(try Self.closeCode(bytes))
        case .text, .binary:
            guard open == nil else { throw WebSocketFault(.protocolError, "a message began before the one before it had ended") }
            open = (frame.opcode == .text, [])
        case .continuation:
            guard open != nil else { throw WebSocketFault(.protocolError, "a continuation of no message") }
        default: throw WebSocketFault(.protocolError, "unknown opcode")
        }
        guard open!.bytes.count + bytes.count <= limit else { throw WebSocketFault(.messageTooLarge, "a message may have \(limit) bytes") }
        open!.bytes += bytes
        guard frame.fin, let whole = open else { return nil }
        open = nil
        guard whole.isText else { return .binary(whole.bytes) }
        guard let text = String(validating: whole.bytes, as: UTF8.self) else {
            throw WebSocketFault(.dataInconsistentWithMessage, "the text is not UTF-8")
        }
        return .text(text)
    }

    private static func closeCode(_ bytes: [UInt8]) throws -> WebSocketErrorCode? {
        guard bytes.count != 1 else { throw WebSocketFault(.protocolError, "half a close code") }
        guard bytes.count >= 2 else { return nil }
        guard String(validating: bytes[2...], as: UTF8.self) != nil else {
            throw WebSocketFault(.dataInconsistentWithMessage, "the reason of a close is not UTF-8")
        }
        let code = Int(bytes[0]) << 8 | Int(bytes[1])
        guard (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code) else {
            throw WebSocketFault(.protocolError, "\(code) is not a valid close code")
        }
        return WebSocketErrorCode(codeNumber: code)
    }
}

/// Why a client's WebSocket is closed: the code and the reason.
struct WebSocketFault: Error, Equatable {
    let code: WebSocketErrorCode
    let reason: String

    init(_ code: WebSocketErrorCode, _ reason: String) { (self.code, self.reason) = (code, reason) }

    /// From an error of the frame decoder.
    init(_ error: NIOWebSocketError) {
        switch error {
        case .invalidFrameLength: self.init(.messageTooLarge, "a frame is too long")
        case .fragmentedControlFrame: self.init(.protocolError, "a control frame may not be fragmented")
        case .multiByteControlFrameLength: self.init(.protocolError, "a control frame may have 125 bytes")
        }
    }
}
