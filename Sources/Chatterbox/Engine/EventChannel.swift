import Synchronization

/// Passes events from the engine, which must never wait, to one consumer, which may be slow.
///
/// Sending always succeeds at once. The producer checks ``hasRoom`` before it computes more sound, and parks if there is none; so the unread events
/// exceed the limits by at most one unit of work.
final class EventChannel: Sendable {
    private struct Producer: Sendable {
        let onRoom, onLeave: @Sendable () -> Void
    }

    private struct State {
        var unread: [SpeechEvent] = []
        var unreadSeconds = 0.0
        /// How the events end, after the producer has ended them.
        var end: Result<Void, any Error>?
        /// Whether the consumer has stopped reading or was cancelled.
        var isLeft = false
        /// The consumer, while it waits for the next event.
        var consumer: CheckedContinuation<SpeechEvent?, any Error>?
        var producer: Producer?
    }

    private let limit: Double
    private let mostEvents: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: the number of seconds of unread sound from which on there is no room.
    ///   - mostEvents: the same, as a number of events of any kind.
    init(limit: Double = 2, mostEvents: Int = 256) {
        self.limit = limit
        self.mostEvents = mostEvents
    }

    // MARK: producer

    /// Sets the functions that are called about the consumer; to be called once. The channel releases both when the events have ended or are no
    /// longer read.
    ///
    /// - Parameters:
    ///   - onRoom: called each time there is room again, on the consumer's thread.
    ///   - onLeave: called once if the consumer is released or cancelled before the end, at once if it already has been. The work should stop.
    func connect(onRoom: @escaping @Sendable () -> Void, onLeave: @escaping @Sendable () -> Void) {
        let isLeft = state.withLock { state in
            if state.end == nil, !state.isLeft { state.producer = Producer(onRoom: onRoom, onLeave: onLeave) }
            return state.isLeft && state.end == nil
        }
        if isLeft { onLeave() }
    }

    /// Whether more sound may be computed: there is little unread sound, and a consumer.
    var hasRoom: Bool { state.withLock { hasRoom($0) } }

    private func hasRoom(_ state: State) -> Bool {
        !state.isLeft && state.unreadSeconds < limit && state.unread.count < mostEvents
    }

    /// Sends an event to the consumer; it is dropped if there is no consumer, or after the end.
    func send(_ event: SpeechEvent) {
        let consumer = state.withLock { state -> CheckedContinuation<SpeechEvent?, any Error>? in
            guard state.end == nil, !state.isLeft else { return nil }
            if let consumer = state.consumer.take() { return consumer }
            state.unread.append(event)
            state.unreadSeconds += event.seconds
            return nil
        }
        consumer?.resume(returning: event)
    }

    /// Ends the events, after the unread ones; only the first call counts.
    ///
    /// - Parameter error: the error that the consumer's loop throws; nil for a normal end.
    func finish(throwing error: (any Error)? = nil) {
        let (consumer, end) = state.withLock { state in
            let end: Result<Void, any Error> = state.end ?? error.map { .failure($0) } ?? .success(())
            state.end = end
            state.producer = nil
            return (state.consumer.take(), end)
        }
        consumer?.resume(with: end.map { nil })
    }

    // MARK: consumer

    /// The next event, when there is one; nil after the last. For one task at a time.
    ///
    /// - Throws: the error with which the producer ended; `CancellationError` if this task is cancelled, or ``leave()`` was called.
    func next() async throws -> SpeechEvent? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { consumer in
                let (answer, onRoom) = state.withLock { take(from: &$0, or: consumer) }
                onRoom?()
                if let answer { consumer.resume(with: answer) }
            }
        } onCancel: {
            leave()
        }
    }

    /// The answer that is available at once, and the function to call if there is room again; without an answer the consumer waits.
    private func take(
        from state: inout State, or consumer: CheckedContinuation<SpeechEvent?, any Error>
    ) -> (answer: Result<SpeechEvent?, any Error>?, onRoom: (@Sendable () -> Void)?) {
        if state.isLeft { return (.failure(CancellationError()), nil) }
        let hadRoom = hasRoom(state)
        if !state.unread.isEmpty {
            let event = state.unread.removeFirst()
            state.unreadSeconds = state.unread.isEmpty ? 0 : state.unreadSeconds - event.seconds
            return (.success(event), !hadRoom && hasRoom(state) ? state.producer?.onRoom : nil)
        }
        if let end = state.end { return (end.map { nil }, nil) }
        precondition(state.consumer == nil, "one task reads at a time")
        state.consumer = consumer
        return (nil, nil)
    }

    /// Stops reading; unread events are dropped.
    func leave() {
        let (consumer, producer) = state.withLock { state in
            state.isLeft = true
            state.unread = []
            state.unreadSeconds = 0
            return (state.consumer.take(), state.producer.take())
        }
        consumer?.resume(throwing: CancellationError())
        producer?.onLeave()
    }
}
