import Chatterbox
import Foundation
import Pico
import SpeechAudio
import SpeechText
import TestSupport
import Testing

@testable import Moonshine

@Suite("Moonshine") struct MoonshineTests {
    /// The folder in which the program stores it.
    static let files = MoonshineFiles(inCache: URL(filePath: NSHomeDirectory()).appending(path: ".cache"))

    @Test(
        "Pico's speech is transcribed, also after the model is loaded again; silence is empty; NaN is refused",
        .enabled(if: files.areThere, "Moonshine is not on this machine; `chatterbox judge --fetch` gets it"))
    func hears() async throws {
        let judge = try Moonshine(Self.files, renewingAfter: 1)
        let folder = try #require(Pico.folder), text = "The children walked along the river and looked at the boats."
        let speech = try await Synthesizer(Model.load(folder)).speak(text, options: SpeechOptions(seed: 1, watermark: false))
        for _ in 0..<3 {
            let transcript = try await judge.words(in: speech.audio), errors = WordErrors(expected: text, transcript: transcript)
            // Of eleven words; a transcript of noise or silence has none of them.
            #expect(errors.wrong <= 4, "\(transcript)")
        }
        #expect(try await judge.words(in: Audio(samples: [Float](repeating: 0, count: 24_000), sampleRate: 24_000)) == "")
        #expect(try await judge.words(in: Audio(samples: [], sampleRate: 24_000)) == "")
        await #expect(throws: MoonshineError.self) { try await judge.words(in: Audio(samples: [0, .nan], sampleRate: 24_000)) }
    }

    @Test(
        "several simultaneous sounds are transcribed one after the other",
        .enabled(if: files.areThere, "Moonshine is not on this machine; `chatterbox judge --fetch` gets it"))
    func company() async throws {
        let judge = try Moonshine(Self.files), silence = Audio(samples: [Float](repeating: 0, count: 4800), sampleRate: 24_000)
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try await judge.words(in: silence) } }
            for try await transcript in group { #expect(transcript == "") }
        }
    }

    @Test("an error about an incomplete folder names the first missing file") func missing() throws {
        let place = try TemporaryFolder(), files = MoonshineFiles(inCache: place.url)
        #expect(throws: MoonshineError.missing(files.library)) { try Moonshine(files) }
        #expect(!files.areThere)
    }

    @Test("files of other packages are refused by name, and nothing of them is kept") func others() throws {
        let place = try TemporaryFolder(), package = place.url.appending(path: "package"), files = MoonshineFiles(inCache: place.url)
        let library = package.appending(path: MoonshineFiles.files[0].path)
        try FileManager.default.createDirectory(at: library.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("another".utf8).write(to: library)
        #expect(throws: MoonshineError.otherFile(library)) { try files.take(from: package) }
        #expect(!FileManager.default.fileExists(atPath: files.folder.path))
        try FileManager.default.removeItem(at: library)
        #expect(throws: MoonshineError.missing(library)) { try files.take(from: package) }
    }

    @Test("an error about an invalid library has the reason") func noLibrary() throws {
        let place = try TemporaryFolder(), files = MoonshineFiles(place.url)
        // Empty files of the right sizes.
        for file in MoonshineFiles.files {
            let url = place.url.appending(path: file.path)
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            #expect(FileManager.default.createFile(atPath: url.path, contents: nil))
            try #require(truncate(url.path, off_t(file.bytes)) == 0)
        }
        let error = #expect(throws: MoonshineError.self) { try Moonshine(files) }
        #expect(error?.description.contains("libmoonshine.so") == true)
    }
}
