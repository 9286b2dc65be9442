import Foundation
import Moonshine
import TestSupport
import Testing

@Suite("--judge and chatterbox judge", .standInModel, .serialized) struct JudgeTests {
    static let files = MoonshineFiles(inCache: URL(filePath: NSHomeDirectory()).appending(path: ".cache"))
    let program: Program

    init() throws { program = try Program() }

    private func say(_ arguments: String...) async throws -> Program.Run {
        try await program(
            ["say", "One two.", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--steps", "1", "--judge", "moonshine"]
                + arguments)
    }

    @Test(
        "playing, streams and a trace are refused with --judge, by name",
        arguments: [
            (["-o", "-"], "-o - delivers"), (["--play"], "--play delivers"), (["--play", "-o", "x.wav"], "--play delivers"),
            (["--trace", "t.safetensors", "-o", "x.wav"], "--trace records only one"),
        ]) func streams(arguments: [String], said: String) async throws
    {
        let run = try await program(["say", "One two.", "--model", StandInModel.folder.path, "--judge", "moonshine"] + arguments)
        #expect(run.status == 64 && run.errors.contains("--judge") && run.errors.contains(said), "\(run.errors)")
        #expect(try program.files() == [])
    }

    @Test("if the recogniser is missing, the error has the command that downloads it") func missing() async throws {
        let run = try await say("-o", "x.wav")
        #expect(
            run.status == 1 && run.errors.contains("libmoonshine.so: no such file") && run.errors.contains("`chatterbox judge --fetch` gets it"),
            "\(run.errors)")
        let judged = try await program("judge", StandInModel.recording.path)
        #expect(judged.status == 1 && judged.errors.contains("`chatterbox judge --fetch` gets it"))
        try Data("id,text\na,One.\n".utf8).write(to: URL(filePath: program.path("m.csv")))
        let batch = try await program("batch", "m.csv", "-o", "out", "--model", StandInModel.folder.path, "--judge", "moonshine")
        #expect(batch.status == 1 && batch.errors.contains("`chatterbox judge --fetch` gets it"), "\(batch.errors)")
    }

    @Test("a folder that is not a recogniser or its package is refused") func others() async throws {
        let unknown = try await program("say", "One.", "--judge", "nobody", "-o", "x.wav")
        #expect(unknown.status == 64 && unknown.errors.contains("moonshine"), "\(unknown.errors)")
        #expect(try await program("judge").status == 64)
        #expect(try await program("judge", "--from", "a.whl", "a.wav").errors.contains("give --fetch as well"))
        let nothing = try await program("judge", "--fetch", "--from", "nothing.whl")
        #expect(nothing.status == 1 && nothing.errors.contains("nothing.whl: there is no such file"), "\(nothing.errors)")
        // An empty archive, as `zipfile` reads it.
        try Data([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)).write(to: URL(filePath: program.path("empty.whl")))
        let empty = try await program("judge", "--fetch", "--from", "empty.whl")
        #expect(empty.status == 1 && empty.errors.contains("libmoonshine.so: no such file"), "\(empty.errors)")
        #expect(try program.files() == ["empty.whl"])
    }

    @Test(
        "figures and a batch's results contain the transcript of each take",
        .enabled(if: files.areThere, "Moonshine is not on this machine; `chatterbox judge --fetch` gets it"))
    func figures() async throws {
        let environment = [
            "XDG_CACHE_HOME": Self.files.folder.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        ]
        let run = try await program(
            ["say", "One two.", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--steps", "1", "--seed", "3"]
                + ["--judge", "moonshine", "--takes", "3", "-o", "x.wav", "--json"], environment: environment)
        #expect(run.status == 0, "\(run.errors)")
        let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        // A network with random weights speaks no word of the text.
        #expect(figures["judge"] as? String == "moonshine" && figures["words"] as? Int == 2)
        #expect(try #require(figures["word_errors"] as? Int) >= 2)
        let takes = try #require((figures["pieces"] as? [[String: Any]])?[0]["takes"] as? [[String: Any]])
        #expect(takes.count == 3 && takes.allSatisfy { $0["transcript"] is String && $0["words"] as? Int == 2 })

        let texts = [#"{"id":"a","text":"One two.","judge":"moonshine"}"#, #"{"id":"b","text":"One.","judge":"nobody"}"#]
        try Data(texts.joined(separator: "\n").utf8).write(to: URL(filePath: program.path("m.jsonl")))
        let batch = try await program(
            ["batch", "m.jsonl", "-o", "out", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--steps", "1"],
            environment: environment)
        #expect(batch.status == 1)
        let lines = try String(contentsOfFile: program.path("out/results.jsonl"), encoding: .utf8)
        #expect(lines.contains(#""judge":"moonshine""#) && lines.contains(#""takes":[{"transcript""#), "\(lines)")
        #expect(lines.contains("judge is \\\"nobody\\\"; expected moonshine"), "\(lines)")
    }
}
