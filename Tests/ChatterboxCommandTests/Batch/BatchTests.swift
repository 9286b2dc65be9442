import Foundation
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox batch", .standInModel, .serialized) struct BatchTests {
    private let program: Program

    init() throws {
        program = try Program()
        let lines = [
            #"{"id":"a","text":"One."}"#, #"{"id":"in/b","text":"Two.","format":"flac","seed":7}"#, #"{"id":"c","text":" "}"#,
            #"{"id":"d","file":"d.txt"}"#,
            #"{"id":"a","text":"Once more."}"#, "nonsense", #"{"id":"e","text":"Five.","voice":"me.wav"}"#,
            #"{"id":"f","text":"Six.","voice":"nobody"}"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: program.path("m.jsonl")))
        try Data("Four.".utf8).write(to: URL(filePath: program.path("d.txt")))
        try FileManager.default.copyItem(at: StandInModel.recording, to: URL(filePath: program.path("me.wav")))
    }

    private func batch(_ output: String, _ arguments: String..., manifest: String = "m.jsonl", killedAt word: String? = nil) async throws
        -> Program.Run
    {
        try await program(
            ["batch", manifest, "-o", output, "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path]
                + ["--max-tokens", "6", "--steps", "1", "--no-watermark"] + arguments,
            killedAt: word)
    }

    private func contents(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: program.path(name))) }

    private func results(_ name: String) throws -> [String: BatchResult] { try BatchResults.read(URL(filePath: program.path(name))) }

    @Test("each text becomes a file, and errors of others are reported; a second run speaks nothing, and a third only changed texts")
    func again() async throws {
        let first = try await batch("out", "--at-once", "3", "--json")
        #expect(first.status == 1)
        let figures = try #require(JSONSerialization.jsonObject(with: first.output) as? [String: Any])
        #expect(figures["items"] as? Int == 8 && figures["spoken"] as? Int == 4 && figures["failed"] as? Int == 4, "\(first.errors)")
        #expect(try program.files().filter { $0.hasPrefix("out/") } == ["out/a.wav", "out/d.wav", "out/e.wav", "out/in/b.flac", "out/results.jsonl"])
        let known = try results("out"), size = try contents("out/a.wav").count
        #expect(known["c"]?.reason == "line 3: the text is empty: give at least one word to speak")
        #expect(known["(line 5)"]?.reason == "line 5: its id, a, is already used by a text above")
        #expect(known["(line 6)"]?.reason == "line 6: it is no JSON object: nonsense")
        #expect(known["f"]?.reason?.contains("nobody") == true)
        #expect(known["in/b"]?.seed == 7 && known["a"]?.state == .done && known["a"]?.bytes == size)

        let before = try contents("out/results.jsonl")
        let second = try await batch("out")
        #expect(
            second.errors.contains("0 spoken") && second.errors.contains("4 were there") && second.errors.contains("4 failed before"),
            "\(second.errors)")
        #expect(try contents("out/results.jsonl") == before)

        // Another text, and a file that has changed.
        try Data("Fourteen.".utf8).write(to: URL(filePath: program.path("d.txt")))
        try Data("half".utf8).write(to: URL(filePath: program.path("out/e.wav")))
        let third = try await batch("out", "--retry", "--json")
        let changed = try #require(JSONSerialization.jsonObject(with: third.output) as? [String: Any])
        #expect(changed["spoken"] as? Int == 2 && changed["already_done"] as? Int == 2 && changed["failed"] as? Int == 4, "\(third.errors)")
    }

    @Test("takes beside a token limit cause a warning in a text's result") func takes() async throws {
        try Data(#"{"id":"x","text":"One.","takes":3}"#.utf8).write(to: URL(filePath: program.path("takes.jsonl")))
        let run = try await batch("out", manifest: "takes.jsonl")
        #expect(run.status == 0, "\(run.errors)")
        let warnings = try #require(results("out")["x"]?.warnings)
        #expect(warnings.contains { $0.hasPrefix("--takes is ignored: speech with a given token limit") }, "\(warnings)")
    }

    @Test("texts have the same sound one by one and at the same time, in parts and together; the parts' results are merged") func parts() async throws
    {
        _ = try await batch("one", "--at-once", "1")
        for part in 0..<3 { _ = try await batch("parts", "--at-once", "4", "--shard", "\(part)/3") }
        for name in ["a.wav", "in/b.flac", "d.wav", "e.wav"] { #expect(try contents("one/\(name)") == contents("parts/\(name)"), "\(name)") }
        let merged = try await batch("parts", "--merge")
        #expect(merged.status == 1)
        #expect(String(decoding: merged.output, as: UTF8.self).contains("4 of 8 done"))
        try FileManager.default.removeItem(atPath: program.path("parts/d.wav"))
        let again = try await batch("parts", "--merge")
        let told = String(decoding: again.output, as: UTF8.self)
        #expect(told.contains("missing: d: d.wav is missing or has changed") && told.contains("3 of 8 done") && told.contains("4 failed, 1 missing"))
        let lines = String(decoding: try contents("parts/merged.jsonl"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 8 && lines[0].contains(#""id":"a","#) && lines[3].contains(#""state":"missing""#))
    }

    @Test("killed at any time it leaves no incomplete file, and continues to the same files") func killed() async throws {
        let lines = (0..<12).map { #"{"id":"t\#($0)","text":"This is number \#($0)."}"# }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: program.path("many.jsonl")))
        let whole = try await batch("whole", manifest: "many.jsonl")
        #expect(whole.status == 0, "\(whole.errors)")
        for count in [1, 5, 9] {
            let killed = try await batch("out", manifest: "many.jsonl", killedAt: "\(count) of 12")
            #expect(killed.status == SIGKILL)
            // Every file with its final name is complete.
            for name in try program.files() where name.hasPrefix("out/") && name.hasSuffix(".wav") {
                #expect(try contents(name) == contents(name.replacing("out/", with: "whole/")), "\(name)")
            }
        }
        // An incomplete line, as after a kill.
        let handle = try #require(FileHandle(forWritingAtPath: program.path("out/results.jsonl")))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"id":"t11","sta"#.utf8))
        try handle.close()
        let end = try await batch("out", manifest: "many.jsonl")
        #expect(end.status == 0, "\(end.errors)")
        for number in 0..<12 { #expect(try contents("out/t\(number).wav") == contents("whole/t\(number).wav")) }
        #expect(try results("out").values.filter { $0.state == .done }.count == 12)
    }
}
