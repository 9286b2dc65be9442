import Dispatch
import Synchronization

/// An open request, as those outside of the engine see it.
final class EngineRequest: Sendable {
    /// Tells it from the engine's others.
    let number: Int
    private let state = Mutex(State())

    private struct State {
        weak var coroutine: Coroutine?
        var isCancelled = false
    }

    init(number: Int) { self.number = number }

    /// The request's work, once the loop has taken it in.
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

    /// Lets the request go on that waits in ``EngineTurn/park()``.
    func unpark() { state.withLock(\.coroutine)?.unpark() }
}

/// What a request's work is.
struct EngineJob: Sendable {
    let priority: SpeechPriority
    let threads: Int
    let body: @Sendable (EngineTurn) throws -> Void
    let finish: @Sendable (Result<Void, any Error>) -> Void
}

/// What the loop is told, from any thread.
final class EngineMailbox: Sendable {
    enum Message: Sendable {
        case open(EngineRequest, EngineJob)
        /// A request waited and can go on.
        case runnable(Int)
        /// A model rests; what is called when nothing is kept for it.
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

    /// All that has arrived, in order.
    ///
    /// - Parameter waits: until there is something.
    func take(waits: Bool) -> [Message] {
        // A signal may be left over from what an earlier call took.
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
