import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The tasks of open connections, each on its own.
///
/// Hummingbird's server makes them children of one task group. A child that ends is looked for from the first on, so that each
/// connection that closes costs as much time as others are open: beside 10,000 idle connections that was a seventeenth of all the time
/// that a busy server computed.
final class ConnectionTasks: Service, Sendable {
    private struct State {
        var next = 0
        var tasks: [Int: Task<Void, Never>] = [:]
        /// Called when no connection is open; set once the server stops.
        var onEmpty: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Handles a connection in a task of its own, and returns at once.
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

    /// Waits, once the server stops, until all connections are closed; those that are open when the task is cancelled are cut.
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

/// Connections that are set up as another channel does it, and whose tasks are no children of the server's.
struct SeparateChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let connections: ConnectionTasks

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> { base.setup(channel: channel, logger: logger) }

    func handle(value: Base.Value, logger: Logger) async { connections.add { await base.handle(value: value, logger: logger) } }
}
