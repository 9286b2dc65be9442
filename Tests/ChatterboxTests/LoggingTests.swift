import Foundation
import Logging
import SpeechAudio
import SpeechText
import Synchronization
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Log messages", .standInModel) struct LoggingTests {
    /// Stores every message.
    private struct Keeper: LogHandler {
        struct Line: Sendable {
            let level: Logger.Level
            let message: String
            let metadata: [String: String]
        }

        final class Lines: Sendable {
            private let stored = Mutex<[Line]>([])
            var all: [Line] { stored.withLock(\.self) }
            func add(_ line: Line) { stored.withLock { $0.append(line) } }
            /// The messages with this text.
            func callAsFunction(_ message: String) -> [Line] { all.filter { $0.message == message } }
        }

        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            lines.add(Line(level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" }))
        }
    }

    private let lines = Keeper.Lines()
    private var logger: Logger { Logger(label: "test") { [lines] _ in Keeper(lines: lines) } }

    private struct DeafJudge: SpeechJudge {
        struct Deafness: Error {}
        let name = "deaf"
        let languages: Set<Language> = [.english]
        func words(in audio: Audio) async throws -> String { throw Deafness() }
    }

    private func synthesizer(_ logger: Logger?) async throws -> Synthesizer {
        try await Synthesizer.load(StandInModel.folder, engine: SpeechEngine(logger: logger), logger: logger)
    }

    private func voice(_ synthesizer: Synthesizer) throws -> Voice { try synthesizer.model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1)) }

    @Test("loading a model is logged with its properties, a failure with the reason") func loading() async throws {
        _ = try await synthesizer(logger)
        let line = try #require(lines("model loaded").first)
        #expect(line.level == .info && lines.all.count == 1)
        #expect(line.metadata["model"] == "chatterbox" && line.metadata["folder"] == StandInModel.folder.path && line.metadata["device"] == "cpu")
        #expect(line.metadata["dtype"] == "float32" && line.metadata["plan"]?.hasPrefix("T3 packed float32") == true)
        #expect(line.metadata["watermark"] == "false" && Double(line.metadata["seconds"] ?? "") ?? -1 >= 0)
        #expect(Int(line.metadata["peak_memory_bytes"] ?? "") ?? 0 > 0)
        let nowhere = StandInModel.folder.appending(path: "nowhere")
        #expect(throws: CheckpointError.self) { try Model.load(nowhere, logger: logger) }
        let failure = try #require(lines("model not loaded").first)
        #expect(failure.level == .error && failure.metadata["code"] == "model.noFolder" && failure.metadata["folder"] == nowhere.path)
    }

    @Test("a request is logged from beginning to end with its number and without its text") func speaking() async throws {
        let synthesizer = try await synthesizer(logger), voice = try voice(synthesizer)
        for _ in 0..<2 { _ = try await synthesizer.speak("One secret two.", voice: voice, options: SpeechOptions(steps: 1, seed: 7, takes: 1)) }
        let (begins, ends) = (lines("speech begins"), lines("speech ends"))
        #expect(begins.count == 2 && ends.count == 2 && (begins + ends).allSatisfy { $0.level == .debug })
        #expect(begins.map { $0.metadata["speech"] } == ends.map { $0.metadata["speech"] } && Set(begins.map { $0.metadata["speech"] }).count == 2)
        #expect(begins[0].metadata["characters"] == "15" && begins[0].metadata["pieces"] == "1" && begins[0].metadata["language"] == "en")
        #expect(ends[0].metadata["speech_tokens"] == "8" && ends[0].metadata["end"] == "stop")
        #expect(Double(ends[0].metadata["audio_seconds"] ?? "") ?? 0 > 0.1 && Double(ends[0].metadata["real_time_factor"] ?? "") ?? 0 > 0)
        // Without the watermark's weights.
        let warnings = lines("speech warning").filter { $0.level == .warning }
        #expect(warnings.map { $0.metadata["kind"] } == ["no-watermark", "no-watermark"])
        #expect(lines("decoder made").map { $0.metadata["model"] } == ["chatterbox"])
        #expect(lines.all.allSatisfy { $0.level == .trace || !"\($0)".contains("secret") })
        #expect(lines("text of the speech").map { $0.metadata["text"] } == ["One secret two.", "One secret two."])
    }

    @Test("a request's own logger gets its messages, with the logger's metadata") func ownLogger() async throws {
        let synthesizer = try await synthesizer(nil)
        var request = SpeechRequest("One two.", voice: try voice(synthesizer), options: SpeechOptions(steps: 1, watermark: false), logger: logger)
        request.logger?[metadataKey: "request_id"] = "req_42"
        _ = try await synthesizer.speak(request)
        #expect(lines.all.map(\.message) == ["speech begins", "text of the speech", "speech ends"])
        #expect(lines.all.allSatisfy { $0.metadata["request_id"] == "req_42" && $0.metadata["speech"] != nil })
    }

    @Test("an invalid request is refused, an error is a failure, and a cancelled request is cancelled") func endings() async throws {
        let synthesizer = try await synthesizer(logger), voice = try voice(synthesizer)
        let refused: [(SpeechRequest, String)] = [
            (SpeechRequest("One.", voice: voice, options: SpeechOptions(speed: 9)), "options.invalid"),
            (SpeechRequest("", voice: voice), "text.empty"),
            (SpeechRequest("One."), "model.noBuiltInVoice"), (SpeechRequest("Доброе утро", voice: voice), "text.foreign"),
        ]
        for (request, code) in refused {
            await #expect(throws: (any Error).self) { try await synthesizer.speak(request) }
            let line = try #require(lines("speech refused").last)
            #expect(line.level == .info && line.metadata["code"] == code)
        }
        #expect(lines("speech refused").count == refused.count && lines.all.allSatisfy { $0.level == .trace || !"\($0)".contains("Доброе") })

        let judged = SpeechRequest("One two.", voice: voice, options: SpeechOptions(steps: 1), judge: DeafJudge())
        await #expect(throws: DeafJudge.Deafness.self) { try await synthesizer.speak(judged) }
        let failure = try #require(lines("speech failed").first)
        #expect(failure.level == .error && failure.metadata["error"] == "Deafness()" && failure.metadata["code"] == nil)

        for try await _ in synthesizer.chunks("One two three four five six.\n\nSeven eight nine ten.", voice: voice, options: SpeechOptions(steps: 1))
        { break }
        // The next request is served when that one has ended.
        _ = try await synthesizer.speak("One two.", voice: voice, options: SpeechOptions(steps: 1))
        #expect(lines("speech cancelled").map(\.level) == [.debug] && lines("speech failed").count == 1)
    }

    @Test("voices and conversions are logged") func others() async throws {
        let synthesizer = try await synthesizer(logger), voice = try await synthesizer.voice(from: StandInModel.buzz(seconds: 1))
        #expect(lines("voice made").map { $0.metadata["recording_seconds"] } == ["1.0"])
        _ = try await synthesizer.convert(StandInModel.buzz(seconds: 1), to: voice, steps: 1, watermark: false)
        let (begins, ends) = (lines("conversion begins"), lines("speech ends"))
        #expect(begins.count == 1 && ends.count == 1 && begins[0].metadata["speech"] == ends[0].metadata["speech"])
        await #expect(throws: AudioError.self) { try await synthesizer.convert(StandInModel.buzz(seconds: 0.05), to: voice) }
        #expect(lines("speech refused").map { $0.metadata["code"] } == ["audio.tooShort"])
    }
}
