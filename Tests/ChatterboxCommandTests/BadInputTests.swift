import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import ChatterboxCommand

/// The messages after an error, and that nothing else happened. The command runs inside the test, which is quicker; ``RefusalTests`` tests the
/// process.
@Suite("Bad input to chatterbox say", .standInModel, .serialized) struct BadInputTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func path(_ name: String) -> String { folder.url.appending(path: name).path }

    /// Runs `say`; expects the status, a message of at most two lines with these words, and no new file.
    private func expectRefusal(
        _ status: Int32, _ words: [String], _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
        let command = try SayCommand.parse(["-q"] + arguments)
        let error = try #require(await #expect(throws: (any Error).self) { try await command.run() })
        let answer = try #require(ExitStatus(error, interruption: 130))
        #expect(answer.code == status, sourceLocation: sourceLocation)
        #expect(answer.message.hasPrefix("Error: ") && answer.message.split(separator: "\n").count <= 2, sourceLocation: sourceLocation)
        for word in words { #expect(answer.message.contains(word), sourceLocation: sourceLocation) }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.url.path) == before, sourceLocation: sourceLocation)
    }

    private var good: [String] { ["--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--max-tokens", "4"] }

    // MARK: text

    struct Text: Sendable, CustomTestStringConvertible {
        let testDescription: String, text: String, words: [String]
    }

    @Test(
        "text that cannot be spoken is refused",
        arguments: [
            Text(testDescription: "nothing", text: "", words: ["text is empty"]),
            Text(testDescription: "blanks", text: " \n\t", words: ["text is empty"]),
            Text(testDescription: "emoji alone", text: "🙂🎉", words: ["🙂🎉", "letters"]),
            Text(testDescription: "a pause of no length", text: "[pause:0s]", words: ["no word"]),
            Text(
                testDescription: "a mistake behind 100,000 characters", text: String(repeating: "hello ", count: 16_667) + "[pause:x]",
                words: ["[pause:x]"]),
        ])
    func text(_ bad: Text) async throws {
        try await expectRefusal(1, bad.words, good + ["-o", path("out.wav"), bad.text])
    }

    @Test("an error names a text file that is missing or not text") func textFiles() async throws {
        try await expectRefusal(1, ["nowhere.txt", "No such file"], good + ["--file", path("nowhere.txt")])
        try Data([0xFF, 0xFE, 0x00, 0xD8]).write(to: folder.url.appending(path: "binary.txt"))
        try await expectRefusal(1, ["binary.txt", "UTF-8"], good + ["--file", path("binary.txt")])
    }

    @Test("a text that is too long undivided causes an error that says how to divide it") func oneBreath() async throws {
        try await expectRefusal(
            1, ["too long", "--split sentences"], good + ["--split", "none", "-o", path("out.wav"), String(repeating: "hello ", count: 2000)])
    }

    // MARK: references

    struct Reference: Sendable, CustomTestStringConvertible {
        let testDescription: String, words: [String]
        let bytes: @Sendable () throws -> Data?
    }

    private static func sound(_ samples: [Float]) throws -> Data {
        try AudioFile.encode(Audio(samples: samples, sampleRate: 24_000), as: .wav)
    }

    /// A float WAV with one sample replaced: the writer itself refuses such sound.
    private static func notANumber() throws -> Data {
        var data = try AudioFile.encode(StandInModel.buzz(seconds: 1), as: .wav, encoding: .float32)
        data.replaceSubrange(data.count - 400..<data.count - 396, with: withUnsafeBytes(of: Float.nan) { Data($0) })
        return data
    }

    @Test(
        "a reference that cannot be used is refused before the model is loaded",
        arguments: [
            Reference(testDescription: "missing", words: ["no such file"]) { nil },
            Reference(testDescription: "empty", words: ["0 bytes"]) { Data() },
            Reference(testDescription: "cut short", words: ["cut short"]) { try Data(sound(StandInModel.buzz(seconds: 1).samples).prefix(9000)) },
            Reference(testDescription: "text", words: ["not a readable audio file"]) { Data("I am no sound at all.\n".utf8) },
            Reference(testDescription: "silent", words: ["silent"]) { try sound([Float](repeating: 0, count: 48_000)) },
            Reference(testDescription: "0.2 s", words: ["0.20 s", "too short"]) { try sound(StandInModel.buzz(seconds: 0.2).samples) },
            Reference(testDescription: "NaN", words: ["NaN"]) { try notANumber() },
        ])
    func reference(_ bad: Reference) async throws {
        try bad.bytes()?.write(to: folder.url.appending(path: "ref.wav"))
        try await expectRefusal(
            1, ["ref.wav"] + bad.words, ["Hi.", "--model", StandInModel.folder.path, "--voice", path("ref.wav"), "-o", path("out.wav")])
    }

    @Test("a voice that is neither a file nor a name causes an error that says what to do") func unknownVoice() async throws {
        try await expectRefusal(1, ["\"ada\"", "voice make"], ["Hi.", "--model", StandInModel.folder.path, "--voice", "ada"])
    }

    // MARK: models

    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String, file: String, words: [String]
        let apply: @Sendable (Data) throws -> Data?
    }

    /// The file with its header's JSON changed.
    private static func header(_ data: Data, _ change: (inout [String: [String: Any]]) -> Void) throws -> Data {
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as! [String: [String: Any]]
        change(&header)
        let text = try JSONSerialization.data(withJSONObject: header)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text + data[(8 + length)...]
    }

    @Test(
        "a damaged model is refused with the file's name",
        arguments: [
            Damage(testDescription: "header length", file: "t3_cfg.safetensors", words: ["header"]) {
                Data([255, 255, 255, 255, 255, 0, 0, 0]) + $0.dropFirst(8)
            },
            Damage(testDescription: "overlapping offsets", file: "ve.safetensors", words: ["lstm.bias_ih_l", "overlaps"]) {
                try header($0) { $0["lstm.bias_ih_l1"]!["data_offsets"] = $0["lstm.bias_ih_l0"]!["data_offsets"] }
            },
            Damage(testDescription: "offsets out of range", file: "ve.safetensors", words: ["damaged"]) {
                try header($0) { $0["proj.bias"]!["data_offsets"] = [1 << 40, 1 << 40 + 1024] }
            },
            Damage(testDescription: "unknown type", file: "ve.safetensors", words: ["proj.bias", "F13"]) {
                try header($0) { $0["proj.bias"]!["dtype"] = "F13" }
            },
            Damage(testDescription: "wrong shape", file: "ve.safetensors", words: ["proj.bias", "[256]"]) {
                try header($0) { $0["proj.bias"]!["shape"] = [2, $0["proj.bias"]!["shape"].map { ($0 as! [Int])[0] / 2 }!] }
            },
            Damage(testDescription: "a tensor under another name", file: "ve.safetensors", words: ["proj.bias", "missing"]) {
                try header($0) { $0["proj.bais"] = $0.removeValue(forKey: "proj.bias") }
            },
            Damage(testDescription: "half a download", file: "s3gen.safetensors", words: ["half-finished download"]) { $0.prefix($0.count / 2) },
            Damage(testDescription: "an empty file", file: "s3gen.safetensors", words: ["0 bytes"]) { _ in Data() },
            Damage(testDescription: "a missing file", file: "s3gen.safetensors", words: ["no such file"]) { _ in nil },
            Damage(testDescription: "tokenizer without merges", file: "tokenizer.json", words: ["merges"]) {
                Data(String(decoding: $0, as: UTF8.self).replacing("\"merges\"", with: "\"murges\"").utf8)
            },
            Damage(testDescription: "half a tokenizer", file: "tokenizer.json", words: ["not JSON"]) { $0.prefix(1000) },
            Damage(testDescription: "configuration", file: "config.json", words: ["not JSON"]) { _ in Data("{".utf8) },
        ])
    func model(_ damage: Damage) async throws {
        // All other files are valid.
        try FileManager.default.createDirectory(atPath: path("model"), withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: StandInModel.folder.path) {
            let original = StandInModel.folder.appending(path: name), copy = URL(filePath: path("model/\(name)"))
            guard name == damage.file else {
                try FileManager.default.createSymbolicLink(at: copy, withDestinationURL: original)
                continue
            }
            try damage.apply(Data(contentsOf: original))?.write(to: copy)
        }
        try await expectRefusal(
            1, [damage.file] + damage.words, ["Hi.", "--model", path("model"), "--voice", StandInModel.recording.path, "-o", path("out.wav")])
    }

    @Test("a folder that is not a model, and an unknown name, cause errors that say what to do") func noModel() async throws {
        try FileManager.default.createDirectory(atPath: path("empty"), withIntermediateDirectories: true)
        try await expectRefusal(1, ["empty", "t3_cfg.safetensors"], ["Hi.", "--model", path("empty"), "-o", path("out.wav")])
        try await expectRefusal(1, ["\"picco\""], ["Hi.", "--model", "picco", "-o", path("out.wav")])
        try await expectRefusal(1, ["nowhere", "no such folder"], ["Hi.", "--model", path("nowhere"), "-o", path("out.wav")])
    }

    // MARK: options

    @Test(
        "an error about an invalid option says what is allowed",
        arguments: [
            (["--device", "foo"], ["foo", "cpu", "cuda"]),
            (["--temperature=-1"], ["--temperature is -1", "0 (the likeliest token)"]),
            (["--temperature", "1e-300"], ["--temperature is 1e-300", "0.000001 to 100"]),
            (["--temperature", "nan"], ["--temperature is nan", "0.000001 to 100"]),
            (["--temperature", "inf"], ["--temperature is inf", "0.000001 to 100"]),
            (["--top-p", "1.5"], ["--top-p is 1.5", "0 to 1"]),
            (["--top-k", "0"], ["--top-k is 0", "at least 1"]),
            (["--min-p", "nan"], ["--min-p is nan", "0 to 1"]),
            (["--repetition-penalty", "1e-300"], ["--repetition-penalty is 1e-300", "0.01 to 100"]),
            (["--repetition-penalty=-1"], ["--repetition-penalty is -1", "0.01 to 100"]),
            (["--cfg-weight", "1e300"], ["--cfg-weight is 1e+300", "0 to 100"]),
            (["--exaggeration", "11"], ["--exaggeration is 11", "0 to 10"]),
            (["--steps", "0"], ["--steps is 0", "1 to 1000"]),
            (["--max-tokens", "5000"], ["--max-tokens is 5000", "4096"]),
            (["--threads", "0"], ["--threads", "1 to 1024"]),
            (["--language", "de"], ["--language", "de", "en"]),
            (["-o", "out.xyz"], ["out.xyz", ".wav", "--format"]),
            (["-o", "-", "--json"], ["-o -", "--json"]),
            (["--timestamps", "words.txt"], ["words.txt", ".srt", ".vtt", ".json"]),
            (["--exact", "--quantize", "int8"], ["int8", "--exact", "--quantize"]),
            (["--dtype", "bfloat16", "--quantize", "int8"], ["int8", "bfloat16", "--quantize", "--dtype float32"]),
        ])
    func option(arguments: [String], words: [String]) async throws {
        try await expectRefusal(64, words, good + ["Hi."] + arguments)
    }

    @Test("a GPU that this machine does not have is refused", .enabled(if: Device.cudaCount == 0)) func noCard() async throws {
        try await expectRefusal(1, ["cuda", "--device cpu"], good + ["Hi.", "--device", "cuda"])
    }

    // MARK: output

    @Test("a destination that cannot be written is refused before anything is spoken") func unwritable() async throws {
        try FileManager.default.createDirectory(atPath: path("folder"), withIntermediateDirectories: true)
        try await expectRefusal(1, ["folder", "it is a folder"], good + ["Hi.", "-o", path("folder"), "--format", "wav"])
        try await expectRefusal(1, ["no/where/out.wav"], good + ["Hi.", "-o", path("no/where/out.wav")])
        try await expectRefusal(1, ["/proc/out.wav"], good + ["Hi.", "-o", "/proc/out.wav"])
    }

    @Test("word times are refused for a model without alignment heads") func noAlignmentHeads() async throws {
        try FileManager.default.createDirectory(atPath: path("model"), withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: StandInModel.folder.path) where name != "config.json" {
            try FileManager.default.createSymbolicLink(
                at: URL(filePath: path("model/\(name)")), withDestinationURL: StandInModel.folder.appending(path: name))
        }
        var configuration = ModelConfiguration.tiny
        configuration.t3.alignmentHeads = nil
        try configuration.write(to: URL(filePath: path("model/config.json")))
        try await expectRefusal(
            64, ["Chatterbox", "no alignment heads"],
            ["Hi.", "--model", path("model"), "--voice", StandInModel.recording.path, "-o", path("out.wav"), "--timestamps", path("out.srt")])
    }

    @Test("an error names a full disk, for sound and for a trace") func fullDisk() async throws {
        try await expectRefusal(1, ["/dev/full", "no room"], good + ["Hi.", "-o", "/dev/full"])
        try await expectRefusal(1, ["no/where/out.srt"], good + ["Hi.", "-o", path("out.wav"), "--timestamps", path("no/where/out.srt")])
        try await expectRefusal(1, ["/dev/full", "No space left"], good + ["Hi.", "-o", path("out.wav"), "--trace", "/dev/full"])
        #expect(FileManager.default.fileExists(atPath: "/dev/full"))
    }
}
