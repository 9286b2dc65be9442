import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox train tune", .standInModel) struct TrainTuneTests {
    private let program: Program

    init() throws { program = try Program() }

    private func arguments(_ output: String) throws -> [String] {
        try FileManager.default.createDirectory(atPath: program.path("voice"), withIntermediateDirectories: true)
        for (number, word) in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"].enumerated() {
            let tone = StandInModel.buzz(seconds: 0.5 + 0.05 * Double(number), pitch: 100 + 10 * Double(number))
            try AudioFile.write(tone, to: URL(filePath: program.path("voice/\(word).wav")))
            try Data("Number \(word).".utf8).write(to: URL(filePath: program.path("voice/\(word).txt")))
        }
        return [
            "train", "tune", "voice", "--model", StandInModel.folder.path, "-o", output, "--networks", "t3,flow", "--except", "text_", "--steps", "8",
            "--validate-every", "4", "--checkpoint-every", "2", "--keep", "2", "--batch", "2", "--accumulate", "2", "--sample-every", "0",
            "--threads", "1",
        ]
    }

    @Test("after a kill it continues and gives the same model byte for byte, which speaks") func killed() async throws {
        let whole = try await program(arguments("whole"))
        #expect(whole.status == 0, "\(whole.errors)")
        let killed = try await program(arguments("tuned"), killedAt: "t3: step 4 held out")
        #expect(killed.status == SIGKILL)
        #expect(try !program.files().contains("tuned"))
        let again = try await program(arguments("tuned"), killedAt: "flow: step 4 held out")
        #expect(again.errors.contains("t3: continuing after step") && again.status == SIGKILL)
        let end = try await program(arguments("tuned"))
        #expect(end.status == 0 && end.errors.contains("flow: continuing after step"), "\(end.errors)")
        for name in ["t3_cfg.safetensors", "s3gen.safetensors"] {
            let one = try Data(contentsOf: URL(filePath: program.path("whole/\(name)")))
            #expect(try one == Data(contentsOf: URL(filePath: program.path("tuned/\(name)"))), "\(name)")
            #expect(try one != Data(contentsOf: StandInModel.folder.appending(path: name)), "\(name)")
        }
        let states = try FileManager.default.contentsOfDirectory(atPath: program.path("tuned.training/t3")).filter { $0.hasPrefix("state") }
        #expect(states.sorted() == ["state-6.safetensors", "state-8.safetensors"])
        let spoken = try await program(
            "say", "Number one.", "--model", "tuned", "--voice", "tuned.training/reference.wav", "-o", "out.wav", "--no-watermark", "--seed", "1")
        #expect(spoken.status == 0, "\(spoken.errors)")
        let twice = try await program(arguments("tuned"))
        #expect(twice.status == 1 && twice.errors.contains("it is there already"), "\(twice.errors)")
    }

    @Test(
        "invalid options are refused before anything is loaded",
        arguments: [
            ([], "-o is missing"), (["-o", "a", "--networks", "t3,vocoder"], "networks"),
            (["-o", "a", "--only", "("], "--only (: not a regular expression"),
            (["-o", "a", "--dtype", "bfloat16"], "--dtype bfloat16 is for GPUs"), (["-o", "a", "--keep", "0"], "--keep is 0"),
            (["-o", "a", "--checkpoint-every", "0"], "--checkpoint-every is 0"), (["-o", "a", "--wrong-tokens", "1"], "wrongTokens is 1.0"),
        ])
    func usage(options: [String], named: String) async throws {
        let run = try await program(["train", "tune", "voice", "--model", "nowhere"] + options)
        #expect(run.status == 64)
        #expect(run.errors.contains(named), "\(run.errors)")
    }

    @Test("a missing recogniser is reported before the model is loaded") func judge() async throws {
        let run = try await program("train", "tune", "voice", "--model", "nowhere", "-o", "a", "--judge", "no-such-program")
        #expect(run.status == 1)
        #expect(run.errors.contains("no-such-program: no such program"), "\(run.errors)")
    }
}
