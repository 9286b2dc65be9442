import SpeechText
import Synchronization

/// A text that is added piece by piece while it is written, and returned in sentences, each as soon as its end is certain.
final class TextFeed: Sendable {
    private struct State {
        var stream = SentenceStream()
        var ready: [SentenceSplitter.Piece] = []
        var characters = 0
        var isEnded = false
        var reader: CheckedContinuation<SentenceSplitter.Piece?, Never>?
    }

    /// The largest number of characters of the whole text.
    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Whether no text waits to be spoken or completed.
    var isIdle: Bool { state.withLock { $0.ready.isEmpty && $0.stream.rest.allSatisfy(\.isWhitespace) } }

    var isEnded: Bool { state.withLock(\.isEnded) }

    /// Adds to the text.
    ///
    /// - Throws: ``APIError`` if the text becomes too long.
    func add(_ text: String) throws {
        try change { state in
            guard !state.isEnded else { return }
            state.characters += text.unicodeScalars.count
            guard state.characters <= limit else {
                throw APIError.invalid("the text has more than \(limit) characters; begin another", "text", code: "string_above_max_length")
            }
            state.ready += state.stream.append(text)
        }
    }

    /// Makes all text received so far available, even without the end of a sentence.
    func flush() { change { $0.ready += $0.stream.flush() } }

    /// Ends the text; the text received so far is still spoken.
    func end() {
        change { state in
            state.ready += state.stream.flush()
            state.isEnded = true
        }
    }

    /// Discards all text that has not been spoken.
    func drop() {
        change { state in
            _ = state.stream.flush()
            (state.ready, state.isEnded) = ([], true)
        }
    }

    private func change(_ work: (inout State) throws -> Void) rethrows {
        let (reader, piece) = try state.withLock { state -> (CheckedContinuation<SentenceSplitter.Piece?, Never>?, SentenceSplitter.Piece?) in
            try work(&state)
            guard let reader = state.reader, !state.ready.isEmpty || state.isEnded else { return (nil, nil) }
            state.reader = nil
            return (reader, state.ready.isEmpty ? nil : state.ready.removeFirst())
        }
        reader?.resume(returning: piece)
    }

    /// The next sentence, when there is one; nil after the last, or if the task is cancelled.
    func next() async -> SentenceSplitter.Piece? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: SentenceSplitter.Piece?? = state.withLock { state in
                    if !state.ready.isEmpty { return .some(state.ready.removeFirst()) }
                    if state.isEnded || Task.isCancelled { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            drop()
        }
    }
}
