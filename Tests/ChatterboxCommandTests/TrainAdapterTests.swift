import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox train adapter", .standInModel) struct TrainAdapterTests {
    private let program: Program

    init() throws {
        program = try Program()
        try FileManager.default.createDirectory(atPath: program.path("voice"), withIntermediateDirectories: true)
        let words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
        for (number, word) in words.enumerated() {
            let tone = StandInModel.buzz(seconds: 0.5 + 0.05 * Double(number), pitch: 100 + 10 * Double(number))
            try AudioFile.write(tone, to: URL(filePath: program.path("voice/\(word).wav")))
            try Data("Number \(word).".utf8).write(to: URL(filePath: program.path("voice/\(word).txt")))
        }
    }

    private func arguments(_ output: String) -> [String] {
        [
            "train", "adapter", "voice", "--model", StandInModel.folder.path, "-o", output, "--train-flow", "--rank", "2", "--steps", "12",
            "--validate-every", "4", "--batch", "4", "--sample-every", "0", "--threads", "1",
        ]
    }

    @Test("after a kill it continues and gives the same adapters byte for byte") func killed() async throws {
        let whole = try await program(arguments("whole.adapter.safetensors"))
        #expect(whole.status == 0, "\(whole.errors)")
        let killed = try await program(arguments("ada.adapter.safetensors"), killedAt: "t3: step 8 held out")
        #expect(killed.status == SIGKILL)
        #expect(try !program.files().contains("ada.adapter.safetensors"))
        let again = try await program(arguments("ada.adapter.safetensors"), killedAt: "flow: step 8 held out")
        #expect(again.errors.contains("t3: continuing after step"))
        #expect(again.status == SIGKILL)
        let end = try await program(arguments("ada.adapter.safetensors"))
        #expect(end.status == 0 && end.errors.contains("flow: continuing after step"), "\(end.errors)")
        for name in ["adapter", "flow.adapter"] {
            let one = try Data(contentsOf: URL(filePath: program.path("whole.\(name).safetensors")))
            #expect(try one == Data(contentsOf: URL(filePath: program.path("ada.\(name).safetensors"))), "\(name)")
        }
        let files = try program.files()
        #expect(files.contains("ada.training/report.html") && files.contains("ada.training/reference.wav"))
        #expect(String(decoding: end.output, as: UTF8.self).contains("report: "))

        let spoken = try await program(
            "say", "Number one.", "--model", StandInModel.folder.path, "--adapter", "ada.adapter.safetensors", "--adapter",
            "ada.flow.adapter.safetensors", "--voice", "ada.training/reference.wav", "-o", "out.wav", "--no-watermark", "--seed", "1")
        #expect(spoken.status == 0, "\(spoken.errors)")
    }

    @Test("a check lists what is refused and trains nothing; with too few recordings nothing is trained") func check() async throws {
        try Data("Gone.".utf8).write(to: URL(filePath: program.path("voice/eleven.txt")))
        try Data().write(to: URL(filePath: program.path("voice/twelve.wav")))
        let run = try await program("train", "adapter", "voice", "--model", StandInModel.folder.path, "--check")
        #expect(run.status == 0)
        #expect(String(decoding: run.output, as: UTF8.self) == "10 recordings of 0.1 min can be used for training, 2 are refused\n")
        #expect(run.errors.contains("refused: twelve.wav: its text is missing, expected in twelve.txt"))
        #expect(run.errors.contains("refused: eleven.txt: its recording is missing"))
        for name in ["one", "two", "three"] { try FileManager.default.removeItem(atPath: program.path("voice/\(name).wav")) }
        let few = try await program(arguments("ada.adapter.safetensors"))
        #expect(few.status == 1)
        #expect(few.errors.contains("7 recordings can be used, 5 are refused; training takes at least 8"))
    }

    @Test(
        "invalid options are refused before anything is loaded",
        arguments: [
            (["-o", "a.bin"], "must end in .safetensors"), ([], "-o is missing"), (["-o", "a.safetensors", "--batch", "0"], "batch is 0"),
            (["-o", "a.safetensors", "--rate", "2"], "rate is 2.0"), (["-o", "a.safetensors", "--layers", "3-1"], "layers"),
        ])
    func usage(options: [String], named: String) async throws {
        let run = try await program(["train", "adapter", "voice", "--model", "nowhere"] + options)
        #expect(run.status == 64)
        #expect(run.errors.contains(named), "\(run.errors)")
    }

    @Test("layers are given as numbers and ranges") func layers() {
        #expect(LayerRanges(argument: "0-2,5")?.layers == [0, 1, 2, 5])
        #expect(LayerRanges(argument: "7")?.layers == [7])
        for text in ["", "a", "1-", "-1", "2-1", "1,,2", "1-2-3"] { #expect(LayerRanges(argument: text) == nil, "\(text)") }
    }
}
