import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// HTTP connections, each of which may become a WebSocket.
struct SwitchableChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    /// Made for each connection; it stands before HTTP in the pipeline.
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
