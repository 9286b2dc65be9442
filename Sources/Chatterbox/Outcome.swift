import Synchronization

/// What will be known once, for all who wait. Whoever gives up waiting goes away at once; what they waited for goes on.
package final class Outcome<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, any Error>?
        var next = 0
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Tells it to all who wait, and to those who will ask; the first time counts.
    package func settle(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            if state.result == nil { state.result = result }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    /// - Throws: what it was settled with; `CancellationError`.
    package func value() async throws -> Value {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known: Result<Value, any Error>? = state.withLock { state in
                    if let result = state.result { return result }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[number] = continuation
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(throwing: CancellationError())
        }
    }
}
