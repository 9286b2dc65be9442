import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Voice library") struct VoiceLibraryTests {
    let home: TemporaryFolder
    let library: VoiceLibrary

    init() throws {
        home = try TemporaryFolder()
        library = VoiceLibrary(folder: home.url.appending(path: "deep/voices"))
    }

    private func voice(tokens: Int = 4) throws -> Voice {
        Voice(
            speakerEmbedding: try .ones([1, 256]), conditioningTokens: try Tensor([1, 2], shape: [1, 2]),
            prompt: SpeechPrompt(
                tokens: try .zeros([1, tokens], dtype: .int64), mel: try .zeros([1, 2 * tokens, 80]), speaker: try .zeros([1, 192])))
    }

    @Test("a library is empty before its folder exists") func empty() {
        #expect(library.entries().isEmpty)
    }

    @Test("voices are stored under their names and listed in order") func stores() throws {
        try library.store(voice(), as: "zoë")
        let file = try library.store(voice(tokens: 6), as: "ada.2")
        #expect(library.entries().map(\.name) == ["ada.2", "zoë"])
        #expect(try library.entry(named: "ada.2").file.path == file.path)
        #expect(try Voice.load(from: file).prompt.tokens.size(1) == 6)
        #expect(try VoiceSummary(of: file) == VoiceSummary(of: library.entry(named: "ada.2").file))
        #expect(try VoiceSummary(of: file).promptSeconds == 6.0 / 25)
    }

    @Test("a voice under a name that is taken replaces it") func replaces() throws {
        try library.store(voice(), as: "ada")
        try library.store(voice(tokens: 9), as: "ada")
        #expect(library.entries().count == 1)
        #expect(try VoiceSummary(of: library.entry(named: "ada").file).promptTokens == 9)
    }

    @Test("a removed voice is gone") func removes() throws {
        try library.store(voice(), as: "ada")
        try library.remove("ada")
        #expect(library.entries().isEmpty)
        #expect(throws: VoiceLibraryError.unknown("ada", known: [], folder: library.folder)) { try library.remove("ada") }
    }

    @Test("an error for an unknown name lists the known ones") func unknown() throws {
        try library.store(voice(), as: "ada")
        let error = #expect(throws: VoiceLibraryError.self) { try library.entry(named: "eve") }
        #expect(error?.description.contains("here are ada") == true)
        #expect(error?.description.contains("eve") == true)
    }

    @Test(
        "a name that leaves the folder or begins with a dot is refused",
        arguments: ["", "../ada", "a/b", ".ada", "a b", "a\u{0}b", String(repeating: "a", count: 300)])
    func badName(name: String) throws {
        #expect(throws: VoiceLibraryError.badName(name)) { try library.store(voice(), as: name) }
        #expect(throws: VoiceLibraryError.badName(name)) { try library.remove(name) }
    }

    @Test("an error names a folder that cannot be created") func unwritable() throws {
        let file = home.url.appending(path: "file")
        try Data().write(to: file)
        let library = VoiceLibrary(folder: file.appending(path: "voices"))
        let error = #expect(throws: VoiceLibraryError.self) { try library.store(voice(), as: "ada") }
        #expect(error?.description.contains(file.path) == true)
    }
}
