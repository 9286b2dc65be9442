import SpeechAudio

/// The events of a request: sound while it is computed, warnings, progress and the final report.
///
/// Work begins when the first event is requested. Each loop over the sequence is a separate request, so that two loops speak the text twice. Sound
/// is computed at most about two seconds ahead of the loop: if the loop stops reading, its request pauses, without delaying other requests. Leaving
/// the loop, or cancelling its task, ends the request.
///
/// A loop that ends without an error has received all events, including ``SpeechEvent/finished(_:)``. If its task is cancelled before that, the
/// loop throws `CancellationError`, even if further events are available; other errors are thrown after the events that preceded them.
public struct SpeechEvents: AsyncSequence, Sendable {
    public typealias Element = SpeechEvent

    private let start: @Sendable (EventChannel) -> Void

    /// - Parameter start: passes a new request to the engine, which sends its events through the channel. It is called once for each loop, in the
    ///   loop's task, and should return at once.
    init(_ start: @escaping @Sendable (EventChannel) -> Void) { self.start = start }

    public func makeAsyncIterator() -> Iterator { Iterator(reader: Reader(start)) }

    /// One loop. When its last copy is released, the request ends.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let reader: Reader

        public func next() async throws -> SpeechEvent? { try await reader.next() }

        /// Ends the request, from any task; waiting for the next event then throws `CancellationError`.
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
    /// The request has started; with the seed the text can be spoken in the same way again.
    case started(seed: UInt64)
    /// The next piece of sound, with its text.
    case audio(SpeechChunk)
    /// Something a person should know, although the text is spoken; each warning comes once.
    case warning(SpeechWarning)
    /// The progress of the request.
    case progress(SpeechProgress)
    /// The whole text has been spoken; the final report.
    case finished(SpeechReport)

    /// The seconds of sound in this event.
    var seconds: Double { if case .audio(let chunk) = self { chunk.audio.duration } else { 0 } }
}

/// Speech while it is computed, as returned by ``Synthesizer/chunks(_:voice:options:onProgress:)``.
///
/// Each loop over the stream is a separate request, which starts when the first chunk is requested. Sound is computed at most two seconds ahead of
/// the loop. Leaving the loop, or cancelling its task, ends the request. If the task is cancelled before the whole text is spoken, the loop throws
/// `CancellationError`: a loop that ends without an error has received the whole speech.
public struct SpeechStream: AsyncSequence, Sendable {
    private let events: SpeechEvents

    init(_ events: SpeechEvents) { self.events = events }

    public func makeAsyncIterator() -> Iterator { Iterator(events: events.makeAsyncIterator()) }

    /// One loop over the stream; when it is released, the request ends.
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
