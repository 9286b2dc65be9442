import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox convert", .standInModel, .serialized) struct ConvertTests {
    let program: Program

    init() throws { program = try Program() }

    /// Half a second of another tone, as the recording to convert.
    private func source(_ name: String = "me.wav") throws {
        try AudioFile.write(StandInModel.buzz(seconds: 0.5, pitch: 200), to: URL(filePath: program.path(name)))
    }

    private func convert(_ arguments: String..., voice: String? = StandInModel.recording.path) async throws -> Program.Run {
        try await program(
            ["convert", "--model", StandInModel.folder.path, "--steps", "1", "--seed", "3", "--no-watermark"] + (voice.map { ["--voice", $0] } ?? [])
                + arguments)
    }

    @Test("writes the recording in the other voice with the same duration, and figures and progress in lines") func figures() async throws {
        try source()
        let run = try await convert("me.wav", "-o", "out.wav", "--json")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.lines.first?.hasPrefix("Loading model") == true && run.lines.last?.hasPrefix("out.wav: 0.5 s of speech") == true)
        #expect(try program.files() == ["me.wav", "out.wav"])
        let audio = try AudioFile.read(URL(filePath: program.path("out.wav")))
        #expect(audio.sampleRate == 24_000 && abs(audio.duration - 0.5) < 0.041)
        #expect(audio.samples.contains { $0 != 0 })
        let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        #expect(figures["seed"] as? Int == 3)
        #expect(figures["text_tokens"] as? Int == 0)
        #expect(figures["speech_tokens"] as? Int == audio.frames / 960)
        #expect(figures["audio_seconds"] as? Double == audio.duration)
        let stages = try #require(figures["stages"] as? [String: Double])
        for name in ["listening", "flow", "vocoder"] { #expect(stages[name]! > 0, "\(name)") }
        #expect(figures["first_audio_seconds"] as! Double > 0)
        #expect(figures["output"] as? String == "out.wav" && figures["watermark"] as? Bool == false)
    }

    @Test("the same seed gives the same sound, another voice another; the default file name is the recording's")
    func seeds() async throws {
        try source()
        let other = program.path("other.wav")
        try AudioFile.write(StandInModel.buzz(seconds: 1, pitch: 310), to: URL(filePath: other))
        let (first, again) = (try await convert("me.wav", "-o", "-", "-q"), try await convert("me.wav", "-o", "-", "-q"))
        #expect(first.status == 0 && first.errors.isEmpty && first.output.count > 1000)
        #expect(again.output == first.output)
        #expect(try await convert("me.wav", "-o", "-", "-q", voice: other).output != first.output)
        #expect(try await convert("me.wav", "--format", "flac").lines.last?.hasPrefix("me-converted.flac: ") == true)
        #expect(try program.files() == ["me-converted.flac", "me.wav", "other.wav"])
    }

    @Test(
        "an error is one line and a status, and leaves no file",
        arguments: [
            (["nowhere.wav", "-o", "out.wav"], 1, ["nowhere.wav", "no such file"]),
            (["me.wav", "-o", "out.xyz"], 64, ["out.xyz", "--format"]),
            (["me.wav", "-o", "out.wav", "--steps", "0"], 64, ["steps", "1 to 1000"]),
            (["me.wav", "-o", "no/where.wav"], 1, ["no/where.wav"]),
            (["short.wav", "-o", "out.wav"], 1, ["short.wav", "too short"]),
            (["-o", "out.wav"], 64, ["recording"]),
        ] as [([String], Int32, [String])])
    func mistakes(arguments: [String], status: Int32, words: [String]) async throws {
        try source()
        try AudioFile.write(StandInModel.buzz(seconds: 0.05), to: URL(filePath: program.path("short.wav")))
        let run = try await program(["convert", "-q", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path] + arguments)
        #expect(run.status == status, "\(run.errors)")
        for word in words { #expect(run.errors.contains(word), "\(word) in: \(run.errors)") }
        #expect(run.output.isEmpty)
        #expect(try program.files() == ["me.wav", "short.wav"])
    }

    @Test("without a voice the error says that the model has none") func noVoice() async throws {
        try source()
        let run = try await convert("me.wav", "-o", "out.wav", "-q", voice: nil)
        #expect(run.status == 1 && run.errors.contains("--voice"))
    }
}
