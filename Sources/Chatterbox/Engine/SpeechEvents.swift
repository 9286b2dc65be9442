import SpeechAudio

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

/// What happens to a request while it is spoken, in order: first ``started(seed:)``, last ``finished(_:)``.
public enum SpeechEvent: Sendable, Hashable {
    /// Work has begun; the seed is what every random number follows from, to speak the text the same way again.
    case started(seed: UInt64)
    /// The next stretch of sound, with what is spoken in it.
    case audio(SpeechChunk)
    /// Something a person should know; the speech is made all the same. Each once.
    case warning(SpeechWarning)
    /// Where the work stands.
    case progress(SpeechProgress)
    /// All has been spoken; what the work came to.
    case finished(SpeechReport)

    /// Seconds of sound in it.
    var seconds: Double { if case .audio(let chunk) = self { chunk.audio.duration } else { 0 } }
}

/// Speech as it is made: what ``Synthesizer/chunks(_:voice:options:onProgress:)`` gives.
///
/// Work begins when the first chunk is asked for, and anew with each loop over the stream. It runs two seconds of sound ahead
/// of the loop and then waits for it. Leaving the loop, or cancelling its task, stops the work. A task that is cancelled
/// before all has been spoken sees `CancellationError`: a loop that ends without an error has had the whole speech.
public struct SpeechStream: AsyncSequence, Sendable {
    private let events: SpeechEvents

    init(_ events: SpeechEvents) { self.events = events }

    public func makeAsyncIterator() -> Iterator { Iterator(events: events.makeAsyncIterator()) }

    /// One loop over the stream; when it goes away, the work stops.
    public struct Iterator: AsyncIteratorProtocol {
        let events: SpeechEvents.Iterator

        public func next() async throws -> SpeechChunk? {
            while let event = try await events.next() {
                if case .audio(let chunk) = event { return chunk }
            }
            return nil
        }
    }
}
