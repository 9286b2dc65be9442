/// Speech as it is made: what ``Synthesizer/chunks(_:voice:options:onProgress:)`` gives.
///
/// Work begins when the first chunk is asked for, and anew with each loop over the stream. It runs two chunks ahead of
/// the loop and then waits for it. Leaving the loop, or cancelling its task, stops the work. A task that is cancelled
/// before all has been spoken sees `CancellationError`: a loop that ends without an error has had the whole speech.
public struct SpeechStream: AsyncSequence, Sendable {
    private let chunks: BoundedStream<SpeechChunk>

    init(_ work: @escaping @Sendable (_ send: BoundedStream<SpeechChunk>.Send) async throws -> Void) {
        chunks = BoundedStream(capacity: 2, work: work)
    }

    public func makeAsyncIterator() -> Iterator { Iterator(chunks: chunks.makeAsyncIterator()) }

    /// One loop over the stream; when it goes away, the work stops.
    public struct Iterator: AsyncIteratorProtocol {
        let chunks: BoundedStream<SpeechChunk>.Iterator

        public func next() async throws -> SpeechChunk? { try await chunks.next() }
    }
}
