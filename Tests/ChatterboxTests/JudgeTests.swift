import Foundation
import SpeechAudio
import SpeechText
import Synchronization
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Judging takes", .standInModel) struct JudgeTests {
    let synthesizer: Synthesizer
    let voice: Voice

    init() throws {
        let model = try Model.load(StandInModel.folder)
        synthesizer = Synthesizer(model)
        voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
    }

    /// A judge with given transcripts, one for each take; the last one is repeated.
    private final class ScriptedJudge: SpeechJudge {
        let name = "scripted"
        let languages: Set<Language>
        private let script: [String]
        private let sounds = Mutex<[Audio]>([])

        init(_ script: String..., languages: Set<Language> = [.english]) { (self.script, self.languages) = (script, languages) }

        /// The sounds that it was given.
        var heard: [Audio] { sounds.withLock(\.self) }

        func words(in audio: Audio) async throws -> String {
            let number = sounds.withLock { sounds in
                sounds.append(audio)
                return sounds.count
            }
            return script[min(number, script.count) - 1]
        }
    }

    private static let text = "One two three four."

    private func request(
        _ judge: any SpeechJudge, takes: Int? = 4, text: String = text, seed: UInt64 = 7, _ splitting: SpeechOptions.Splitting = .sentences,
        _ delivery: SpeechOptions.Delivery = .utterances
    ) throws -> SpeechRequest {
        let options = SpeechOptions(steps: 1, seed: seed, watermark: false, splitting: splitting, delivery: delivery, takes: takes)
        return SpeechRequest(text, voice: voice, options: options, judge: judge)
    }

    /// The sound of one take, as in a request without a judge.
    private func draw(_ number: Int) async throws -> Audio {
        let options = SpeechOptions(steps: 1, seed: UtteranceSeeds.seed(7, draw: number), watermark: false, takes: 1)
        return try await synthesizer.speak(Self.text, voice: voice, options: options).audio
    }

    @Test("the take with the fewest wrong words is kept, and the report has the transcript of each") func fewest() async throws {
        let judge = ScriptedJudge("one", "One, two: three!", "two three", "one four")
        let speech = try await synthesizer.speak(request(judge)), piece = speech.report.pieces[0]
        #expect(piece.draws == 4 && piece.keptDraw == 2 && judge.heard.count == 4)
        #expect(piece.judged.map(\.errors.wrong) == [3, 1, 2, 2] && piece.judged.allSatisfy { $0.errors.words == 4 })
        #expect(piece.judged.map(\.transcript) == ["one", "One, two: three!", "two three", "one four"])
        #expect(speech.report.judge == "scripted" && speech.report.wordErrors == WordErrors(expected: "a b c d", transcript: "a b c"))
        #expect(try await speech.audio == draw(2))
        #expect(speech.report.stages.judging > 0)
        // It gets a take as it comes from the vocoder.
        #expect(judge.heard.allSatisfy { $0.sampleRate == 24_000 && $0.channels == 1 && $0.frames == 8 * 960 })
    }

    @Test("no take is drawn after one without wrong words; figures are compared as spoken") func perfect() async throws {
        // The stand-in's eight tokens are an implausible length for longer texts.
        let judge = ScriptedJudge("sick", "6 CATS", "never heard")
        let speech = try await synthesizer.speak(request(judge, text: "Six cats."))
        #expect(speech.report.pieces[0].judged.map(\.errors.wrong) == [2, 0] && speech.report.pieces[0].keptDraw == 2)
    }

    @Test(
        "among equals the first take is kept, and there are at most as many takes as requested",
        arguments: [(nil, 2), (1, 1), (3, 3)] as [(Int?, Int)])
    func ties(takes: Int?, draws: Int) async throws {
        let judge = ScriptedJudge("nothing of it")
        let speech = try await synthesizer.speak(request(judge, takes: takes))
        #expect(speech.report.pieces[0].judged.count == draws && speech.report.pieces[0].keptDraw == 1)
        #expect(try await speech.audio == draw(1))
    }

    @Test("a take with the right words is drawn again if its length is implausible") func oddLength() async throws {
        let text = "One two three four five six seven eight nine ten eleven twelve."
        let speech = try await synthesizer.speak(request(ScriptedJudge(text), takes: 3, text: text))
        #expect(speech.report.pieces[0].draws == 3 && speech.report.warnings.map(\.kind) == [.oddLength])
    }

    @Test("each piece of a text has its own takes") func pieces() async throws {
        let judge = ScriptedJudge("one two three four five", "wrong", "wrong", "seven eight nine ten eleven")
        let speech = try await synthesizer.speak(request(judge, takes: 2, text: "One two three four five six.\n\nSeven eight nine ten eleven."))
        #expect(speech.report.pieces.map(\.draws) == [2, 2] && speech.report.pieces.map(\.keptDraw) == [1, 2])
        #expect(speech.report.wordErrors?.words == 11 && speech.report.wordErrors?.wrong == 1)
    }

    @Test("chunks and texts in other languages are refused, undivided text causes a warning") func refusals() async throws {
        let judge = ScriptedJudge("one")
        await #expect(throws: SpeechJudgeError.inChunks(judge: "scripted")) { try await synthesizer.speak(request(judge, .sentences, .chunks)) }
        await #expect(throws: SpeechJudgeError.language(.english, judge: "scripted", languages: [.french])) {
            try await synthesizer.speak(request(ScriptedJudge("un", languages: [.french])))
        }
        let whole = try await synthesizer.speak(request(judge, takes: nil, .none))
        #expect(whole.report.judge == nil && whole.report.wordErrors == nil && whole.report.pieces.allSatisfy(\.judged.isEmpty))
        #expect(whole.report.warnings.contains { $0.description == "judge is ignored: speech of an undivided text is sampled once" })
        #expect(judge.heard.isEmpty)
    }

    private struct Deaf: Error {}

    /// A judge with a given behaviour.
    private struct ToldJudge: SpeechJudge {
        let name = "told"
        let languages: Set<Language> = [.english]
        let hear: @Sendable () async throws -> String

        func words(in audio: Audio) async throws -> String { try await hear() }
    }

    @Test("if a judge fails, the request ends with its error") func failure() async throws {
        await #expect(throws: Deaf.self) { try await synthesizer.speak(request(ToldJudge { throw Deaf() })) }
    }

    @Test("while a judge transcribes, other requests are spoken to the end") func company() async throws {
        let (other, voice) = (synthesizer, voice)
        let judge = ToldJudge {
            _ = try await other.speak("Five six.", voice: voice, options: SpeechOptions(steps: 1, seed: 1, watermark: false))
            return "one two three four"
        }
        #expect(try await synthesizer.speak(request(judge)).report.wordErrors?.wrong == 0)
    }

    @Test("a request that is cancelled during judging ends, and the judge is cancelled") func cancelled() async throws {
        let (began, begin) = AsyncStream<Void>.makeStream(), (told, tell) = AsyncStream<Void>.makeStream()
        let judge = ToldJudge {
            begin.finish()
            // Ends when its task is cancelled.
            await withTaskCancellationHandler {
                for await _ in told {}
            } onCancel: {
                tell.finish()
            }
            try Task.checkCancellation()
            return ""
        }
        let request = try request(judge), task = Task { try await synthesizer.speak(request) }
        for await _ in began {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        for await _ in told {}
    }
}
