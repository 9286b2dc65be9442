import Foundation

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
