import Foundation
import Synchronization

@testable import ChatterboxServer

/// A WebSocket client that can also violate the protocol.
final class SocketClient: Sendable {
    struct Frame: Sendable, Hashable {
        let opcode: UInt8
        let payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        var json: JSON? { try? JSON(parsing: Data(payload)) }
        /// The code of a close frame.
        var code: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    }

    struct Refused: Error {
        let answer: String
        var status: Int { Int(answer.dropFirst(9).prefix(3)) ?? 0 }
        var json: JSON? { try? JSON(parsing: Data((answer.components(separatedBy: "\r\n\r\n").dropFirst().first ?? "").utf8)) }
    }

    /// The path of this server's own WebSocket.
    static let path = "/v1/audio/speech/stream"

    let connection: RawConnection
    private let buffer: Mutex<[UInt8]>

    /// The example in RFC 6455.
    static let key = "dGhlIHNhbXBsZSBub25jZQ==", accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    /// - Throws: ``Refused`` if the connection does not become a WebSocket.
    init(_ server: LoopbackServer, _ path: String, headers: [String: String] = [:], on known: RawConnection? = nil) async throws {
        connection = try known ?? RawConnection(server.port)
        var fields = [
            "Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": Self.key,
        ]
        fields.merge(headers) { $1 }
        connection.send("GET \(path) HTTP/1.1\r\n" + fields.map { "\($0): \($1)\r\n" }.joined() + "\r\n")
        var bytes: [UInt8] = []
        while let range = Optional(Data(bytes).firstRange(of: Data("\r\n\r\n".utf8))), range == nil, let more = await connection.receive() {
            bytes += more
        }
        let head = String(decoding: bytes, as: UTF8.self)
        guard head.hasPrefix("HTTP/1.1 101"), head.contains(Self.accept), let end = Data(bytes).firstRange(of: Data("\r\n\r\n".utf8)) else {
            throw Refused(answer: head)
        }
        buffer = Mutex(Array(bytes[end.upperBound...]))
    }

    func send(_ message: JSON) { send(1, Array(message.text.utf8)) }

    /// - Parameter first: bits of the first byte besides the opcode: 128 for the end of a message, and the reserved ones.
    func send(_ opcode: UInt8, _ payload: [UInt8], first: UInt8 = 0x80, isMasked: Bool = true) {
        var frame = [first | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ..<126: frame.append(mask | UInt8(payload.count))
        case ..<65_536: frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: frame += [mask | 127] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 0xFF) }
        }
        let key: [UInt8] = [7, 77, 177, 27]
        if isMasked { frame += key }
        connection.send(frame + payload.enumerated().map { isMasked ? $1 ^ key[$0 % 4] : $1 })
    }

    /// The next frame that is not a ping; nil at the end.
    func next(withPings: Bool = false) async -> Frame? {
        while true {
            while let frame = buffer.withLock({ Self.take(&$0) }) { if withPings || frame.opcode != 9 { return frame } }
            guard let more = await connection.receive() else { return nil }
            buffer.withLock { $0 += more }
        }
    }

    /// All frames up to and including one.
    func frames(until isLast: (Frame) -> Bool) async -> [Frame] {
        var frames: [Frame] = []
        while let frame = await next() {
            frames.append(frame)
            if isLast(frame) { break }
        }
        return frames
    }

    private static func take(_ buffer: inout [UInt8]) -> Frame? {
        guard buffer.count >= 2 else { return nil }
        let short = Int(buffer[1] & 0x7F), extra = short == 126 ? 2 : short == 127 ? 8 : 0
        guard buffer.count >= 2 + extra else { return nil }
        let length = extra == 0 ? short : buffer[2..<2 + extra].reduce(0) { $0 << 8 | Int($1) }
        guard buffer.count >= 2 + extra + length else { return nil }
        let frame = Frame(opcode: buffer[0] & 0xF, payload: Array(buffer[(2 + extra)..<(2 + extra + length)]))
        buffer.removeFirst(2 + extra + length)
        return frame
    }
}
