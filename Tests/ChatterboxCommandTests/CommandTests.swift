import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import ChatterboxCommand

@Suite("Parts of the command line") struct CommandTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func path(_ name: String) -> String { folder.url.appending(path: name).path }

    @Test("the text is given by arguments or by a file, not both") func text() throws {
        try Data("One two.\n".utf8).write(to: folder.url.appending(path: "text.txt"))
        #expect(try TextArguments.parse(["One", "two."]).text() == "One two.")
        #expect(try TextArguments.parse(["--", "-5 degrees"]).text() == "-5 degrees")
        #expect(try TextArguments.parse(["--file", path("text.txt")]).text() == "One two.\n")
        #expect(throws: UsageError.self) { try TextArguments.parse(["One", "--file", path("text.txt")]).text() }
    }

    @Test(
        "the format is given by the option, otherwise by the name, otherwise wav",
        arguments: [
            (["-o", "out.flac"], AudioFormat.flac), (["-o", "out.mp3", "--format", "opus"], .opus), (["-o", "out", "--format", "pcm"], .pcm),
            (["-o", "/dev/null"], .wav), ([], .wav), (["--format", "mp3"], .mp3),
        ])
    func format(arguments: [String], expected: AudioFormat) throws {
        guard case .file(_, let format) = try OutputArguments.parse(arguments).destination(stem: "speech") else {
            Issue.record("no file")
            return
        }
        #expect(format == .sound(expected))
    }

    @Test("every command has a help text, with defaults as a person would type them", arguments: commands())
    func help(path: [String]) throws {
        let error = try #require(throws: (any Error).self) {
            var command = try ChatterboxCommand.parseAsRoot(path + ["--help"])
            try command.run()
        }
        let help = ChatterboxCommand.message(for: error)
        #expect(!help.contains(/default: \w+\(/))
        #expect(help.contains("OVERVIEW: ") && help.contains("USAGE: chatterbox"))
        #expect(ExitStatus(error, interruption: 130)?.code == nil)
    }

    /// The paths of all commands that help texts list, such as `["voice", "make"]`.
    private static func commands(of command: any ParsableCommand.Type = ChatterboxCommand.self, at path: [String] = []) -> [[String]] {
        let listed = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
        return [path] + listed.flatMap { commands(of: $0, at: path + [$0._commandName]) }
    }

    @Test("progress never decreases and ends below 1") func share() {
        var share = SpeechShare()
        var last = 0.0
        for piece in 1...3 {
            share.advance(.piece(piece, of: 3, text: "Some words to speak."))
            for token in 1...80 { share.advance(.tokens(80 * (piece - 1) + token)) }
            for step in 1...10 { share.advance(.flow(step: step, of: 10)) }
            share.advance(.vocoder)
            #expect(share.fraction > last && share.fraction <= Double(piece) / 3)
            last = share.fraction
        }
    }

    @Test("a bar fits into its terminal", arguments: [20, 40, 80, 200]) func barWidth(columns: Int) {
        var share = SpeechShare()
        share.advance(.piece(7, of: 12, text: "Some words."))
        #expect(share.bar(columns: columns).count < max(columns, 50))
    }

    @Test("a voice is an existing file, otherwise a name in the library, otherwise a path for the error") func voiceSource() throws {
        let library = VoiceLibrary(folder: folder.url.appending(path: "voices"))
        let generator = try Generator(seed: 1)
        try library.store(.random(.chatterbox, seconds: 1, generator: generator), as: "ada")
        try Data().write(to: folder.url.appending(path: "file.wav"))
        try FileManager.default.createDirectory(at: folder.url.appending(path: "ada"), withIntermediateDirectories: true)
        #expect(try VoiceSource.file(path("file.wav"), library).path == path("file.wav"))
        #expect(try VoiceSource.file("ada", library).path == path("voices/ada.voice.safetensors"))
        #expect(try VoiceSource.file("gone.wav", library).relativePath == "gone.wav")
        #expect(throws: VoiceLibraryError.self) { try VoiceSource.file("eve", library) }
        #expect(throws: SafetensorsError.self) { try VoiceSource(path("gone.safetensors"), library) }
        #expect(throws: AudioError.self) { try VoiceSource(path("file.wav"), library) }
    }

    @Test("the user's folders follow the XDG rules") func folders() {
        #expect(UserFolders(environment: ["HOME": "/home/a"]).data.path == "/home/a/.local/share/chatterbox")
        #expect(UserFolders(environment: ["HOME": "/home/a", "XDG_DATA_HOME": "/data"]).data.path == "/data/chatterbox")
        #expect(UserFolders(environment: ["HOME": "/home/a", "XDG_DATA_HOME": "data"]).data.path == "/home/a/.local/share/chatterbox")
    }

    @Test("the watermark's weights are the user's, otherwise those installed with the program") func watermarkFolders() throws {
        let program = folder.url.appending(path: "bin/chatterbox"), home = folder.url.appending(path: "home")
        let fetched = home.appending(path: ".cache/chatterbox/watermark/perth.safetensors")
        let installed = folder.url.appending(path: "share/chatterbox/watermark/perth.safetensors")
        let folders = UserFolders(environment: ["HOME": home.path], program: program)
        #expect(folders.watermark.path == fetched.path)
        for (file, expected) in [(installed, installed), (fetched, fetched)] {
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: file)
            #expect(folders.watermark.path == expected.path)
        }
        #expect(folders.fetchedWatermark.path == fetched.path)
    }

    @Test("a random model does not replace files, and needs a tokenizer") func standInRefused() async throws {
        try Data("mine".utf8).write(to: folder.url.appending(path: "file"))
        let tokenizer = fixturesFolder.appending(path: "tokenizer.json").path
        let over = try ModelsCommand.MakeRandom.parse([folder.url.path, "--tokenizer", tokenizer])
        await #expect(throws: UsageError.self) { try await over.run() }
        let without = try ModelsCommand.MakeRandom.parse([path("new"), "--tokenizer", path("file")])
        await #expect { try await without.run() } throws: { "\($0)".contains(path("file")) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["file"])
    }
}
