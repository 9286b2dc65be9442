import Foundation
import NIOCore
import Synchronization

/// One text of an ElevenLabs WebSocket, and its responses.
final class ElevenLabsContext: Sendable {
    /// nil if the WebSocket has only one text.
    let name: String?
    let speech: StreamedSpeech
    private let socket: WebSocket
    private let countsFromBeginning: Bool
    private let clock = Mutex(CharacterClock(""))

    init(_ name: String?, _ speech: StreamedSpeech, _ socket: WebSocket, countsFromBeginning: Bool) {
        (self.name, self.speech, self.socket, self.countsFromBeginning) = (name, speech, socket, countsFromBeginning)
    }

    /// Speaks the text, and sends a message when everything has been spoken, or when an error has occurred.
    ///
    /// - Parameter leave: removes the context and sends the message about it: after that message the client may use its name again.
    /// - Returns: the error.
    func run(leave: (_ telling: () -> EventLoopFuture<Void>?) -> EventLoopFuture<Void>?) async throws -> APIError? {
        var failure: APIError?
        do { try await speech.run { self.deliver($0) } } catch let error where !error.meansThatNobodyListens { failure = APIError(error) }
        let told = leave {
            if let failure {
                let told = socket.enqueue(Self.failure(failure, in: name))
                // With several texts the end of a failed one is sent as well; a WebSocket with one text is closed.
                if name == nil { return told }
            }
            guard !speech.isInterrupted else { return nil }
            return socket.enqueue(message([("audio", .null), ("isFinal", true), ("normalizedAlignment", .null), ("alignment", .null)]))
        }
        if let told { try await socket.wait(for: told) }
        return failure
    }

    /// Stops at once, and sends how much was heard.
    func interrupt(playedSeconds: Double?) {
        speech.interrupt(playedSeconds: playedSeconds) { heard in
            _ = socket.enqueue(message([("audio", .null), ("isFinal", true), ("interrupted", true), ("heard", heard.json)]))
        }
    }

    private func deliver(_ event: StreamedSpeech.Event) -> EventLoopFuture<Void>? {
        switch event {
        case .begins(let sentence):
            clock.withLock { $0 = CharacterClock((sentence.number > 0 ? " " : "") + sentence.text, from: sentence.start) }
            return nil
        // The protocol has no message for text that was left out.
        case .ends, .leftOut: return nil
        case .sound(let piece):
            let alignment = clock.withLock { clock -> JSON in
                let origin = countsFromBeginning ? 0 : clock.time, times = clock.take(piece.words)
                return times.isEmpty ? .null : times.message(since: origin)
            }
            let audio = JSON.string(Data(piece.bytes).base64EncodedString())
            return socket.enqueue(message([("audio", audio), ("isFinal", false), ("normalizedAlignment", alignment), ("alignment", alignment)]))
        }
    }

    private func message(_ members: [(String, JSON)]) -> JSON { Self.message(members, in: name) }

    private static func message(_ members: [(String, JSON)], in context: String?) -> JSON {
        // Clients use both names.
        let names = context.map { [("contextId", JSON.string($0)), ("context_id", JSON.string($0))] } ?? []
        return .object((members + names).map { JSON.Member(name: $0.0, value: $0.1) })
    }

    static func failure(_ error: APIError, in context: String?) -> JSON {
        message([("message", .string(error.message)), ("error", .string(error.code ?? error.type)), ("code", 1008)], in: context)
    }
}
