import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C and SIGTERM into cancellation of the program's task.
final class Interruption: Sendable {
    /// The signal that was received; 0 if none was.
    private let signal = Atomic<Int32>(0)

    /// The exit status after a signal: 128 plus its number, as in shells.
    var exitStatus: Int32 { 128 + signal.load(ordering: .relaxed) }

    /// Runs the work and returns its result; the first signal cancels its task, a second one ends the program at once.
    func cancelling<Result: Sendable>(_ work: @escaping @Sendable () async -> Result) async -> Result {
        let task = Task { await work() }
        let sources = [SIGINT, SIGTERM].map { number in
            // Programs that this one starts would inherit an ignored signal, but not a handler.
            Foundation.signal(number) { _ in }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                if signal.exchange(number, ordering: .relaxed) != 0 { _exit(exitStatus) }
                task.cancel()
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return await task.value
    }
}

extension Process {
    /// Runs the process to its end; cancelling the task ends it.
    ///
    /// - Returns: its exit status.
    /// - Throws: errors of starting it; `CancellationError`.
    func runToEnd() async throws -> Int32 {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                terminationHandler = { _ in continuation.resume() }
                do { try run() } catch { continuation.resume(throwing: error) }
            }
        } onCancel: {
            terminate()
        }
        try Task.checkCancellation()
        return terminationStatus
    }
}
