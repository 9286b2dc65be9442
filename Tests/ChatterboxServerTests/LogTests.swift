import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("The log") struct LogTests {
    /// Stores every message.
    private struct Keeper: LogHandler {
        final class Lines: Sendable {
            let lines = Mutex<[(message: String, metadata: Logger.Metadata)]>([])

            var all: [(message: String, metadata: Logger.Metadata)] { lines.withLock(\.self) }
            var text: String { all.map { "\($0.message) \($0.metadata)" }.joined(separator: "\n") }

            func answer() -> Logger.Metadata? { all.last { $0.message == "answer" }?.metadata }
        }

        let kept: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            kept.lines.withLock { $0.append(("\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 })) }
        }
    }

    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test("each response has a line with its number, the key's name, the route, the status and the client's trace") func answers() async throws {
        let kept = Keeper.Lines()
        try await LoopbackServer.run(logger: Logger(label: "test") { _ in Keeper(kept: kept) }) {
            $0.keys = Keyring("secret ada")
        } _: { server in
            let answer = try await server.speak(headers: ["authorization": "Bearer secret", "traceparent": "00-\(Self.trace)-00f067aa0ba902b7-01"])
            let line = try #require(kept.answer())
            #expect(line["request_id"] == .string(try #require(answer.headers.first(name: "x-request-id"))))
            #expect(line["trace_id"] == .string(Self.trace))
            #expect("\(line["client"]!)" == "ada" && "\(line["route"]!)" == "/v1/audio/speech" && "\(line["status"]!)" == "200")
            #expect(!kept.text.contains("secret"))
            // An invalid trace counts as none.
            for header in ["nonsense", "00-xyz-1-1", "00-\(Self.trace)x-00f067aa0ba902b7-01"] {
                _ = try await server.ask(.GET, "/live", bytes: nil, headers: ["traceparent": header])
                #expect(kept.answer()?["trace_id"] == nil, "\(header)")
            }
        }
    }

    @Test("a server that is not ready yet is no failure; a model that fails is one") func failures() async throws {
        let kept = Keeper.Lines()
        try await LoopbackServer.run([.standIn("stand-in", [.fail])], logger: Logger(label: "test") { _ in Keeper(kept: kept) }) { _ in
        } _: { server in
            let early = try await server.ask(.GET, "/ready")
            #expect(early.status == 503 && !kept.text.contains("request failed"), "\(kept.text)")
            let broken = try await server.speak()
            #expect(broken.status == 500 && kept.text.contains("request failed"), "\(kept.text)")
        }
    }

    @Test(
        "no text is logged in any case, unless this is configured", arguments: [[], [.fail], [StandInSpeaker.Step.sound(1), .fail]])
    func texts(steps: [StandInSpeaker.Step]) async throws {
        let kept = Keeper.Lines()
        let order: [(String, JSON)] = [("input", "A secret of mine."), ("instructions", "Whisper it."), ("stream_format", "sse")]
        for asked in [false, true] {
            try await LoopbackServer.run([.standIn("stand-in", steps)], logger: Logger(label: "test") { _ in Keeper(kept: kept) }) {
                $0.logsTexts = asked
            } _: { server in
                _ = try await server.speak(order)
                _ = try await server.speak(order + [("speed", 9)])
                _ = try await server.speak(order + [("voice", "nobody")])
            }
            #expect(kept.text.contains("A secret of mine.") == asked)
        }
        #expect(!kept.text.contains("Whisper it."))
    }
}
