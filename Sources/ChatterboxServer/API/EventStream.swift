import Chatterbox
import Foundation

/// Server-sent events in OpenAI's format: only `data:` lines, ended by CRLF, and `[DONE]` at the end.
enum EventStream {
    static let mediaType = "text/event-stream; charset=utf-8"
    static let done = event("[DONE]")

    static func delta(_ audio: [UInt8]) -> [UInt8] {
        event(#"{"type":"speech.audio.delta","audio":""# + Data(audio).base64EncodedString() + "\"}")
    }

    static func end(_ usage: Usage) -> [UInt8] {
        event(.object([.init(name: "type", value: "speech.audio.done"), .init(name: "usage", value: usage.json)]))
    }

    /// The times of words; OpenAI has no such event.
    static func words(_ words: [SpokenWord], areEstimated: Bool) -> [UInt8] {
        event(["type": "speech.audio.words", "words": words.json, "estimated": .bool(areEstimated)])
    }

    static func failure(_ error: APIError) -> [UInt8] { event(["type": "speech.audio.error", "error": error.object]) }

    static func event(_ value: JSON) -> [UInt8] { event(value.text) }

    private static func event(_ data: String) -> [UInt8] { Array("data: \(data)\r\n\r\n".utf8) }
}

/// The numbers of text tokens and speech tokens of a request.
struct Usage: Sendable, Hashable {
    var input = 0
    var output = 0

    var json: JSON { ["input_tokens": .init(input), "output_tokens": .init(output), "total_tokens": .init(input + output)] }
}

extension [SpokenWord] {
    /// Each word with its times in seconds.
    var json: JSON {
        func seconds(_ value: Double) -> JSON { .number((value * 1000).rounded() / 1000) }
        return .array(map { ["word": .string($0.text), "start": seconds($0.start), "end": seconds($0.end)] })
    }
}
