import Chatterbox
import Foundation
import Logging
import NIOCore
import SpeechText
import Synchronization

/// Speaks a text while it arrives. Each sentence is a separate request, with its own position in the queue and its own metrics, and gives the same
/// sound as if it had been requested alone with the same seed. Between two sentences there is the usual silence.
final class StreamedSpeech: Sendable {
    /// What happens, in order; times are relative to the first sound of the text.
    enum Event: Sendable {
        /// The first sound of a sentence has been computed.
        case begins(Sentence)
        /// The next sound, and the words in it.
        case sound(OpenSpeech.Piece)
        case ends(Sentence, seconds: Double, Usage)
        /// A sentence that the model cannot speak was left out, and the reason.
        case leftOut(String, reason: String)
    }

    struct Sentence: Sendable, Hashable {
        /// The sentence's number, from 0.
        let number: Int
        let text: String
        /// Seconds of sound before it, and of silence in between.
        let start, pause: Double
        let seed: UInt64
        let sampleRate: Int
        let estimatesWords: Bool
    }

    /// The settings of all sentences, without the text.
    let order: SpeechOrder
    let feed: TextFeed
    private let server: ServerState
    private let watch: ConnectionWatch?
    private let channel: any Channel
    private let client: String
    private let logger: Logger

    private struct State {
        var soFar = SpokenSoFar()
        var isInterrupted = false
        var current: OpenSpeech?
        /// When the speech was last used.
        var touched = ContinuousClock.now
        var isSpeaking = false
        var priority = SpeechPriority.interactive
    }

    private let state = Mutex(State())

    /// How many seconds a sentence after the first waits for a place if too many requests are ahead.
    private static let patience = 15.0

    /// - Parameters:
    ///   - order: the settings, with a text that is replaced by each sentence; without a seed, one random seed is used for all sentences.
    ///   - channel: the client's connection.
    init(_ order: SpeechOrder, _ server: ServerState, _ channel: any Channel, watch: ConnectionWatch?, client: String, logger: Logger) {
        var order = order
        order.manner.seed = order.manner.seed ?? UInt64.random(in: 0..<1 << 49)
        order.wantsWords = true
        (self.order, self.server, self.channel, self.watch, self.client, self.logger) = (order, server, channel, watch, client, logger)
        feed = TextFeed(limit: server.configuration.characterLimit)
    }

    /// Seconds since the speech was last used; nil while it speaks or has text to speak.
    var secondsIdle: Double? { state.withLock { $0.isSpeaking ? nil : (.now - $0.touched) / .seconds(1) } }

    var isInterrupted: Bool { state.withLock(\.isInterrupted) }

    func touch() { state.withLock { $0.touched = .now } }

    /// Lets the remaining text be spoken only when no other request waits.
    func yieldToOthers() { state.withLock { $0.priority = .batch } }

    /// Speaks until the text has ended, or it is interrupted.
    ///
    /// - Parameter deliver: sends an event, and returns a future that completes when the client has received it. Calls do not overlap, and there are
    ///   none after ``interrupt(playedSeconds:reply:)``.
    /// - Throws: ``APIError``, errors of speaking, `ClientGone`.
    func run(_ deliver: @Sendable (Event) -> EventLoopFuture<Void>?) async throws {
        var admission: Place?, number = 0, time = 0.0, pause = 0.0, unspoken: (any Error)?
        while !isInterrupted, let piece = await feed.next() {
            state.withLock { $0.isSpeaking = true }
            defer { state.withLock { ($0.isSpeaking, $0.touched) = (false, .now) } }
            do {
                if number == 0, admission == nil { admission = try server.limits.admit(client) }
                let seconds = try await speak(piece, number, after: pause, at: time, admission, deliver)
                time += seconds
                pause = order.manner.pauses(after: piece.boundary)
                number += 1
            } catch TextError.nothingToSpeak, TextError.empty {
                // Punctuation without words between sentences.
            } catch let error where error is TextError || error is ForeignTextError {
                unspoken = unspoken ?? error
                do { try await send(.leftOut(piece.text, reason: "\(error)"), deliver) { _ in } } catch { try fail(error) }
            } catch { try fail(error) }
        }
        guard !isInterrupted else { return }
        try Task.checkCancellation()
        // A text without anything that can be spoken is an error.
        if number == 0, let unspoken { try fail(unspoken) }
    }

    /// Counts an error and throws it, unless it need not be reported.
    private func fail(_ error: any Error) throws {
        if isInterrupted { return }
        let error = Task.isCancelled || watch?.isClosed == true ? ClientGone() : error
        server.countFailure(error)
        throw error
    }

    /// Stops at once: nothing more is delivered.
    ///
    /// - Parameters:
    ///   - playedSeconds: how much of the sound the client has played; nil if it does not say.
    ///   - reply: sends what was heard, directly after the last delivery.
    func interrupt(playedSeconds: Double?, reply: (HeardSpeech) -> Void) {
        let current = state.withLock { state -> OpenSpeech? in
            guard !state.isInterrupted else { return nil }
            state.isInterrupted = true
            reply(state.soFar.heard(playedSeconds))
            return state.current
        }
        current?.cancel()
        feed.drop()
    }

    /// Speaks a sentence.
    ///
    /// - Returns: the seconds of its sound, including the silence before.
    private func speak(
        _ piece: SentenceSplitter.Piece, _ number: Int, after pause: Double, at time: Double, _ admission: Place?,
        _ deliver: @Sendable (Event) -> EventLoopFuture<Void>?
    ) async throws -> Double {
        var order = order
        (order.input, order.priority) = (piece.text, state.withLock(\.priority))
        server.log(order, logger)
        let begin = ContinuousClock.now
        let speech = try await open(order, isFirst: number == 0, admission, since: begin, after: pause)
        let sentence = Sentence(
            number: number, text: piece.text, start: time, pause: pause, seed: order.manner.seed ?? 0, sampleRate: speech.sampleRate,
            estimatesWords: speech.estimatesWords)
        // The request's place is freed when the last reference to this speech is released.
        defer { state.withLock { $0.current = nil } }
        return try await withTaskCancellationHandler {
            do {
                try keep(speech)
                var isFirst = true
                while let piece = try await speech.next() {
                    if isFirst { try await send(.begins(sentence), deliver) { $0.begin(sentence.text, at: time + pause) } }
                    isFirst = false
                    var piece = piece
                    piece.start += time
                    piece.words = piece.words.map { SpokenWord(text: $0.text, start: $0.start + time, end: $0.end + time) }
                    try await send(.sound(piece), deliver) { $0.take(piece.seconds, piece.words) }
                }
                let seconds = await speech.seconds
                try await send(.ends(sentence, seconds: seconds, speech.usage), deliver) { $0.endSentence() }
                await speech.record(in: server.metrics, end: speech.end, seconds: (.now - begin) / .seconds(1))
                return seconds
            } catch {
                speech.cancel()
                await speech.record(in: server.metrics, end: "abort", seconds: (.now - begin) / .seconds(1))
                throw error
            }
        } onCancel: {
            speech.cancel()
        }
    }

    private func keep(_ speech: OpenSpeech) throws {
        try state.withLock { state in
            guard !state.isInterrupted else { throw CancellationError() }
            state.current = speech
        }
    }

    /// Delivers an event, unless the speech has been interrupted, and waits until the client has received it.
    private func send(_ event: Event, _ deliver: (Event) -> EventLoopFuture<Void>?, _ note: (inout SpokenSoFar) -> Void) async throws {
        let sent = try state.withLock { state in
            guard !state.isInterrupted else { throw CancellationError() }
            note(&state.soFar)
            return deliver(event)
        }
        guard let sent else { return }
        try await Patience(channel, seconds: server.configuration.readerPatience).waiting { try await sent.get() }
    }

    /// Opens a sentence's speech. A sentence after the first, whose listener still has sound, waits for its place where the first would be refused.
    private func open(
        _ order: SpeechOrder, isFirst: Bool, _ admission: Place?, since begin: ContinuousClock.Instant, after pause: Double
    ) async throws -> OpenSpeech {
        while true {
            do { return try await server.open(order, watch, places: [admission], since: begin, after: pause, logger: logger) } catch let error
                as APIError
            {
                guard !isFirst, ["queue_full", "slow_down"].contains(error.code), (.now - begin) / .seconds(1) < Self.patience else { throw error }
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}
