import Synchronization

/// What is read from files, or loaded, once for all who want it; what was used last stays in memory.
package final class SharedReads<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        /// Read, or being read.
        var outcomes: [Key: Outcome<Value>] = [:]
        /// In the order of their last use.
        var order: [Key] = []
    }

    private let state = Mutex(State())
    /// How many are kept.
    private let most: Int

    package init(most: Int) { self.most = most }

    /// The value of a key, which is read where it is not there. One reading serves all who wait, also where the one who was first goes
    /// away; one that failed is tried again by the next.
    ///
    /// - Throws: what reading throws; `CancellationError`.
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

    /// Lets go of some.
    package func forget(where isMeant: (Key) -> Bool) {
        state.withLock { state in
            state.outcomes = state.outcomes.filter { !isMeant($0.key) }
            state.order.removeAll(where: isMeant)
        }
    }
}

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
