import Foundation
import TestSupport
import Testing

/// Exit statuses and streams of the process after an error; ``BadInputTests`` has the various errors.
@Suite("Refusals of the program", .standInModel, .serialized) struct RefusalTests {
    let program: Program

    init() throws { program = try Program() }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let testDescription: String, status: Int32, words: [String], arguments: [String]
    }

    @Test(
        "an error is one or two lines on standard error, and a status",
        arguments: [
            Mistake(testDescription: "emoji", status: 1, words: ["letters"], arguments: ["🙂"]),
            Mistake(testDescription: "unknown device", status: 64, words: ["foo", "cpu"], arguments: ["Hi.", "--device", "foo"]),
            Mistake(testDescription: "no text", status: 64, words: ["no text", "--file"], arguments: []),
            Mistake(testDescription: "full disk", status: 1, words: ["standard output", "no room"], arguments: ["Hi.", "-o", "-"]),
        ])
    func mistake(_ mistake: Mistake) async throws {
        let common = ["say", "-q", "--model", StandInModel.folder.path, "--max-tokens", "4", "--steps", "1"]
        let voice = mistake.arguments.contains("--voice") ? [] : ["--voice", StandInModel.recording.path]
        let run = try await program(common + voice + mistake.arguments, output: mistake.testDescription == "full disk" ? "/dev/full" : nil)
        #expect(run.status == mistake.status, "\(run.errors)")
        #expect((1...2).contains(run.lines.count), "\(run.errors)")
        for word in mistake.words { #expect(run.errors.contains(word), "\(word) in: \(run.errors)") }
        #expect(run.output.isEmpty)
        #expect(try program.files().isEmpty)
    }

    @Test("errors of the argument parser are usage errors, and help is success") func parser() async throws {
        let unknown = try await program("say", "Hi.", "--no-such-option")
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("--no-such-option"))
        #expect(unknown.output.isEmpty)
        let help = try await program("--help")
        #expect(help.status == 0)
        #expect(String(decoding: help.output, as: UTF8.self).contains("chatterbox say"))
    }

    @Test("without another model Pico is used, and a note says how to get a full-size one") func pico() async throws {
        let run = try await program("say", "The door was open.", "--seed", "1", "-o", "out.wav", "--json")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("Pico speaks; get the full model with `chatterbox models pull chatterbox`"))
        #expect(try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])["model"] as? String == "pico")
        let named = try await program("say", "The door was open.", "--model", "pico", "--voice", "slt", "-o", "named.wav")
        #expect(named.status == 0 && !named.errors.contains("Pico speaks"), "\(named.errors)")
        #expect(try program.files() == ["named.wav", "out.wav"])
        let unknown = try await program("say", "Hi.", "--voice", "nobody")
        #expect(unknown.status == 1 && unknown.errors.contains("rms, slt"))
    }

    @Test("a random model speaks without a voice", arguments: ["tokenizer.json", "."]) func standIn(place: String) async throws {
        let tokenizer = fixturesFolder.appending(path: place).path
        #expect(try await program("models", "make-random", "stand-in", "--tokenizer", tokenizer).status == 0)
        let spoken = try await program("say", "One two.", "--model", "stand-in", "--max-tokens", "4", "--steps", "1", "-o", "out.wav")
        #expect(spoken.status == 0, "\(spoken.errors)")
        #expect(try program.files().contains("out.wav"))
    }
}
