import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The responses with speech: sound while it is computed, or events.
struct SpeechAnswer {
    let state: ServerState
    let context: ServerContext
    let watch: ConnectionWatch?
    let speech: OpenSpeech
    /// The piece for which the status was delayed.
    let first: OpenSpeech.Piece

    /// The header fields of every response.
    private func headers(_ type: String) async -> HTTPFields {
        var headers: HTTPFields = [.contentType: type]
        if let seed = await speech.seed { headers[.seed] = "\(seed)" }
        headers.append(warnings: await speech.warnings)
        return headers
    }

    /// Sound while it is computed. A failure closes the connection before the last chunk, so that clients can detect it.
    func sound() async -> Response {
        Response(
            status: .ok, headers: await headers(speech.order.sound.mediaType),
            body: body { write in
                try await write(first.bytes)
                while let piece = try await speech.next() { try await write(piece.bytes) }
            })
    }

    /// Sound and the times of its characters, one JSON object on each line, in ElevenLabs' format; a failure closes the connection.
    func timedSound() async -> Response {
        Response(
            status: .ok, headers: await headers("application/x-ndjson"),
            body: body { write in
                var clock = CharacterClock(speech.order.input)
                func send(_ piece: OpenSpeech.Piece) async throws {
                    let times = clock.take(piece.words), json = times.isEmpty ? JSON.null : times.json
                    let line: JSON = [
                        "audio_base64": .string(Data(piece.bytes).base64EncodedString()), "alignment": json, "normalized_alignment": json,
                    ]
                    try await write(JSON.bytes(line) + [0x0A])
                }
                try await send(first)
                while let piece = try await speech.next() { try await send(piece) }
            })
    }

    /// Events; a failure is sent as an event.
    func events() async -> Response {
        Response(
            status: .ok, headers: await headers(EventStream.mediaType),
            body: body { write in
                func send(_ piece: OpenSpeech.Piece) async throws {
                    if !piece.words.isEmpty { try await write(EventStream.words(piece.words, areEstimated: speech.estimatesWords)) }
                    if !piece.bytes.isEmpty { try await write(EventStream.delta(piece.bytes)) }
                }
                do {
                    try await send(first)
                    while let piece = try await speech.next() { try await send(piece) }
                } catch {
                    guard watch?.isClosed != true else { throw error }
                    context.logger.error("speech failed", metadata: ["error": "\(error)"])
                    try await write(EventStream.failure(APIError(error)))
                    throw SpeechFailed()
                }
                try await write(EventStream.end(await speech.usage))
                try await write(EventStream.done)
            })
    }

    /// A body that is written as long as the client reads it.
    private func body(_ produce: @escaping @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void) -> ResponseBody {
        let (state, context, watch, speech) = (state, context, watch, speech)
        let patience = Patience(context.channel, seconds: state.configuration.readerPatience)
        return ResponseBody { writer in
            let listening = watch?.onClose { speech.cancel() }
            defer { listening?.end() }
            do {
                try await produce { bytes in
                    guard !bytes.isEmpty else { return }
                    try await patience.waiting { try await writer.write(ByteBuffer(bytes: bytes)) }
                }
                await speech.record(in: state.metrics, end: speech.end, seconds: context.seconds)
            } catch is SpeechFailed {
                await speech.record(in: state.metrics, end: "abort", seconds: context.seconds)
            } catch {
                speech.cancel()
                await speech.record(in: state.metrics, end: "abort", seconds: context.seconds)
                context.logger.info("speech cut", metadata: ["reason": "\(watch?.isClosed == true ? "the client is gone" : "\(error)")"])
                throw error
            }
            try await writer.finish(nil)
        }
    }
}

/// A failure that has already been sent to the client in an event.
private struct SpeechFailed: Error {}

extension String {
    /// As the value of a header field: one line of ASCII, in which other characters and "%" are percent-encoded: "Ł" is %C5%81.
    var asHeader: String {
        utf8.reduce(into: "") { header, byte in
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
                header.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                header += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
