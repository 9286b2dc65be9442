import Synchronization

/// Values that a piece of work makes, a few ahead of whoever reads them.
///
/// It is cold: the work begins when the first value is asked for, and anew with each loop over the stream. While
/// ``capacity`` values lie unread the work waits. It is cancelled when its loop is left or the task of the loop is
/// cancelled; such a task sees `CancellationError`, never an end that looks like a complete one.
struct BoundedStream<Element: Sendable>: AsyncSequence, Sendable {
    /// Gives a value to the reader; waits for room, and throws `CancellationError` where nobody reads any more.
    typealias Send = @Sendable (Element) async throws -> Void

    /// The most values that are made and not read.
    let capacity: Int
    private let work: @Sendable (Send) async throws -> Void

    /// - Parameter work: makes the values, in a task of its own.
    init(capacity: Int, work: @escaping @Sendable (_ send: Send) async throws -> Void) {
        precondition(capacity > 0, "room for one value")
        (self.capacity, self.work) = (capacity, work)
    }

    func makeAsyncIterator() -> Iterator { Iterator(capacity: capacity, work: work) }

    /// One loop. When the last copy goes away, the work stops.
    struct Iterator: AsyncIteratorProtocol {
        private let reader: Reader

        fileprivate init(capacity: Int, work: @escaping @Sendable (Send) async throws -> Void) {
            reader = Reader(BoundedChannel(capacity: capacity), work)
        }

        func next() async throws -> Element? { try await reader.next() }
    }

    /// The reader's end of the channel, whose going away ends the work.
    private final class Reader: Sendable {
        private let channel: BoundedChannel<Element>
        private let work: @Sendable (Send) async throws -> Void

        init(_ channel: BoundedChannel<Element>, _ work: @escaping @Sendable (Send) async throws -> Void) {
            (self.channel, self.work) = (channel, work)
        }

        deinit { channel.cancel() }

        func next() async throws -> Element? {
            try await withTaskCancellationHandler {
                channel.start(work)
                return try await channel.receive()
            } onCancel: {
                channel.cancel()
            }
        }
    }
}

/// Room for a few values between a task that makes them and one that reads them.
private final class BoundedChannel<Element: Sendable>: Sendable {
    private let capacity: Int
    private let state = Mutex(State())

    private struct State {
        var unread: [Element] = []
        /// How the work ended; nil while it goes on.
        var end: Result<Void, any Error>?
        var isCancelled = false
        var task: Task<Void, Never>?
        /// Whoever waits for a value, and for room; nobody else may wait meanwhile.
        var reader: CheckedContinuation<Element?, any Error>?
        var writer: CheckedContinuation<Void, any Error>?
    }

    init(capacity: Int) { self.capacity = capacity }

    /// Starts the work, once.
    func start(_ work: @escaping @Sendable (BoundedStream<Element>.Send) async throws -> Void) {
        state.withLock { state in
            guard state.task == nil, !state.isCancelled else { return }
            state.task = Task {
                do {
                    try await work { try await self.send($0) }
                    finish(.success(()))
                } catch {
                    finish(.failure(error))
                }
            }
        }
    }

    /// Nobody reads any more.
    func cancel() {
        let (task, reader, writer) = state.withLock { state in
            defer { (state.isCancelled, state.reader, state.writer) = (true, nil, nil) }
            return (state.task, state.reader, state.writer)
        }
        task?.cancel()
        reader?.resume(throwing: CancellationError())
        writer?.resume(throwing: CancellationError())
    }

    private func finish(_ end: Result<Void, any Error>) {
        let reader = state.withLock { state in
            state.end = end
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(with: end.map { nil })
    }

    private func send(_ element: Element) async throws {
        // At most twice: whoever made room has read what was there.
        while true {
            let (isSent, reader) = try state.withLock { state in
                if state.isCancelled { throw CancellationError() }
                if let reader = state.reader {
                    state.reader = nil
                    return (true, Optional(reader))
                }
                guard state.unread.count < capacity else { return (false, nil) }
                state.unread.append(element)
                return (true, nil)
            }
            reader?.resume(returning: element)
            if isSent { return }
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if state.isCancelled { return .failure(CancellationError()) }
                    if state.unread.count < capacity { return .success(()) }
                    precondition(state.writer == nil, "one task sends at a time")
                    state.writer = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        }
    }

    func receive() async throws -> Element? {
        try await withCheckedThrowingContinuation { continuation in
            let (answer, writer): (Result<Element?, any Error>?, CheckedContinuation<Void, any Error>?) = state.withLock { state in
                if let end = state.end, state.unread.isEmpty {
                    // An error is thrown once; a stream that was cut short has no end but that.
                    if case .failure(let error) = end {
                        if !(error is CancellationError) { state.end = .success(()) }
                        return (.failure(error), nil)
                    }
                    return (.success(nil), nil)
                }
                if state.isCancelled { return (.failure(CancellationError()), nil) }
                if !state.unread.isEmpty {
                    defer { state.writer = nil }
                    return (.success(state.unread.removeFirst()), state.writer)
                }
                precondition(state.reader == nil, "one task reads at a time")
                state.reader = continuation
                return (nil, nil)
            }
            writer?.resume()
            if let answer { continuation.resume(with: answer) }
        }
    }
}
