import FileSupport
import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox say of a long text", .standInModel, .serialized) struct BookTests {
    private let program: Program

    init() throws {
        program = try Program()
        try write(Self.text)
    }

    private static let text = """
        By nobody.

        # The storm

        One two three four five six seven. [pause:0.5s] Eight nine ten eleven twelve thirteen.

        # After: the calm

        Once more there was nothing to be seen. Nobody waited for it.

        # The end of it

        One two three four five six seven.
        """

    private func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: program.path("book.md"))) }

    private func say(_ output: String, _ arguments: String..., killedAt word: String? = nil, interruptedAt signal: String? = nil) async throws
        -> Program.Run
    {
        try await program(
            [
                "say", "--file", "book.md", "-o", output, "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--max-tokens",
                "8", "--steps", "1",
            ]
                + arguments, interruptedAt: signal, killedAt: word)
    }

    private func contents(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: program.path(name))) }

    private func json(_ run: Program.Run) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any], "\(run.errors)")
    }

    private func utterances(_ folder: String) throws -> [String] {
        try program.files().filter { $0.hasPrefix(folder + "/") && $0.hasSuffix(".flac") }
    }

    @Test(
        "killed at any point, it continues to the same samples as an uninterrupted run",
        arguments: [
            ("Speaking chapter 1", []), ("Speaking chapter 3", []), ("Speaking chapter 4", ["--speed", "1.5"]), ("Writing", ["--loudness", "-20"]),
        ] as [(String, [String])]) func killed(word: String, arguments: [String]) async throws
    {
        let common = ["--seed", "3", "--keep", "kept", "--no-watermark"] + arguments
        let whole = try await program(commands("whole.wav", ["--seed", "3", "--keep", "other", "--no-watermark"] + arguments))
        #expect(whole.status == 0, "\(whole.errors)")
        let killed = try await program(commands("book.wav", common), killedAt: word)
        #expect(try killed.status == SIGKILL && !program.files().contains("book.wav"), "\(killed.errors)")
        let run = try await program(commands("book.wav", common + ["--json"]))
        #expect(run.status == 0, "\(run.errors)")
        #expect(try contents("book.wav") == contents("whole.wav"))
        let figures = try json(run), kept = try #require(figures["utterances_kept_before"] as? Int), all = try #require(figures["utterances"] as? Int)
        #expect(all == 5 && (word == "Writing" ? kept == all : kept < all) && (word == "Speaking chapter 1" || kept > 0))
        #expect(try utterances("kept").count == utterances("other").count)
        #expect(try program.files().filter { $0.hasSuffix(".part") }.isEmpty)
    }

    private func commands(_ output: String, _ arguments: [String]) -> [String] {
        [
            "say", "--file", "book.md", "-o", output, "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--max-tokens",
            "8", "--steps", "1",
        ]
            + arguments
    }

    @Test("a random seed is stored with the utterances, and changed ones are spoken again") func changed() async throws {
        let first = try json(try await say("book.wav", "--keep", "kept", "--json"))
        let again = try json(try await say("again.wav", "--keep", "kept", "--json"))
        #expect(first["seed"] as? Int == again["seed"] as? Int && again["utterances_kept_before"] as? Int == 5)
        #expect(try contents("book.wav") == contents("again.wav"))
        // A word of the second chapter, and then an option on which all utterances depend.
        try write(Self.text.replacing("Nobody waited", with: "Somebody waited"))
        #expect(try json(try await say("again.wav", "--keep", "kept", "--json"))["utterances_kept_before"] as? Int == 4)
        #expect(try json(try await say("again.wav", "--keep", "kept", "--json", "--exaggeration", "0.7"))["utterances_kept_before"] as? Int == 0)
        // Speed and loudness are not part of the stored utterances.
        #expect(
            try json(try await say("again.wav", "--keep", "kept", "--json", "--speed", "2", "--loudness", "-23"))["utterances_kept_before"] as? Int
                == 5)
        // A file of another length is spoken again.
        for file in try utterances("kept").filter({ $0.contains("/000001-") }) { try Data("half".utf8).write(to: URL(filePath: program.path(file))) }
        #expect(try json(try await say("again.wav", "--keep", "kept", "--json"))["utterances_kept_before"] as? Int == 4)
    }

    @Test("interrupted, it says how to continue; without --keep the folder is deleted when the output is complete") func interrupted() async throws {
        let stopped = try await say("book.mp3", "--chapters", "marks", "--seed", "3", interruptedAt: "Speaking chapter 3")
        #expect(
            stopped.status == 130 && stopped.errors.contains("are kept in book.mp3.parts; run the same command again to continue"),
            "\(stopped.errors)")
        #expect(try program.files().contains("book.mp3.parts/manifest.jsonl") && !program.files().contains("book.mp3"))
        let run = try await say("book.mp3", "--chapters", "marks", "--seed", "3")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try program.files() == ["book.md", "book.mp3"])
    }

    @Test("with chapters as files each has the requested loudness, and existing files are not written again") func files() async throws {
        let run = try await say("out.wav", "--chapters", "files", "--keep", "kept", "--loudness", "-20", "--no-watermark", "--json", "--seed", "3")
        let figures = try json(run), names = ["out-01.wav", "out-02-The-storm.wav", "out-03-After-the-calm.wav", "out-04-The-end-of-it.wav"]
        #expect(figures["outputs"] as? [String] == names)
        for name in figures["outputs"] as? [String] ?? [] {
            let sound = try AudioFile.read(URL(filePath: program.path(name)))
            let loudness = try sound.loudness() ?? -20
            #expect(abs(loudness + 20) < 0.1 || sound.peak > -1.1, "\(name): \(loudness) LUFS")
        }
        let chapters = try #require(figures["chapters"] as? [[String: Any]])
        #expect(chapters.map { $0["title"] as? String } == [nil, "The storm", "After: the calm", "The end of it"])
        let dates = try names.dropFirst().map { try FileManager.default.attributesOfItem(atPath: program.path($0))[.modificationDate] as? Date }
        try FileManager.default.removeItem(atPath: program.path("out-04-The-end-of-it.wav"))
        let again = try await say("out.wav", "--chapters", "files", "--keep", "kept", "--loudness", "-20", "--no-watermark", "--seed", "3")
        #expect(again.status == 0, "\(again.errors)")
        let later = try names.dropFirst().map { try FileManager.default.attributesOfItem(atPath: program.path($0))[.modificationDate] as? Date }
        #expect(later.prefix(2) == dates.prefix(2) && later.last! != dates.last!)
    }

    @Test("with an audiobook chapters are marks, which ffmpeg writes", .enabled(if: FFmpeg.installed(in: "/usr/bin:/bin") != nil)) func audiobook()
        async throws
    {
        let run = try await say("book.m4b", "--json", "--timestamps", "words.json")
        let figures = try json(run), chapters = try #require(figures["chapters"] as? [[String: Any]])
        #expect(chapters.count == 4 && figures["outputs"] as? [String] == ["book.m4b"])
        let data = try contents("book.m4b")
        for title in ["The storm", "After: the calm", "The end of it"] { #expect(data.range(of: Data(title.utf8)) != nil) }
        let words = try #require(JSONSerialization.jsonObject(with: contents("words.json")) as? [String: [[String: Any]]])["words"]!
        let start = try #require(chapters[1]["start"] as? Double),
            storm = try #require(words.first { $0["word"] as? String == "storm" }?["start"] as? Double)
        #expect(storm >= start && storm < start + 1, "\(storm) \(start)")
        #expect(try program.files() == ["book.m4b", "book.md", "words.json"])
    }

    @Test("several speakers have a voice each", arguments: [["--voice", "ben=ben.wav"]]) func speakers(voices: [String]) async throws {
        try write("# One\n\nIt was late. [ben] Who is there?\n\n# Two\n\n[ben] Nobody.")
        try FileManager.default.copyItem(at: StandInModel.recording, to: URL(filePath: program.path("ben.wav")))
        let run = try await program(commands("book.wav", ["--keep", "kept"] + voices))
        #expect(run.status == 0, "\(run.errors)")
        try write("# One\n\nIt was late. [eve] Who is there?")
        let unknown = try await program(commands("book.wav", ["--keep", "kept"] + voices))
        #expect(unknown.status == 1 && unknown.errors.contains("eve"), "\(unknown.errors)")
    }

    @Test(
        "options that exclude each other are refused before anything is spoken",
        arguments: [
            (["-o", "x.wav", "--chapters", "marks"], 64, "--chapters marks is for mp3, opus, m4a and m4b"),
            (["-o", "x.mp3", "--keep", "kept", "--split", "none"], 64, "--keep and --split none cannot be combined"),
            (["-o", "x.m4b", "--trace", "t.safetensors"], 64, "a file of the kind .m4b and --trace cannot be combined"),
            (["-o", "-", "--keep", "kept"], 64, "--keep needs a file to write; give one with -o"),
            (["-o", "/dev/null", "--format", "wav", "--keep", "kept"], 64, "/dev/null is not a file"),
            (["-o", "x.mp3", "--chapters", "files", "--timestamps", "t.srt"], 64, "--timestamps is for one file"),
            (["-o", "x.mp3", "--keep", "full"], 1, "full: it contains files but no manifest.jsonl"),
        ] as [([String], Int32, String)]) func refused(arguments: [String], status: Int32, message: String) async throws
    {
        try FileManager.default.createDirectory(atPath: program.path("full"), withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: program.path("full/mine.txt")))
        let run = try await program(
            [
                "say", "--file", "book.md", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--max-tokens", "8",
                "--steps", "1",
            ] + arguments)
        #expect(run.status == status && run.errors.contains(message), "\(run.errors)")
        #expect(try program.files() == ["book.md", "full/mine.txt"])
    }

    @Test("without ffmpeg an audiobook is refused, with the command to install it") func noFFmpeg() async throws {
        let run = try await program(commands("book.m4b", []), environment: ["PATH": program.path("empty")])
        #expect(run.status == 64 && run.errors.contains("apt-get install ffmpeg"), "\(run.errors)")
    }

    @Test("two processes cannot use one folder") func locked() throws {
        let folder = program.folder.url.appending(path: "kept")
        let first = try BookFolder(folder)
        let error = #expect(throws: BatchFolderError.self) { _ = try BookFolder(folder) }
        #expect(error?.description.contains("another process is using it") == true)
        withExtendedLifetime(first) {}
    }

    @Test("a long text is stored while it is spoken, and a short one is not") func choice() throws {
        let book = try BookArguments.parse([]), place = OutputDestination.file(program.folder.url.appending(path: "a.mp3"), .sound(.mp3))
        #expect(try book.choice(place, letters: BookArguments.longText, obstacle: nil) == nil)
        #expect(try book.choice(place, letters: BookArguments.longText + 1, obstacle: "--play") == nil)
        let long = try #require(try book.choice(place, letters: BookArguments.longText + 1, obstacle: nil))
        #expect(long.folder.lastPathComponent == "a.mp3.parts" && long.isTemporary && long.chapters == .none)
        #expect(try book.choice(.standardOutput(.mp3), letters: 1_000_000, obstacle: nil) == nil)
    }

    @Test(
        "files are named after their chapters, whatever characters a title has",
        arguments: [
            (1, 3, "The Storm", "book-01-The-Storm.mp3"), (12, 120, nil, "book-012.mp3"), (2, 3, "../../etc/passwd: \u{0}", "book-02-etc-passwd.mp3"),
            (3, 3, "Кто — там?", "book-03-Кто-там.mp3"),
            (1, 1, String(repeating: "word ", count: 100), "book-01" + String(repeating: "-word", count: 16) + ".mp3"),
        ] as [(Int, Int, String?, String)]) func names(number: Int, count: Int, title: String?, name: String)
    {
        #expect(BookChapter.fileName("book", number, of: count, title: title, ending: "mp3") == name)
    }
}
