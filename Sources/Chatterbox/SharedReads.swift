import Synchronization

/// Values that are read from files or loaded once for all callers; the most recently used ones are kept.
package final class SharedReads<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        /// Values that have been read, or are being read.
        var outcomes: [Key: Outcome<Value>] = [:]
        /// In the order of their last use.
        var order: [Key] = []
    }

    private let state = Mutex(State())
    /// The number of values that are kept.
    private let most: Int

    package init(most: Int) { self.most = most }

    /// The value of a key, which is read if it is not stored. One read serves all callers that wait, even if the first one is cancelled; after a
    /// failure the next caller tries again.
    ///
    /// - Throws: errors of reading; `CancellationError`.
    package func value(for key: Key, read: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let (outcome, isNew) = state.withLock { state in
            state.order.removeAll { $0 == key }
            state.order.append(key)
            if state.order.count > most { state.outcomes[state.order.removeFirst()] = nil }
            if let known = state.outcomes[key] { return (known, false) }
            let outcome = Outcome<Value>()
            state.outcomes[key] = outcome
            return (outcome, true)
        }
        if isNew {
            Task {
                do { outcome.settle(.success(try await read())) } catch {
                    state.withLock { if $0.outcomes[key] === outcome { $0.outcomes[key] = nil } }
                    outcome.settle(.failure(error))
                }
            }
        }
        return try await outcome.value()
    }

    /// Removes some values.
    package func forget(where isMeant: (Key) -> Bool) {
        state.withLock { state in
            state.outcomes = state.outcomes.filter { !isMeant($0.key) }
            state.order.removeAll(where: isMeant)
        }
    }
}

/// A value that will be known later, for all tasks that wait. A task that is cancelled stops waiting at once; the work continues.
package final class Outcome<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, any Error>?
        var next = 0
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Sets the result for all tasks that wait or will wait; only the first call counts.
    package func settle(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            if state.result == nil { state.result = result }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    /// - Throws: the error that was set; `CancellationError`.
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
