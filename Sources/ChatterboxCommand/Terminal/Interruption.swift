import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and the request to end, as the cancellation of the program's task.
final class Interruption: Sendable {
    /// The signal that came; 0 when none did.
    private let signal = Atomic<Int32>(0)

    /// What the program ends with after a signal: 128 and its number, as shells count.
    var exitStatus: Int32 { 128 + signal.load(ordering: .relaxed) }

    /// Runs the work; the first signal cancels its task, a second one ends the program at once.
    func cancelling(_ work: @escaping @Sendable () async -> Void) async {
        let task = Task { await work() }
        let sources = [SIGINT, SIGTERM].map { number in
            // To be ignored would pass on to the programs that this one starts; a handler does not.
            Foundation.signal(number) { _ in }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                if signal.exchange(number, ordering: .relaxed) != 0 { _exit(exitStatus) }
                task.cancel()
            }
            source.resume()
            return source
        }
        await task.value
        for source in sources { source.cancel() }
    }
}

extension Process {
    /// Runs the process to its end, which the task's cancellation brings about.
    ///
    /// - Returns: its exit status.
    /// - Throws: what starting it throws; `CancellationError`.
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
