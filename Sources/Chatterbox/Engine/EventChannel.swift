import Synchronization

/// Events on their way from the engine, which must never wait, to one consumer, which may take its time.
///
/// Sending always succeeds at once. Whoever makes sound looks at ``hasRoom`` before it makes more, and parks without it; so
/// no more lies unread than the limits and what one unit of work gives.
final class EventChannel: Sendable {
    private struct Producer: Sendable {
        let onRoom, onLeave: @Sendable () -> Void
    }

    private struct State {
        var unread: [SpeechEvent] = []
        var unreadSeconds = 0.0
        /// How the events end, once the producer has said so.
        var end: Result<Void, any Error>?
        /// Whether the consumer is gone or cancelled.
        var isLeft = false
        /// The consumer, where it waits for the next event.
        var consumer: CheckedContinuation<SpeechEvent?, any Error>?
        var producer: Producer?
    }

    private let limit: Double
    private let mostEvents: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: seconds of sound that nobody has read, from which on there is no room.
    ///   - mostEvents: the same for events of any kind.
    init(limit: Double = 2, mostEvents: Int = 256) {
        self.limit = limit
        self.mostEvents = mostEvents
    }

    // MARK: the producer

    /// Says whom to tell of the consumer; once. The channel lets go of both when the events have ended or nobody reads them
    /// any more.
    ///
    /// - Parameters:
    ///   - onRoom: called each time there is room again, on the consumer's thread.
    ///   - onLeave: called once if the consumer goes away before the end: dropped or cancelled. Work should stop. Where it is
    ///     gone already, it is called at once.
    func connect(onRoom: @escaping @Sendable () -> Void, onLeave: @escaping @Sendable () -> Void) {
        let isLeft = state.withLock { state in
            if state.end == nil, !state.isLeft { state.producer = Producer(onRoom: onRoom, onLeave: onLeave) }
            return state.isLeft && state.end == nil
        }
        if isLeft { onLeave() }
    }

    /// Whether more sound may be made: little enough lies unread, and somebody is there to read it.
    var hasRoom: Bool { state.withLock { hasRoom($0) } }

    private func hasRoom(_ state: State) -> Bool {
        !state.isLeft && state.unreadSeconds < limit && state.unread.count < mostEvents
    }

    /// Takes an event for the consumer; drops it where the consumer is gone, or after the end.
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

    /// Ends the events, after those that lie unread; the first end counts.
    ///
    /// - Parameter error: what the consumer's loop throws; nil: it ends well.
    func finish(throwing error: (any Error)? = nil) {
        let (consumer, end) = state.withLock { state in
            let end: Result<Void, any Error> = state.end ?? error.map { .failure($0) } ?? .success(())
            state.end = end
            state.producer = nil
            return (state.consumer.take(), end)
        }
        consumer?.resume(with: end.map { nil })
    }

    // MARK: the consumer

    /// The next event, when there is one; nil after the last. For one task at a time.
    ///
    /// - Throws: what the producer ended with; `CancellationError` where this task is cancelled, or ``leave()`` was called.
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

    /// What can be answered at once, and whom to tell that there is room; without an answer the consumer waits.
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

    /// Says that nobody reads any more; what lies unread is dropped.
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
