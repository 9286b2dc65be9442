import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves the Wyoming protocol, which Home Assistant uses for speech, on a separate port. It has no keys: everybody who can reach the port can use
/// it.
final class WyomingServer: Service {
    typealias Connection = NIOAsyncChannel<WyomingEvent, WyomingEvent>

    let state: ServerState
    let logger: Logger
    private let listener: NIOAsyncChannel<Connection, Never>
    /// Called with the port when the server listens.
    private let onRunning: @Sendable (Int) -> Void
    private let open = Mutex(0)

    /// The largest number of open connections: more than a house has devices.
    static let most = 256

    /// Opens the port; the service must be run, which closes the port at the end.
    ///
    /// - Throws: ``StartError`` if the port cannot be opened.
    init(state: ServerState, port: Int, logger: Logger, onRunning: @escaping @Sendable (Int) -> Void) async throws {
        (self.state, self.logger, self.onRunning) = (state, logger, onRunning)
        do { listener = try await Self.listener(state.configuration, port) } catch {
            throw StartError(error, .wyoming, host: state.configuration.host, port: port) ?? error
        }
    }

    private static func listener(_ configuration: ServerConfiguration, _ port: Int) async throws -> NIOAsyncChannel<Connection, Never> {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: configuration.host, port: port) { [limit = configuration.bodyLimit] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(WyomingCodec(limit: limit)))
                    try channel.pipeline.syncOperations.addHandler(MessageToByteHandler(WyomingCodec(limit: limit)))
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
    }

    func run() async throws {
        onRunning(listener.channel.localAddress?.port ?? 0)
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
                    let error = APIError.busy(
                        "\(Self.most) connections are open, and there may be no more", code: "too_many_connections", retryAfter: 1)
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
