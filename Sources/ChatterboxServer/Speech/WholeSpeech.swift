import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// A speech that is sent as a whole, with its length; it is stored in an unnamed file until then.
final class WholeSpeech: Sendable {
    private let file = FileManager.default.temporaryDirectory.appending(path: "chatterbox-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(at: file) }

    /// The response when everything has been spoken: the sound, or, if word times were requested, one object with both.
    ///
    /// - Parameter open: opens the speech, into a file.
    func response(_ state: ServerState, _ context: ServerContext, _ open: (URL) async throws -> OpenSpeech) async throws -> Response {
        let speech = try await open(file), order = speech.order
        var words: [SpokenWord] = []
        while let piece = try await speech.next() { words += piece.words }
        await speech.record(in: state.metrics, end: speech.end, seconds: context.seconds)
        var response: Response
        if order.wantsWords, order.shape == .elevenLabs {
            var clock = CharacterClock(order.input)
            let times = (clock.take(words) + clock.rest(until: await speech.seconds)).json
            response = Response([
                "audio_base64": .string(try Data(contentsOf: file).base64EncodedString()), "alignment": times, "normalized_alignment": times,
            ])
        } else if order.wantsWords {
            response = Response([
                "audio": .string(try Data(contentsOf: file).base64EncodedString()), "format": .string(order.sound.format.rawValue),
                "words": words.json,
                "estimated": .bool(speech.estimatesWords), "usage": await speech.usage.json, "judgement": await speech.report.judgement,
            ])
        } else {
            response = Response(status: .ok, headers: [.contentType: order.sound.mediaType], body: try body())
        }
        if let seed = await speech.seed { response.headers[.seed] = "\(seed)" }
        if let errors = await speech.report.wordErrors { response.headers[.wordErrors] = "\(errors.wrong)/\(errors.words)" }
        response.headers.append(warnings: await speech.warnings)
        return response
    }

    /// The file's contents, block by block.
    private func body() throws -> ResponseBody {
        let bytes = try Data(contentsOf: file, options: .mappedIfSafe)
        return ResponseBody(contentLength: bytes.count) { [self] writer in
            for start in stride(from: 0, to: bytes.count, by: 1 << 16) {
                try await writer.write(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + (1 << 16))]))
            }
            withExtendedLifetime(self) {}
            try await writer.finish(nil)
        }
    }
}

extension SpeechReport {
    /// The judge's transcripts of the takes of each piece; null without a judge.
    fileprivate var judgement: JSON {
        guard let judge, let wordErrors else { return .null }
        let pieces = pieces.map { piece -> JSON in
            let takes = piece.judged.map {
                ["transcript": .string($0.transcript), "word_errors": JSON($0.errors.wrong), "words": JSON($0.errors.words)] as JSON
            }
            return ["text": .string(piece.text), "kept_draw": JSON(piece.keptDraw), "takes": .array(takes)]
        }
        return ["judge": .string(judge), "word_errors": JSON(wordErrors.wrong), "words": JSON(wordErrors.words), "pieces": .array(pieces)]
    }
}
