import Foundation
import NIOCore

/// A message of the Wyoming protocol: a type, data, and optionally bytes.
struct WyomingEvent: Sendable, Hashable {
    var type: String
    var data: JSON = .object([])
    var payload: [UInt8] = []

    /// A line of JSON, the data that it announces, and the payload.
    func write(into buffer: inout ByteBuffer) {
        let body = data == .object([]) ? [] : JSON.bytes(data)
        var head: [(String, JSON)] = [("type", .string(type)), ("version", "1.10.2")]
        if !body.isEmpty { head.append(("data_length", .init(body.count))) }
        if !payload.isEmpty { head.append(("payload_length", .init(payload.count))) }
        buffer.writeString(JSON.object(head.map { JSON.Member(name: $0.0, value: $0.1) }).text + "\n")
        buffer.writeBytes(body)
        buffer.writeBytes(payload)
    }
}

extension WyomingEvent {
    init(_ error: APIError) { self.init(type: "error", data: ["text": .string(error.message), "code": .init(error.code)]) }
}

/// Reads and writes events.
struct WyomingCodec: ByteToMessageDecoder, MessageToByteEncoder {
    typealias InboundOut = WyomingEvent
    typealias OutboundIn = WyomingEvent

    /// The largest sizes in bytes: of a line (`line`), and of the data or the payload after it (`limit`).
    private static let line = 64 << 10
    let limit: Int

    private var head: (type: String, data: [JSON.Member], dataLength: Int, payloadLength: Int)?

    init(limit: Int) { self.limit = limit }

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        if head == nil {
            guard let length = buffer.readableBytesView.firstIndex(of: 0x0A).map({ $0 - buffer.readerIndex }) else {
                guard buffer.readableBytes <= Self.line else { throw WyomingFault("a line may have \(Self.line) bytes") }
                return .needMoreData
            }
            guard length <= Self.line else { throw WyomingFault("a line may have \(Self.line) bytes") }
            head = try Self.head(buffer.readBytes(length: length + 1)!.dropLast(), limit: limit)
        }
        guard let head, buffer.readableBytes >= head.dataLength + head.payloadLength else { return .needMoreData }
        self.head = nil
        var members = head.data
        if head.dataLength > 0 {
            guard case .object(let more)? = try? JSON(parsing: Data(buffer.readBytes(length: head.dataLength)!)) else {
                throw WyomingFault("the data of \(head.type) is not a JSON object")
            }
            // Members of the data replace those of the line.
            members = members.filter { member in !more.contains { $0.name == member.name } } + more
        }
        let payload = buffer.readBytes(length: head.payloadLength)!
        context.fireChannelRead(wrapInboundOut(WyomingEvent(type: head.type, data: .object(members), payload: payload)))
        return .continue
    }

    mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState { .needMoreData }

    private static func head(
        _ line: some Collection<UInt8>, limit: Int
    ) throws -> (type: String, data: [JSON.Member], dataLength: Int, payloadLength: Int) {
        guard let json = try? JSON(parsing: Data(line)), case .string(let type)? = json["type"] else {
            throw WyomingFault("a line must be a JSON object with a type")
        }
        func length(_ name: String) throws -> Int {
            guard let value = json[name], value != .null else { return 0 }
            guard case .number(let number) = value, number == number.rounded(), (0...Double(limit)).contains(number) else {
                throw WyomingFault("\(name) of \(type) must be a whole number up to \(limit)")
            }
            return Int(number)
        }
        let data: [JSON.Member] = if case .object(let members)? = json["data"] { members } else { [] }
        return (type, data, try length("data_length"), try length("payload_length"))
    }

    func encode(data: WyomingEvent, out: inout ByteBuffer) { data.write(into: &out) }
}

/// Why bytes cannot be read as an event; the connection is closed, since nothing after them can be read.
struct WyomingFault: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
