import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat

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
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        let question = ["model": "tts-1", "voice": "alloy", "input": text, "response_format": "wav"]
        request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(question)))
        let start = ContinuousClock.now
        func elapsed() -> Double { (ContinuousClock.now - start) / .seconds(1) }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .minutes(10))
            var body = Data()
            var first: Double?
            for try await part in response.body {
                // The header of a WAV file says nothing yet.
                if first == nil, body.count + part.readableBytes > 44 { first = elapsed() }
                body.append(contentsOf: part.readableBytesView)
            }
            guard response.status == .ok else {
                throw BenchError.server(address, reason: "it answered \(response.status.code): \(String(decoding: body.prefix(200), as: UTF8.self))")
            }
            guard let seconds = Self.seconds(ofWAV: body) else {
                throw BenchError.server(address, reason: "it answered with \(body.count) bytes that are no WAV file")
            }
            var run = BenchRun()
            run.spoken = [BenchRun.Spoken(audioSeconds: seconds, wallSeconds: elapsed(), firstAudioSeconds: first ?? elapsed())]
            return run
        } catch let error as BenchError {
            throw error
        } catch {
            throw BenchError.server(address, reason: "\(error)")
        }
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
