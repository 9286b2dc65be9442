import SpeechText
import Synchronization

/// A text on its way to be spoken: it is put in as it is written, and taken out by sentences, each as soon as it is certain.
final class TextFeed: Sendable {
    private struct State {
        var stream = SentenceStream()
        var ready: [SentenceSplitter.Piece] = []
        var characters = 0
        var isEnded = false
        var reader: CheckedContinuation<SentenceSplitter.Piece?, Never>?
    }

    /// The most characters of the whole text.
    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Whether nothing waits to be spoken, nor to become certain.
    var isIdle: Bool { state.withLock { $0.ready.isEmpty && $0.stream.rest.allSatisfy(\.isWhitespace) } }

    var isEnded: Bool { state.withLock(\.isEnded) }

    /// Adds to the text.
    ///
    /// - Throws: ``APIError`` where it becomes too long.
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

    /// What has come so far is to be spoken as it is.
    func flush() { change { $0.ready += $0.stream.flush() } }

    /// Nothing more comes; what has come is still spoken.
    func end() {
        change { state in
            state.ready += state.stream.flush()
            state.isEnded = true
        }
    }

    /// Nothing more is to be spoken.
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

    /// The next sentence, when there is one; nil after the last, or where the task is cancelled.
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
