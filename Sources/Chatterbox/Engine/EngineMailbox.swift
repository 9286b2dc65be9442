import Dispatch
import Synchronization

/// An open request, as seen from outside the engine.
final class EngineRequest: Sendable {
    /// The request's number within the engine.
    let number: Int
    private let state = Mutex(State())

    private struct State {
        weak var coroutine: Coroutine?
        var isCancelled = false
    }

    init(number: Int) { self.number = number }

    /// Sets the request's coroutine, when the loop has accepted the request.
    func begin(_ coroutine: Coroutine) {
        let isCancelled = state.withLock { state in
            state.coroutine = coroutine
            return state.isCancelled
        }
        if isCancelled { coroutine.cancel() }
    }

    /// Ends the request at its next pause, whether it is open yet or not.
    func cancel() {
        let coroutine = state.withLock { state in
            state.isCancelled = true
            return state.coroutine
        }
        coroutine?.cancel()
    }

    /// Resumes a request that waits in ``EngineTurn/park()``.
    func unpark() { state.withLock(\.coroutine)?.unpark() }
}

/// The work of a request.
struct EngineJob: Sendable {
    let priority: SpeechPriority
    let threads: Int
    let body: @Sendable (EngineTurn) throws -> Void
    let finish: @Sendable (Result<Void, any Error>) -> Void
}

/// Messages to the loop, from any thread.
final class EngineMailbox: Sendable {
    enum Message: Sendable {
        case open(EngineRequest, EngineJob)
        /// A waiting request can continue.
        case runnable(Int)
        /// A model is not in use; `done` is called when nothing is kept for it.
        case forget(ObjectIdentifier, done: @Sendable () -> Void)
        case close
    }

    private let messages = Mutex<[Message]>([])
    private let arrived = DispatchSemaphore(value: 0)
    private let count = Atomic(0)

    func nextNumber() -> Int { count.add(1, ordering: .relaxed).newValue }

    func post(_ message: Message) {
        let isFirst = messages.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        if isFirst { arrived.signal() }
    }

    var isEmpty: Bool { messages.withLock(\.isEmpty) }

    /// All messages that have arrived, in order.
    ///
    /// - Parameter waits: whether to wait until there is one.
    func take(waits: Bool) -> [Message] {
        // A signal may remain from messages that an earlier call returned.
        while true {
            let taken = messages.withLock { messages in
                defer { messages = [] }
                return messages
            }
            guard taken.isEmpty, waits else { return taken }
            arrived.wait()
        }
    }
}
