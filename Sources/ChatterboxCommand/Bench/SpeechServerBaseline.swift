// Needs an HTTP client and its dependencies.
#if Hub
    import Foundation

    /// A server with OpenAI's API, which is sent the same text and asked for WAV.
    struct SpeechServerBaseline: Sendable {
        /// For example `http://127.0.0.1:8080` or `…/v1`; the API's path is appended.
        let address: String

        /// - Throws: ``BenchError/server(_:reason:)`` with the server's response.
        func run(_ text: String) async throws -> BenchRun {
            let route = "/audio/speech"
            let base = address.hasSuffix("/v1" + route) ? String(address.dropLast(route.count)) : address
            guard let client = try? ServerClient(base) else {
                throw BenchError.server(address, reason: "it is not an address; give one such as http://127.0.0.1:8080")
            }
            let question = try JSONEncoder().encode(["model": "tts-1", "voice": "alloy", "input": text, "response_format": "wav"])
            let start = ContinuousClock.now
            var body = Data()
            var firstSeconds: Double?
            let status: UInt
            do {
                status = try await client.exchange("POST", route, body: question) { answer in
                    for try await bytes in answer.body {
                        body.append(contentsOf: bytes.readableBytesView)
                        // The first sample follows the WAV header.
                        if firstSeconds == nil, body.count > 44 { firstSeconds = (ContinuousClock.now - start) / .seconds(1) }
                    }
                    return answer.status.code
                }
            } catch ServerClientError.unreachable(_, let reason) {
                throw BenchError.server(address, reason: reason)
            }
            let wallSeconds = (ContinuousClock.now - start) / .seconds(1)
            guard status == 200 else {
                throw BenchError.server(address, reason: "it answered \(status): \(String(decoding: body.prefix(200), as: UTF8.self))")
            }
            guard let seconds = Self.seconds(ofWAV: body) else {
                throw BenchError.server(address, reason: "it answered with \(body.count) bytes that are no WAV file")
            }
            var run = BenchRun()
            run.spoken = [BenchRun.Spoken(audioSeconds: seconds, wallSeconds: wallSeconds, firstAudioSeconds: firstSeconds ?? wallSeconds)]
            return run
        }

        /// The duration computed from a WAV file's format and size, since the header of a stream need not state it.
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
#endif
