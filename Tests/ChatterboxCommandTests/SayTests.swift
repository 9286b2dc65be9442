import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@Suite("chatterbox say", .standInModel, .serialized) struct SayTests {
    let program: Program

    init() throws { program = try Program() }

    private func say(_ arguments: String..., input: String = "") async throws -> Program.Run {
        try await program(
            ["say", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--no-watermark"] + arguments,
            input: input)
    }

    private func sayAsRecording(_ arguments: String..., input: String = "") async throws -> Program.Run {
        try await program(
            ["say", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--no-watermark"]
                + ["--voice", StandInModel.recording.path] + arguments, input: input)
    }

    @Test("writes sound, the documented figures and a trace, and progress in lines if there is no terminal")
    func figures() async throws {
        let run = try await sayAsRecording("One. Two.", "-o", "out.wav", "--json", "--trace", "trace.safetensors")
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.lines.map { String($0.prefix(9)) }.filter { $0 != "warning: " } == ["Loading m", "Listening", "Speaking:", "  turning", "out.wav: "])
        #expect(!run.errors.contains("\r") && !run.errors.contains("\u{1B}"))
        #expect(try program.files() == ["out.wav", "trace.safetensors"])
        try expectFigures(run)

        let trace = try SafetensorsFile(URL(filePath: program.path("trace.safetensors")))
        #expect(
            Set(trace.entries.keys) == [
                "text_tokens", "speaker_embedding", "cond_prompt_tokens", "prompt_token", "prompt_feat", "xvector", "speech_tokens", "mel", "wav",
            ])
        #expect(trace.metadata["text"] == "One. Two.")
        #expect(trace.metadata["seed"] == "3")
    }

    private func expectFigures(_ run: Program.Run) throws {
        let audio = try AudioFile.read(URL(filePath: program.path("out.wav")))
        let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        #expect(
            Set(figures.keys) == [
                "model", "device", "dtype", "quantize", "s3gen", "seed", "text_tokens", "speech_tokens", "end", "audio_seconds", "wall_seconds",
                "real_time_factor", "first_audio_seconds", "load_peak_memory_bytes", "peak_memory_bytes", "watermark", "stages", "output", "pieces",
                "warnings",
                "judge", "word_errors", "words",
            ])
        let pieces = try #require(figures["pieces"] as? [[String: Any]])
        #expect(pieces.map { $0["text"] as? String } == ["One. Two."] && pieces[0]["number"] as? Int == 1 && pieces[0]["start"] as? Double == 0)
        #expect(pieces[0]["end"] as? Double == audio.duration && pieces[0]["speech_tokens"] as? Int == 6)
        #expect(pieces[0]["draws"] as? Int == 1 && pieces[0]["kept_draw"] as? Int == 1 && pieces[0]["ending"] as? String == "budget")
        let stages = try #require(figures["stages"] as? [String: Double])
        #expect(Set(stages.keys) == ["load", "voice", "listening", "prefill", "decode", "flow", "vocoder", "watermark", "judging"])
        for name in ["load", "voice", "prefill", "decode", "flow", "vocoder"] { #expect(stages[name]! > 0, "\(name)") }
        #expect(pieces[0]["takes"] as? [String] == [] && figures["judge"] is NSNull && figures["word_errors"] is NSNull && figures["words"] is NSNull)
        #expect(figures["seed"] as? Int == 3)
        #expect(figures["speech_tokens"] as? Int == 6)
        #expect(figures["end"] as? String == "budget")
        #expect(figures["output"] as? String == "out.wav")
        #expect(figures["watermark"] as? Bool == false)
        #expect(figures["audio_seconds"] as? Double == audio.duration)
        let speed = try #require(figures["real_time_factor"] as? Double)
        #expect(abs(speed - audio.duration / (figures["wall_seconds"] as! Double)) < 1e-9)
        #expect(figures["peak_memory_bytes"] as! Int > 50_000_000)
    }

    @Test("a prepared voice, by file or name, gives exactly the sound of the recording") func voices() async throws {
        let recording = StandInModel.recording.path
        let made = try await program(
            "voice", "make", recording, "--model", StandInModel.folder.path, "-o", "me.voice.safetensors", "--name", "me", "-q")
        #expect(made.status == 0)
        #expect(made.errors.isEmpty)
        let sounds = [
            try await say("One two.", "-o", "-", "--voice", recording, "-q"),
            try await say("One two.", "-o", "-", "--voice", "me.voice.safetensors", "-q"),
            try await say("One two.", "-o", "-", "--voice", "me", "-q"),
        ]
        #expect(sounds.allSatisfy { $0.status == 0 && $0.errors.isEmpty && $0.output.count > 1000 })
        #expect(sounds[1].output == sounds[0].output)
        #expect(sounds[2].output == sounds[0].output)
        #expect(try program.files() == [".local/share/chatterbox/voices/me.voice.safetensors", "me.voice.safetensors"])
    }

    @Test("word times can be written in every format", arguments: ["srt", "vtt", "json"]) func timestamps(format: String) async throws {
        let run = try await sayAsRecording("One two. [pause:0.5s] Three.", "-o", "out.wav", "--timestamps", "words.\(format)")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try program.files() == ["out.wav", "words.\(format)"])
        let text = try String(contentsOfFile: program.path("words.\(format)"), encoding: .utf8)
        switch format {
        case "srt": #expect(text.hasPrefix("1\n00:00:0") && text.contains("\nOne two.\n\n2\n00:00:0") && text.hasSuffix("\nThree.\n\n"))
        case "vtt": #expect(text.hasPrefix("WEBVTT\n\n00:00:0") && text.contains(">two.\n\n00:00:0") && text.hasSuffix("\nThree.\n\n"))
        default:
            let words = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [[String: Any]]])["words"]!
            #expect(words.map { $0["word"] as? String } == ["One", "two.", "Three."])
            let pause = try #require(words[2]["start"] as? Double) - (#require(words[1]["end"] as? Double))
            #expect(pause >= 0.5)
        }
    }

    @Test("text is read from standard input, and samples are written to standard output") func pipe() async throws {
        let samples = try await sayAsRecording("-", "-o", "-", "--format", "pcm", input: "One two.").output
        #expect(samples.count == 6 * 960 * 2)
    }

    @Test("traced speech is written into a pipe like any other", arguments: ["pcm", "wav"]) func tracedPipe(format: String) async throws {
        let traced = try await sayAsRecording("One two.", "-o", "-", "--format", format, "--trace", "trace.safetensors", "--split", "none")
        #expect(traced.status == 0, "\(traced.errors)")
        #expect(try await traced.output == sayAsRecording("One two.", "-o", "-", "--format", format, "--split", "none").output)
        #expect(traced.output.count >= 6 * 960 * 2)
    }

    @Test("a fast flow beside the model is used and named; without one the error says how to get it")
    func fastFlow() async throws {
        let model = program.path("model")
        let made = try await program(
            "models", "make-random", model, "--fast-flow", "--tokenizer", fixturesFolder.appending(path: "tokenizer.json").path)
        #expect(made.status == 0, "\(made.errors)")
        let arguments = ["say", "Hi.", "--max-tokens", "4", "--flow", "fast", "--json", "--device", "cpu", "-o", program.path("out.wav"), "--model"]
        let run = try await program(arguments + [model])
        #expect(run.status == 0, "\(run.errors)")
        let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        #expect(figures["s3gen"] as? String == model + "/s3gen_meanflow.safetensors")
        try FileManager.default.removeItem(atPath: model + "/s3gen_meanflow.safetensors")
        let none = try await program(arguments + [model])
        #expect(
            none.status == 1 && none.errors.contains("has no fast flow") && none.errors.contains("chatterbox models pull fast-flow"), "\(none.errors)"
        )
    }

    @Test(
        "sound is written into a pipe in every format",
        arguments: [
            ("wav", [0x52, 0x49, 0x46, 0x46]), ("flac", [0x66, 0x4C, 0x61, 0x43]), ("mp3", [0xFF, 0xF3]), ("aac", [0xFF, 0xF9]),
            ("opus", [0x4F, 0x67, 0x67, 0x53]),
        ]) func formats(name: String, start: [UInt8]) async throws
    {
        let run = try await sayAsRecording("One two.", "-o", "-", "--format", name)
        #expect(run.status == 0 && run.output.starts(with: start), "\(run.errors) \([UInt8](run.output.prefix(8)))")
    }

    @Test("at twice the speed, speech and the times of its words are half as long") func speed() async throws {
        func spoken(_ speed: String) async throws -> (seconds: Double, end: Double) {
            let run = try await sayAsRecording("One two.", "-o", "out.wav", "--timestamps", "words.json", "--speed", speed)
            #expect(run.status == 0, "\(run.errors)")
            let words = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: program.path("words.json")))) as? [String: [[String: Any]]])
            return try (AudioFile.read(URL(filePath: program.path("out.wav"))).duration, #require(words["words"]?.last?["end"] as? Double))
        }
        let (whole, fast) = (try await spoken("1"), try await spoken("2"))
        #expect(abs(fast.seconds - whole.seconds / 2) < 0.001 && abs(fast.end - whole.end / 2) < 0.01)
        let refused = try await sayAsRecording("One two.", "-o", "out.wav", "--speed", "5")
        #expect(refused.status != 0 && refused.errors.contains("--speed is 5.0; allowed is 0.25 to 4"))
    }

    @Test("a loudness is given with its sign, and refused out of range") func loudness() async throws {
        let run = try await sayAsRecording("One two.", "-o", "out.wav", "--loudness", "-30")
        #expect(run.status == 0, "\(run.errors)")
        let refused = try await sayAsRecording("One two.", "-o", "out.wav", "--loudness", "3")
        #expect(refused.status != 0 && refused.errors.contains("--loudness is 3.0; allowed is -50 to -5 LUFS"), "\(refused.errors)")
    }

    @Test("a pause without text is a second of silence") func silence() async throws {
        #expect(try await sayAsRecording("[pause:1s]", "-o", "-", "--format", "pcm").output == Data(count: 48_000))
    }

    @Test("without the watermark's weights one warning says so and how to get them") func noWatermark() async throws {
        let run = try await program(
            ["say", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--voice", StandInModel.recording.path]
                + ["One two. [pause:0.1s] Three.", "-o", "out.wav", "--json"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.lines.filter { $0.contains("no watermark") }.map { $0.hasPrefix("warning: ") && $0.contains("chatterbox watermark --fetch") } == [
                true
            ])
        let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        #expect((figures["warnings"] as? [[String: String]])?.map { $0["kind"] }.filter { $0 != "cut-short" } == ["no-watermark"])
    }

    @Test("memory does not grow with the length of the speech", arguments: ["wav", "flac"]) func memory(format: String) async throws {
        func peak(sentences: Int) async throws -> Int {
            let text = String(repeating: "One two. [pause:60s] ", count: sentences)
            let run = try await sayAsRecording("-", "-o", "out.\(format)", "--json", input: text)
            #expect(run.status == 0, "\(run.errors)")
            let figures = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
            #expect(try #require(figures["audio_seconds"] as? Double) > 60 * Double(sentences))
            return try #require(figures["peak_memory_bytes"] as? Int)
        }
        // Twelve minutes more are 69 MB of samples.
        let (few, many) = (try await peak(sentences: 6), try await peak(sentences: 18))
        #expect(many - few < 35_000_000)
    }

    /// A player that records its input and its arguments.
    private func player(_ name: String, _ script: String = "echo \"$@\" > called; exec cat > played") throws -> [String: String] {
        let bin = program.path("bin")
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: bin + "/" + name))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bin + "/" + name)
        return ["PATH": "\(bin):/bin"]
    }

    @Test("speech is played while it arrives, with or without a file", arguments: [["-o", "out.flac"], []]) func played(place: [String]) async throws
    {
        let run = try await program(
            ["say", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--no-watermark", "--play"]
                + ["--voice", StandInModel.recording.path, "One two."] + place, environment: try player("aplay"))
        #expect(run.status == 0, "\(run.errors)")
        #expect(try String(contentsOfFile: program.path("called"), encoding: .utf8) == "-q -t raw -f S16_LE -r 24000 -c 1\n")
        let heard = try Data(contentsOf: URL(filePath: program.path("played")))
        if place.isEmpty {
            #expect(try await heard == sayAsRecording("One two.", "-o", "-", "--format", "pcm").output)
        } else {
            // The contents of a file do not depend on whether it is also played.
            #expect(try await sayAsRecording("One two.", "-o", "same.flac").status == 0)
            #expect(try Data(contentsOf: URL(filePath: program.path("out.flac"))) == Data(contentsOf: URL(filePath: program.path("same.flac"))))
            #expect(heard.count == 2 * (try AudioFile.read(URL(filePath: program.path("out.flac"))).frames))
        }
    }

    @Test("an error names a player that fails; the file is still written") func failingPlayer() async throws {
        let environment = try player("paplay", "echo no server >&2; exit 3")
        let arguments =
            ["say", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--no-watermark", "--play"]
            + ["--voice", StandInModel.recording.path, "One two."]
        for place in [["-o", "out.wav"], []] {
            let run = try await program(arguments + place, environment: environment)
            #expect(
                run.status == 1 && run.errors.contains("no server") && run.errors.contains("paplay could not play the speech (status 3)"),
                "\(run.errors)")
        }
        #expect(try AudioFile.read(URL(filePath: program.path("out.wav"))).frames > 0)
    }

    @Test("without a player the error names what to install") func noPlayer() async throws {
        let run = try await program(["say", "Hi.", "--play", "--model", StandInModel.folder.path], environment: ["PATH": program.path("bin")])
        #expect(run.status == 64)
        for word in ["pw-play (package pipewire-bin)", "paplay", "alsa-utils", "ffplay (package ffmpeg)", "or play (package sox)"] {
            #expect(run.errors.contains(word), "\(run.errors)")
        }
    }

    @Test("speech is written in chunks into a pipe, and as a whole into a file or undivided", arguments: ["sentences", "none"]) func delivery(
        split: String
    )
        async throws
    {
        let piped = try await sayAsRecording("One two three.", "-o", "-", "--format", "pcm", "--split", split)
        #expect(try await sayAsRecording("One two three.", "-o", "out.pcm", "--split", split).status == 0)
        let filed = try Data(contentsOf: URL(filePath: program.path("out.pcm")))
        #expect(piped.output.count == filed.count && (piped.output == filed) == (split == "none"))
    }

    @Test("a file without a name is named after the text, and replaces nothing") func defaultName() async throws {
        try Data("One two.".utf8).write(to: URL(filePath: program.path("chapter.txt")))
        try Data("mine".utf8).write(to: URL(filePath: program.path("chapter.flac")))
        let run = try await sayAsRecording("-f", "chapter.txt", "--format", "flac")
        #expect(run.status == 0)
        #expect(run.lines.last?.hasPrefix("chapter-2.flac: ") == true)
        #expect(try program.files() == ["chapter-2.flac", "chapter.flac", "chapter.txt"])
        #expect(try Data(contentsOf: URL(filePath: program.path("chapter.flac"))) == Data("mine".utf8))
    }

    @Test("progress is a bar on a terminal, which is removed at the end") func bar() async throws {
        let (status, screen) = try await program.onTerminal(
            "say", "One two.", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--max-tokens", "6",
            "--steps", "1", "--no-watermark", "-o", "out.wav")
        #expect(status == 0)
        #expect(screen.contains("Speaking [") && screen.contains("% "))
        let last = screen.components(separatedBy: "\r\u{1B}[K").last
        #expect(last?.contains("out.wav: ") == true)
    }

    @Test("sound is not written to a terminal") func terminalRefused() async throws {
        let (status, screen) = try await program.onTerminal("say", "One two.", "-o", "-", "--model", StandInModel.folder.path)
        #expect(status == 64)
        #expect(screen.contains("terminal"))
    }

    @Test("Ctrl-C ends it with status 130 and leaves no file", arguments: ["Loading", "Speaking"])
    func interrupted(at word: String) async throws {
        let run = try await program(
            ["say", String(repeating: "one two three ", count: 1000), "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path]
                + ["--max-tokens", "2000", "-o", "out.wav", "--json", "--no-watermark"], interruptedAt: word)
        #expect(run.status == 130)
        #expect(run.lines.last == "Stopped.")
        #expect(run.output.isEmpty)
        #expect(try program.files().isEmpty)
    }

    @Test("speaks with one or several adapters, and refuses other files before a model is loaded") func adapters() async throws {
        let weights = try SafetensorsFile(StandInModel.folder.appending(path: "t3_cfg.safetensors"))
        let layer = "tfmr.layers.0.mlp.up_proj", shape = try #require(weights.entries["\(layer).weight"]).shape
        let matrices = try Adapter.Matrices(
            a: .randn([2, shape[1]], generator: Generator(seed: 1)), b: .randn([shape[0], 2], generator: Generator(seed: 2)), scale: 1)
        try Adapter([layer: matrices], name: "a").save(to: URL(filePath: program.path("a.safetensors")))
        for (file, adapter) in [
            ("with.wav", ["--adapter", "a.safetensors"]), ("half.wav", ["--adapter", "a.safetensors=0.5"]), ("without.wav", []),
        ] {
            let run = try await program(
                ["say", "One.", "--model", StandInModel.folder.path, "--max-tokens", "6", "--steps", "1", "--seed", "3", "--no-watermark"]
                    + ["--voice", StandInModel.recording.path, "-o", file] + adapter)
            #expect(run.status == 0, "\(run.errors)")
        }
        let spoken = try ["with.wav", "half.wav", "without.wav"].map { try AudioFile.read(URL(filePath: program.path($0))).samples }
        #expect(Set(spoken).count == 3)
        let refused = try await say("One.", "-o", "out.wav", "--adapter", "nowhere")
        #expect(refused.status == 1 && refused.errors.contains("nowhere: not an adapter: no such file") && !refused.errors.contains("Loading"))
    }
}
