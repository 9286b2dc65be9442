import SpeechAudio
import SpeechText
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Speaking the utterances of a text one by one", .standInModel) struct UtterancePlanTests {
    private let model: Model
    private let synthesizer: Synthesizer

    init() throws {
        model = try Model.load(StandInModel.folder)
        synthesizer = Synthesizer(model)
    }

    private func voice(pitch: Double) throws -> Voice { try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: pitch)) }

    private static let text = """
        # A storm

        The ship was late, and nobody waited. No. Yes. [pause:1s] <prosody rate="150%">It came in the night of 3 May.</prosody>

        [ben] The ship was late, and nobody waited.
        """

    @Test("spoken in any order, utterances sound as in the whole, with the pauses after them") func joined() async throws {
        let options = SpeechOptions(steps: 1, maximumTokens: 8, seed: 7, watermark: false)
        let request = SpeechRequest(Self.text, voice: try voice(pitch: 120), voices: ["ben": try voice(pitch: 200)], options: options)
        var whole: [Float] = []
        for try await chunk in synthesizer.chunks(for: request) { whole += chunk.audio.samples }

        let plan = try await synthesizer.plan(request), utterances = plan.utterances
        #expect(utterances.count >= 3 && utterances.last?.speaker == "ben")
        #expect(utterances.map(\.number) == Array(1...utterances.count) && utterances.first?.seed == 7)
        // The same words by another speaker have another seed, too, because the text occurred before.
        #expect(Set(utterances.map(\.seed)).count == utterances.count)
        var sounds: [Int: [Float]] = [:]
        for utterance in utterances.reversed() { sounds[utterance.number] = try await synthesizer.speak(utterance, of: plan).audio.samples }
        let joiner = SpeechJoiner(sampleRate: synthesizer.sampleRate)
        let joined = plan.parts.flatMap { part in
            switch part {
            case .utterance(let utterance): sounds[utterance.number]! + joiner.silence(utterance.pause)
            case .silence(let seconds): joiner.silence(seconds)
            }
        }
        #expect(joined == whole)
    }

    @Test("speed, loudness and watermark apply to the whole, and the text's warnings are in the plan") func bare() async throws {
        func speak(_ options: SpeechOptions) async throws -> (Speech, [SpeechWarning]) {
            let plan = try await synthesizer.plan(SpeechRequest("One two 三.", voice: voice(pitch: 120), options: options))
            return (try await synthesizer.speak(plan.utterances[0], of: plan), plan.warnings)
        }
        let plain = try await speak(SpeechOptions(steps: 1, maximumTokens: 8, seed: 7, watermark: false))
        let other = try await speak(SpeechOptions(steps: 1, maximumTokens: 8, seed: 7, delivery: .chunks, speed: 2, loudness: -16))
        #expect(plain.0.audio == other.0.audio && !plain.0.audio.samples.isEmpty)
        #expect(plain.1.map(\.kind) == [.unknownCharacters] && !plain.0.report.warnings.contains { $0.kind == .unknownCharacters })
    }

    @Test("different voices have different digests") func voices() throws {
        let (a, b) = (try voice(pitch: 120), try voice(pitch: 200))
        #expect(try synthesizer.digest(of: a) == synthesizer.digest(of: a) && synthesizer.digest(of: a) != synthesizer.digest(of: b))
        #expect(throws: CheckpointError.self) { try synthesizer.digest(of: nil) }
    }
}
