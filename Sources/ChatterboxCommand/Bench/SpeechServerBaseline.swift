// Brings libcurl and what that needs.
#if Hub
import Foundation
import FoundationNetworking
import Synchronization

/// A server that speaks OpenAI's protocol, asked for the same text as WAV.
struct SpeechServerBaseline: Sendable {
    /// As `http://127.0.0.1:8080` or `…/v1`; the path of the protocol is added.
    let address: String

    private var endpoint: String {
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        return base.hasSuffix("/v1/audio/speech") ? base : base + (base.hasSuffix("/v1") ? "/audio/speech" : "/v1/audio/speech")
    }

    /// - Throws: ``BenchError/server(_:reason:)`` with what the server answered.
    func run(_ text: String) async throws -> BenchRun {
        guard let url = URL(string: endpoint), url.scheme?.hasPrefix("http") == true else {
            throw BenchError.server(address, reason: "it is no address; give one such as http://127.0.0.1:8080")
        }
        var request = URLRequest(url: url, timeoutInterval: 600)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let question = ["model": "tts-1", "voice": "alloy", "input": text, "response_format": "wav"]
        request.httpBody = try JSONEncoder().encode(question)
        let answer = await SpeechServerAnswer.to(request)
        if let failure = answer.failure { throw BenchError.server(address, reason: failure) }
        guard answer.status == 200 else {
            let said = String(decoding: answer.body.prefix(200), as: UTF8.self)
            throw BenchError.server(address, reason: "it answered \(answer.status): \(said)")
        }
        guard let seconds = Self.seconds(ofWAV: answer.body) else {
            throw BenchError.server(address, reason: "it answered with \(answer.body.count) bytes that are no WAV file")
        }
        var run = BenchRun()
        run.spoken = [BenchRun.Spoken(
            audioSeconds: seconds, wallSeconds: answer.seconds, firstAudioSeconds: answer.firstSeconds ?? answer.seconds)]
        return run
    }

    /// The length that a WAV file's format and size tell; a stream's header need not know its length.
    static func seconds(ofWAV data: Data) -> Double? {
        let bytes = [UInt8](data)
        func number(_ offset: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
        guard bytes.count > 44, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WAVE".utf8) else { return nil }
        var position = 12
        var bytesPerSecond = 0
        while position + 8 <= bytes.count {
            let (name, size) = (bytes[position..<position + 4], number(position + 4, 4))
            if name.elementsEqual("fmt ".utf8), position + 20 <= bytes.count { bytesPerSecond = number(position + 16, 4) }
            if name.elementsEqual("data".utf8) {
                let present = min(bytes.count - position - 8, size)
                return bytesPerSecond > 0 ? Double(present) / Double(bytesPerSecond) : nil
            }
            position += 8 + size + size % 2
        }
        return nil
    }
}

/// A server's answer with the times at which its parts came.
private struct SpeechServerAnswer: Sendable {
    var status = 0
    var body = Data()
    var failure: String?
    /// Seconds until the first sample, behind a WAV file's header, and until the last.
    var firstSeconds: Double?
    var seconds = 0.0

    static func to(_ request: URLRequest) async -> SpeechServerAnswer {
        await withCheckedContinuation { continuation in
            let receiver = Receiver { continuation.resume(returning: $0) }
            let session = URLSession(configuration: .ephemeral, delegate: receiver, delegateQueue: nil)
            session.dataTask(with: request).resume()
            session.finishTasksAndInvalidate()
        }
    }

    private final class Receiver: NSObject, URLSessionDataDelegate {
        private let answer = Mutex(SpeechServerAnswer())
        private let start = ContinuousClock.now
        private let finish: @Sendable (SpeechServerAnswer) -> Void

        init(finish: @escaping @Sendable (SpeechServerAnswer) -> Void) { self.finish = finish }

        private var elapsed: Double { (ContinuousClock.now - start) / .seconds(1) }

        func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
            answer.withLock { answer in
                answer.body.append(data)
                if answer.firstSeconds == nil, answer.body.count > 44 { answer.firstSeconds = elapsed }
            }
        }

        func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
            finish(answer.withLock { answer in
                answer.seconds = elapsed
                answer.status = (task.response as? HTTPURLResponse)?.statusCode ?? 0
                answer.failure = error?.localizedDescription
                return answer
            })
        }
    }
}
#endif
