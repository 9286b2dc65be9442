import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import ChatterboxCommand

@Suite("chatterbox voice", .standInModel, .serialized) struct VoiceTests {
    let program: Program

    init() throws { program = try Program() }

    private func make(_ arguments: String..., model: String = StandInModel.folder.path) async throws -> Program.Run {
        try await program(["voice", "make", "--model", model] + arguments)
    }

    private func say(_ arguments: String..., model: String = StandInModel.folder.path) async throws -> Program.Run {
        try await program(
            ["say", "One two.", "--model", model, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--no-watermark"] + arguments)
    }

    /// A model with other networks in the working folder.
    private func otherModel() throws -> String {
        try StandInModel.writeCopy(to: URL(filePath: program.path("other")), replacing: ["ve.safetensors", "s3gen.safetensors"])
        return program.path("other")
    }

    /// Lines on standard error that are notes or warnings about the voice, without those about speech that is cut short here.
    private func notes(_ run: Program.Run) -> [Substring] {
        run.lines.filter { ($0.hasPrefix("Note: ") || $0.hasPrefix("warning: ")) && !$0.contains("reached the limit of") }
    }

    @Test("show prints what made a voice, how much of the recording was used, and whether it is stored") func show() async throws {
        #expect(try await make(StandInModel.recording.path, "-o", "me.safetensors", "-q").status == 0)
        #expect(try await make(StandInModel.recording.path, "-o", "bare.safetensors", "--no-recording", "-q").status == 0)
        let shown = try await program("voice", "show", "me.safetensors"), text = String(decoding: shown.output, as: UTF8.self)
        for words in ["Made with Chatterbox from 1.0 s of recording: voice encoder ", "It contains 1.0 s of the recording"] {
            #expect(text.contains(words), "\(text)")
        }
        let bare = try await String(decoding: program("voice", "show", "bare.safetensors").output, as: UTF8.self)
        #expect(bare.contains("Made with Chatterbox from 1.0 s of recording") && bare.contains("It contains no recording"), "\(bare)")

        let json = try await program("voice", "show", "me.safetensors", "--json")
        let figures = try #require(JSONSerialization.jsonObject(with: json.output) as? [String: Any])
        #expect(figures["heard_seconds"] as? Double == 1 && figures["recording_seconds"] as? Double == 1)
        #expect(figures["model"] as? String == "Chatterbox")
        let networks = try #require(figures["networks"] as? [String: String])
        #expect(networks.keys.sorted() == ["s3_tokenizer", "speaker_encoder", "voice_encoder"] && networks.values.allSatisfy { $0.count == 64 })
        #expect((figures["rules"] as? [String: Any])?["promptSeconds"] as? Double == 10)
    }

    @Test("show prints the quality of a recording without a voice") func recording() async throws {
        let shown = try await program("voice", "show", StandInModel.recording.path)
        let text = String(decoding: shown.output, as: UTF8.self)
        #expect(
            shown.status == 0
                && text.contains("a recording of 1.0 s at 24000 Hz\nA voice uses 1.0 s of it, from 0.0 to 1.0 s.\n1.0 s of that are speech, at -"),
            "\(text)")
        let json = try await program("voice", "show", StandInModel.recording.path, "--json")
        let object = try JSONSerialization.jsonObject(with: json.output) as? [String: Any]
        #expect(object?["used_from_seconds"] as? Double == 0 && object?["used_to_seconds"] as? Double == 1 && object?["notes"] as? [String] == [])
        #expect(object?["sample_rate"] as? Int == 24_000 && (object?["recording"] as? [String: Any])?["speech_seconds"] != nil)
        let text2 = program.path("text.wav")
        try Data("no sound".utf8).write(to: URL(filePath: text2))
        #expect(try await program("voice", "show", text2).errors.contains("not a readable audio file"))
    }

    @Test("show prints the recording's quality") func quality() async throws {
        #expect(try await make(StandInModel.recording.path, "-o", "me.safetensors", "-q").status == 0)
        let shown = try await program(["voice", "show", "me.safetensors"])
        #expect(shown.status == 0 && String(decoding: shown.output, as: UTF8.self).contains("s of that are speech, at -"), "\(shown.errors)")
        let run = try await program(["voice", "show", "me.safetensors", "--json"])
        let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any]),
            recording = try #require(figures["recording"] as? [String: Any])
        #expect(Set(recording.keys).isSuperset(of: ["speech_seconds", "level_db", "peak_db", "clipping", "offset", "problems"]))
    }

    @Test("a voice of another model is made again from its recording, with one note, and sounds like the recording") func anew() async throws {
        let other = try otherModel()
        #expect(try await make(StandInModel.recording.path, "-o", "me.safetensors", "-q").status == 0)
        let anew = try await say("--voice", "me.safetensors", "-o", "anew.wav", "--json", model: other)
        #expect(anew.status == 0, "\(anew.errors)")
        #expect(notes(anew).count == 1 && notes(anew)[0].hasPrefix("Note: me.safetensors was made with another Chatterbox, "), "\(anew.errors)")
        let figures = try #require(JSONSerialization.jsonObject(with: anew.output) as? [String: Any])
        #expect((figures["warnings"] as? [[String: String]])?.map { $0["kind"] }.filter { $0 != "cut-short" } == ["remade-voice"])
        let direct = try await say("--voice", StandInModel.recording.path, "-o", "direct.wav", model: other)
        #expect(notes(direct).isEmpty)
        #expect(try Data(contentsOf: URL(filePath: program.path("anew.wav"))) == Data(contentsOf: URL(filePath: program.path("direct.wav"))))

        // Prepared for that model, it is used unchanged.
        let prepared = try await make("me.safetensors", "-o", "mine.safetensors", model: other)
        #expect(prepared.status == 0 && notes(prepared).count == 1)
        let again = try await say("--voice", "mine.safetensors", "-o", "again.wav", model: other)
        #expect(again.status == 0 && notes(again).isEmpty, "\(again.errors)")
        #expect(try Data(contentsOf: URL(filePath: program.path("again.wav"))) == Data(contentsOf: URL(filePath: program.path("direct.wav"))))
    }

    @Test("a voice of another model without its recording is refused by name, with what to do", arguments: ["say", "convert"])
    func refused(command: String) async throws {
        let other = try otherModel()
        #expect(try await make(StandInModel.recording.path, "--name", "ada", "--no-recording", "-q").status == 0)
        let input = command == "say" ? "One two." : StandInModel.recording.path
        let run = try await program(command, input, "--model", other, "--voice", "ada", "-o", "out.wav", "-q", "--steps", "1")
        #expect(run.status == 1 && run.lines.count == 1, "\(run.errors)")
        let parts = command == "say" ? "voice encoder, S3 tokenizer and speaker encoder" : "S3 tokenizer and speaker encoder"
        for words in ["ada.voice.safetensors", parts, "no recording", "chatterbox voice make"] {
            #expect(run.errors.contains(words), "\(words) in: \(run.errors)")
        }
        #expect(try !program.files().contains("out.wav"))
    }

    @Test("a voice without digests is used unchanged with one warning; for the model's own there is none") func older() async throws {
        #expect(try await make(StandInModel.recording.path, "-o", "me.safetensors", "-q").status == 0)
        let stored = try SafetensorsFile(URL(filePath: program.path("me.safetensors")))
        let tensors = try stored.tensors().filter { $0.key != "recording" }
        for place in [URL(filePath: program.path("old.safetensors")), StandInModel.folder.appending(path: "conds.safetensors")] {
            try SafetensorsWriter.write(tensors, metadata: ["format": "chatterbox-voice", "version": "1"], to: place)
        }
        let run = try await say("--voice", "old.safetensors", "-o", "old.wav")
        #expect(run.status == 0, "\(run.errors)")
        #expect(notes(run).count == 1 && notes(run)[0].hasPrefix("warning: old.safetensors does not say "), "\(run.errors)")
        let converted = try await program(
            "convert", StandInModel.recording.path, "--model", StandInModel.folder.path, "--voice", "old.safetensors", "--steps", "1",
            "--no-watermark", "-o", "converted.wav")
        #expect(converted.status == 0 && notes(converted).count == 1, "\(converted.errors)")
        for arguments in [[], ["--voice", StandInModel.folder.appending(path: "conds.safetensors").path]] {
            let own = try await program(
                [
                    "say", "One two.", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--no-watermark",
                    "-o", "own.wav",
                ] + arguments)
            #expect(own.status == 0 && notes(own).isEmpty, "\(own.errors)")
            #expect(try Data(contentsOf: URL(filePath: program.path("own.wav"))) == Data(contentsOf: URL(filePath: program.path("old.wav"))))
        }
        let shown = try await program("voice", "show", "old.safetensors")
        #expect(String(decoding: shown.output, as: UTF8.self).contains("It does not contain digests of the networks that made it."))
    }

    @Test("Pico's voices are refused by other models, by name") func pico() async throws {
        let rms = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Models/pico/voices/rms.voice.safetensors")
        let run = try await say("--voice", rms.standardizedFileURL.path, "-o", "out.wav", "-q")
        #expect(run.status == 1 && run.lines.count == 1, "\(run.errors)")
        for words in ["rms.voice.safetensors", "made with Pico", "differs from Chatterbox"] { #expect(run.errors.contains(words), "\(run.errors)") }
        #expect(try program.files().isEmpty)
    }
}
