import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Speech for a test", .standInModel) struct SpeechTestTests {
    private func manifest(_ folder: URL) throws -> Manifest {
        try AudioFile.write(StandInModel.buzz(seconds: 1), to: folder.appending(path: "one.wav"))
        try Data(#"{"audio": "one.wav", "text": "One two.", "speaker": "ada", "split": "test"}"#.utf8).write(
            to: folder.appending(path: "manifest.jsonl"))
        return try Manifest(folder)
    }

    @Test("is spoken from the text with its end, or from the recording's tokens, with the given steps of the flow and always the same")
    func steps() async throws {
        let folder = try TemporaryFolder(), manifest = try manifest(folder.url)
        let model = try Model.load(StandInModel.folder)
        let voices = ["ada": try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))]
        var test = SpeechTest(model)
        func samples(_ name: String, steps: Int, fromTokens: Bool = true) async throws -> [Float] {
            test.options = SpeechOptions(steps: steps, seed: 1, watermark: false)
            let out = folder.url.appending(path: name)
            try await test.run(manifest.utterances, voices: voices, fromTokens: fromTokens, to: out) { _ in }
            let entry = try String(contentsOf: out.appending(path: "manifest.jsonl"), encoding: .utf8)
            #expect(entry.contains(#""end":"stop""#) == !fromTokens, "\(entry)")
            return try AudioFile.read(out.appending(path: "0-ada.wav")).samples
        }
        let one = try await samples("one", steps: 1)
        #expect(one.count == 24_000)
        #expect(try await samples("again", steps: 1) == one)
        #expect(try await samples("two", steps: 2) != one)
        #expect(try await samples("text", steps: 1, fromTokens: false).count < one.count)
    }
}
