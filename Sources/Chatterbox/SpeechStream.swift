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
