import Chatterbox
import ChatterboxModels
import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("README", .standInModel) struct ReadmeTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(at: URL(".local/share/chatterbox/models"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(at: URL(".local/share/chatterbox/models/turbo"), withDestinationURL: StandInModel.folder)
        try FileManager.default.createSymbolicLink(at: URL("reference.wav"), withDestinationURL: StandInModel.recording)
    }

    /// The example's paths are in the test's folder.
    private func URL(filePath path: String) -> Foundation.URL { folder.url.appending(path: path) }
    private func URL(_ path: String) -> Foundation.URL { URL(filePath: path) }
    private func print(_ items: Any...) {}
    /// The example's model is in the test's folder as well.
    private func Synthesizer(model: String) async throws -> Chatterbox.Synthesizer {
        try await Chatterbox.Synthesizer(model: model, places: .ofUser(environment: ["HOME": folder.url.path, "HF_HUB_OFFLINE": "1"]))
    }

    @Test("the library's example works") func example() async throws {
        // example
        let synthesizer = try await Synthesizer(model: "turbo")
        let voice = try await synthesizer.voice(from: URL(filePath: "reference.wav"))
        let speech = try await synthesizer.speak("The ship was late.", voice: voice)
        try AudioFile.write(speech.audio, to: URL(filePath: "out.wav"))

        for try await chunk in synthesizer.chunks("A long text comes in pieces. Each is ready early.", voice: voice) {
            print(chunk.text, chunk.audio.duration)
        }
        // end of the example
        #expect(try AudioFile.read(URL("out.wav")).frames == speech.audio.frames)
    }

    @Test("the library's example is the tested one") func sameExample() throws {
        let root = Foundation.URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let source = try String(contentsOf: Foundation.URL(filePath: #filePath), encoding: .utf8)
        let tested = source.components(separatedBy: "// example\n")[1].components(separatedBy: "        // end of the example")[0]
            .split(separator: "\n", omittingEmptySubsequences: false).map { $0.hasPrefix("        ") ? $0.dropFirst(8) : $0 }
            .joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(readme.contains("import SpeechAudio\n\n" + tested + "\n```"))
    }
}
