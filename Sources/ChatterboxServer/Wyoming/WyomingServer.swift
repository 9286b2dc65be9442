import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Serves the Wyoming protocol, by which Home Assistant speaks, on a port of its own. It has no keys: whoever reaches the port may speak.
struct WyomingServer: Service {
    typealias Connection = NIOAsyncChannel<WyomingEvent, WyomingEvent>

    let state: ServerState
    let port: Int
    let logger: Logger
    /// Called with the port when it listens.
    let onRunning: @Sendable (Int) -> Void

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
                    group.addTask { await handle(connection) }
                }
            }
        }
    }

    private func handle(_ connection: Connection) async {
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await WyomingSession(state, connection.channel, outbound, logger: logger).serve(inbound)
            }
        } catch {
            logger.debug("wyoming connection ended", metadata: ["error": "\(error)"])
        }
        state.countEnding()
    }
}
