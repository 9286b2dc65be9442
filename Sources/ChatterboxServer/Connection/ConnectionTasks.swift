import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The tasks of open connections, which are independent of each other.
///
/// Hummingbird's server makes them children of one task group. When a child ends, the group searches all its children from the first on, so that
/// closing a connection takes time in proportion to the number of open ones: with 10,000 idle connections that was a seventeenth of the computing
/// time of a busy server.
final class ConnectionTasks: Service, Sendable {
    private struct State {
        var next = 0
        var tasks: [Int: Task<Void, Never>] = [:]
        /// Resumed when no connection is open; set when the server stops.
        var onEmpty: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Handles a connection in a separate task, and returns at once.
    func add(_ handle: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.next += 1
            let number = state.next
            state.tasks[number] = Task {
                await handle()
                end(number)
            }
        }
    }

    private func end(_ number: Int) {
        let onEmpty = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.tasks.removeValue(forKey: number)
            guard state.tasks.isEmpty else { return nil }
            defer { state.onEmpty = nil }
            return state.onEmpty
        }
        onEmpty?.resume()
    }

    /// When the server stops, waits until all connections are closed; connections that are still open when the task is cancelled are closed.
    func run() async {
        try? await gracefulShutdown()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isEmpty = state.withLock { state in
                    if !state.tasks.isEmpty { state.onEmpty = continuation }
                    return state.tasks.isEmpty
                }
                if isEmpty { continuation.resume() }
            }
        } onCancel: {
            for task in state.withLock({ Array($0.tasks.values) }) { task.cancel() }
        }
    }
}

/// Sets up connections as another channel does, but their tasks are not children of the server's task.
struct SeparateChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let connections: ConnectionTasks

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> { base.setup(channel: channel, logger: logger) }

    func handle(value: Base.Value, logger: Logger) async { connections.add { await base.handle(value: value, logger: logger) } }
}
