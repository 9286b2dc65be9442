/// Speech as it is made, and what there is to say of it.
///
/// Nothing is done before the first event is asked for. Each loop over it is a request of its own, so that two loops speak
/// the text twice. At most about two seconds of sound lie ready that nobody has read: a loop that stops reading stops its
/// work, and holds up nobody else's. Leaving the loop, or cancelling its task, ends the work.
///
/// A loop that ends without an error has had everything, ``SpeechEvent/finished(_:)`` included. In a task that is cancelled
/// before that it throws `CancellationError`, also where events lie ready; other errors come after the events before them.
public struct SpeechEvents: AsyncSequence, Sendable {
    public typealias Element = SpeechEvent

    private let start: @Sendable (EventChannel) -> Void

    /// - Parameter start: hands a new request to the engine, which is to send its events through the channel. It is called
    ///   once for each loop, in the loop's task, and should return at once.
    init(_ start: @escaping @Sendable (EventChannel) -> Void) { self.start = start }

    public func makeAsyncIterator() -> Iterator { Iterator(reader: Reader(start)) }

    /// One loop. When its last copy goes away, the work ends.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let reader: Reader

        public func next() async throws -> SpeechEvent? { try await reader.next() }

        /// Ends the work, from any task; whoever waits for the next event sees `CancellationError`.
        public func cancel() { reader.leave() }
    }

    fileprivate final class Reader: Sendable {
        private let channel = EventChannel()
        private let start: OnFirstUse<Void>

        init(_ start: @escaping @Sendable (EventChannel) -> Void) {
            self.start = OnFirstUse { [channel] in start(channel) }
        }

        deinit { channel.leave() }

        func leave() { channel.leave() }

        func next() async throws -> SpeechEvent? {
            if !Task.isCancelled { try start() }
            return try await channel.next()
        }
    }
}
