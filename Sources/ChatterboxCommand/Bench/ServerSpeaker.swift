// Needs an HTTP client and its dependencies.
#if Hub
    import AsyncHTTPClient
    import Chatterbox
    import ChatterboxEvaluation
    import Foundation
    import SpeechAudio

    /// A server that speaks the requests of a measurement; its sound is timed as it arrives.
    struct ServerSpeaker: LoadSpeaker {
        private let client: ServerClient
        /// The names on the server.
        let model: String
        let voices: [String]
        private let language: String?

        init(_ client: ServerClient, model: String, voices: [String], language: String?) {
            (self.client, self.model, self.voices, self.language) = (client, model, voices, language)
        }

        private struct Question: Encodable {
            let model, input, voice: String
            let language: String?
            let seed: UInt64
            let response_format = "pcm"
        }

        /// - Throws: ``ServerClientError``; `LoadRefusal` for status 429.
        func speak(_ request: LoadRequest, onSound: (HeardSound) -> Void) async throws -> SpeechReport? {
            let question = Question(
                model: model, input: request.text, voice: voices[request.voice % voices.count], language: language, seed: request.seed)
            var samples = SampleReader()
            let refused = try await client.exchange("POST", "/audio/speech", body: JSONEncoder().encode(question)) { answer -> (any Error)? in
                guard answer.status == .ok else { return try await refusal(answer) }
                for try await bytes in answer.body {
                    let sound = samples.read(Data(bytes.readableBytesView))
                    if !sound.isEmpty { onSound(HeardSound(Audio(samples: sound, sampleRate: 24_000))) }
                }
                return nil
            }
            if let refused { throw refused }
            return nil
        }

        private func refusal(_ answer: HTTPClientResponse) async throws -> any Error {
            let body = Data(try await answer.body.collect(upTo: 1 << 20).readableBytesView)
            let error = ServerClientError.refused(client.address, status: Int(answer.status.code), message: ServerClient.ErrorBody.message(in: body))
            let pause = answer.headers.first(name: "Retry-After").flatMap(Double.init) ?? 1
            return answer.status == .tooManyRequests ? LoadRefusal(pause: pause, reason: error) : error
        }
    }

    /// Decodes 16-bit little-endian samples from bytes that may be split anywhere.
    private struct SampleReader {
        private var rest: UInt8?

        mutating func read(_ data: Data) -> [Float] {
            let bytes = (rest.map { [$0] } ?? []) + data
            rest = bytes.count % 2 == 1 ? bytes.last : nil
            return stride(from: 0, to: bytes.count - 1, by: 2).map {
                Float(Int16(truncatingIfNeeded: Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8)) / 32_768
            }
        }
    }
#endif
