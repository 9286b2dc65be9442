// Brings libcurl and what that needs.
#if Hub
import Chatterbox
import ChatterboxEvaluation
import Foundation
import FoundationNetworking
import SpeechAudio

/// A server that speaks the requests of a measurement, its sound heard as it comes.
struct ServerSpeaker: LoadSpeaker {
    private let client: ServerClient
    /// The server's names.
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

    /// - Throws: ``ServerClientError``; `LoadRefusal` for what it answers with 429.
    func speak(_ request: LoadRequest, onSound: (HeardSound) -> Void) async throws -> SpeechReport? {
        let question = Question(
            model: model, input: request.text, voice: voices[request.voice % voices.count], language: language, seed: request.seed)
        var samples = SampleReader()
        for try await data in IncomingBytes.answer(to: client.request("POST", "/audio/speech", body: try JSONEncoder().encode(question)), client.address) {
            let sound = samples.read(data)
            if !sound.isEmpty { onSound(HeardSound(Audio(samples: sound, sampleRate: 24_000))) }
        }
        return nil
    }
}

/// Samples of 16 bits, the lower byte first, from bytes that are cut anywhere.
private struct SampleReader {
    private var rest: UInt8?

    mutating func read(_ data: Data) -> [Float] {
        let bytes = (rest.map { [$0] } ?? []) + data
        rest = bytes.count % 2 == 1 ? bytes.last : nil
        return stride(from: 0, to: bytes.count - 1, by: 2).map { Float(Int16(truncatingIfNeeded: Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8)) / 32_768 }
    }
}

/// An answer's bytes as they come.
private final class IncomingBytes: NSObject, URLSessionDataDelegate {
    private let address: String
    private let bytes: AsyncThrowingStream<Data, any Error>.Continuation

    private init(_ address: String, _ bytes: AsyncThrowingStream<Data, any Error>.Continuation) { (self.address, self.bytes) = (address, bytes) }

    static func answer(to request: URLRequest, _ address: String) -> AsyncThrowingStream<Data, any Error> {
        AsyncThrowingStream { bytes in
            let session = URLSession(configuration: .ephemeral, delegate: IncomingBytes(address, bytes), delegateQueue: nil)
            let task = session.dataTask(with: request)
            bytes.onTermination = { _ in task.cancel() }
            task.resume()
            session.finishTasksAndInvalidate()
        }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let response = dataTask.response as? HTTPURLResponse, status = response?.statusCode ?? 0
        guard status == 200 else {
            let error = ServerClientError.refused(address, status: status, message: ServerClient.ErrorBody.message(in: data))
            let pause = response?.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init) ?? 1
            return bytes.finish(throwing: status == 429 ? LoadRefusal(pause: pause, reason: error) : error)
        }
        bytes.yield(data)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        bytes.finish(throwing: error.map { ServerClientError.unreachable(address, reason: $0.localizedDescription) })
    }
}
#endif
