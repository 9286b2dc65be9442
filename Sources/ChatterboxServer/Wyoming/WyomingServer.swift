import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves the Wyoming protocol, by which Home Assistant speaks, on a port of its own. It has no keys: whoever reaches the port may speak.
final class WyomingServer: Service {
    typealias Connection = NIOAsyncChannel<WyomingEvent, WyomingEvent>

    let state: ServerState
    let port: Int
    let logger: Logger
    /// Called with the port when it listens.
    let onRunning: @Sendable (Int) -> Void
    private let open = Mutex(0)

    /// Connections that may be open at once: more than a house has of devices.
    static let most = 256

    init(state: ServerState, port: Int, logger: Logger, onRunning: @escaping @Sendable (Int) -> Void) {
        (self.state, self.port, self.logger, self.onRunning) = (state, port, logger, onRunning)
    }

    func run() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: state.configuration.host, port: port) { [limit = state.configuration.bodyLimit] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(WyomingCodec(limit: limit)))
                    try channel.pipeline.syncOperations.addHandler(MessageToByteHandler(WyomingCodec(limit: limit)))
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        onRunning(listener.channel.localAddress?.port ?? port)
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections.cancelOnGracefulShutdown() {
                    group.addTask { await self.handle(connection) }
                }
            }
        }
    }

    private func handle(_ connection: Connection) async {
        let place = open.withLock { open in
            open += 1
            return open
        }
        defer { open.withLock { $0 -= 1 } }
        do {
            try await connection.executeThenClose { inbound, outbound in
                guard place <= Self.most else {
                    let error = APIError.busy("\(Self.most) connections are open, and there may be no more", code: "too_many_connections", retryAfter: 1)
                    return try await outbound.write(WyomingEvent(error))
                }
                try await WyomingSession(state, connection.channel, outbound, logger: logger).serve(inbound)
            }
        } catch {
            logger.debug("wyoming connection ended", metadata: ["error": "\(error)"])
        }
        state.countEnding()
    }
}
