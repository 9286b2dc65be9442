import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Voice") struct VoiceTests {
    let folder: TemporaryFolder
    var file: URL { folder.url.appending(path: "me.voice.safetensors") }
    let sizes: Voice.Sizes = {
        var sizes = Voice.Sizes.chatterbox
        (sizes.speakerEmbedding, sizes.speaker) = (16, 12)
        return sizes
    }()

    init() throws { folder = try TemporaryFolder() }

    private func voice(mel frames: Int = 8) throws -> Voice {
        let generator = try Generator(seed: 5)
        return Voice(
            speakerEmbedding: try .randn([1, 16], generator: generator), conditioningTokens: try Tensor([7, 0, 6560], shape: [1, 3]),
            prompt: SpeechPrompt(
                tokens: try Tensor([1, 2, 3, 4], shape: [1, 4]), mel: try .randn([1, frames, 80], generator: generator),
                speaker: try .randn([1, 12], generator: generator)))
    }

    /// A voice with an origin and a recording.
    private func toldVoice() throws -> Voice {
        var voice = try voice()
        voice.origin = VoiceOrigin(model: "Turbo", voiceEncoder: "aa", tokenizer: "bb", speakerEncoder: "cc", rules: .turbo)
        voice.heardSeconds = 7.25
        voice.recording = try VoiceRecording(Audio(samples: (0..<8000).map { Float($0 % 100) / 128 }, sampleRate: 8000))
        return voice
    }

    private func tensors(_ voice: Voice) -> [String: Tensor] {
        [
            "speaker_embedding": voice.speakerEmbedding, "cond_prompt_tokens": voice.conditioningTokens,
            "prompt_token": voice.prompt.tokens, "prompt_feat": voice.prompt.mel, "xvector": voice.prompt.speaker,
        ]
    }

    @Test("a voice is the same after storing; one more mel frame than the tokens need is allowed", arguments: [8, 9])
    func roundTrip(frames: Int) throws {
        let voice = try voice(mel: frames)
        try voice.save(to: file)
        let back = try tensors(Voice.load(from: file, sizes: sizes))
        for (name, tensor) in tensors(voice) { try expectClose(back[name]!, tensor, relative: 0, name) }
    }

    @Test("a voice's origin and recording are the same after storing") func told() throws {
        let voice = try toldVoice()
        try voice.save(to: file)
        let back = try Voice.load(from: file, sizes: sizes)
        #expect(back.origin == voice.origin && back.origin?.model == "Turbo" && back.heardSeconds == 7.25 && back.warnings.isEmpty)
        #expect(back.recording?.seconds == 1)
        #expect(try back.recording?.audio(named: "x") == voice.recording?.audio(named: "x"))
        // The same after storing the loaded voice again.
        try back.withoutRecording.save(to: file)
        let last = try Voice.load(from: file, sizes: sizes)
        #expect(last.origin == voice.origin && last.heardSeconds == 7.25 && last.recording == nil)
    }

    @Test("older programs without origins can read the format") func readable() throws {
        try toldVoice().save(to: file)
        let stored = try SafetensorsFile(file)
        #expect(stored.metadata["version"] == "1")
        let parts = try tensors(toldVoice())
        for (name, tensor) in parts { try expectClose(stored.tensor(name), tensor, relative: 0, name) }
    }

    @Test(
        "an origin that cannot be read is refused, with its field's name",
        arguments: [
            ("networks", "{"), ("networks", "{}"), ("networks", String(repeating: "[", count: 100_000)), ("networks", nil), ("rules", "{}"),
            ("rules", nil), ("seconds", "-1"), ("seconds", "many"), ("recording_seconds", "nan"), ("recording_gain", "0.5"),
            ("recording_gain", "inf"),
        ] as [(String, String?)])
    func untellable(key: String, value: String?) throws {
        try toldVoice().save(to: file)
        let stored = try SafetensorsFile(file)
        var metadata = stored.metadata
        metadata[key] = value
        try SafetensorsWriter.write(stored.tensors(), metadata: metadata, to: file)
        let error = #expect(throws: VoiceError.metadata(source: "me.voice.safetensors", name: key)) {
            try Voice.load(from: self.file, sizes: self.sizes)
        }
        #expect(error?.description.contains("\"\(key)\"") == true)
    }

    @Test("a recording that is not a tensor of bytes is refused") func notBytes() throws {
        try toldVoice().save(to: file)
        let stored = try SafetensorsFile(file)
        for recording in [try Tensor.zeros([3]), try .zeros([2, 2], dtype: .uint8)] {
            var tensors = try stored.tensors()
            tensors["recording"] = recording
            try SafetensorsWriter.write(tensors, metadata: stored.metadata, to: file)
            let error = #expect(throws: VoiceError.self) { try Voice.load(from: self.file, sizes: self.sizes) }
            #expect(error?.description.contains("\"recording\" should be bytes in one row") == true)
        }
    }

    @Test("upstream's conds.pt is a voice") func builtIn() throws {
        let voice = try Voice.load(from: fixturesFolder.appending(path: "conds.pt"), sizes: sizes)
        try expectClose(voice.speakerEmbedding[0], .linspace(from: -1, to: 1, count: 16), relative: 1e-6)
        try expectEqual(voice.conditioningTokens, Tensor([0, 7, 14, 21, 28], shape: [1, 5]))
        try expectEqual(voice.prompt.tokens, Tensor([6000, 6001, 6002, 6003], shape: [1, 4]))
        try expectClose(voice.prompt.mel.flattened(), .linspace(from: -8, to: 1, count: 640), relative: 1e-6)
        try expectClose(voice.prompt.speaker[0], .linspace(from: -2, to: 2, count: 12), relative: 1e-6)
    }

    /// A change to a good voice's tensors, and words that the error message must contain.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: [String]
        let apply: @Sendable (inout [String: Tensor]) throws -> Void
    }

    @Test(
        "a voice that is damaged or of another model is refused with its name",
        arguments: [
            Damage(testDescription: "a part is missing", message: ["xvector", "not a prepared voice"]) { $0["xvector"] = nil },
            Damage(testDescription: "another model's embedding", message: ["speaker_embedding", "[1, 16]", "[1, 32]"]) {
                $0["speaker_embedding"] = try .zeros([1, 32])
            },
            Damage(testDescription: "mel and tokens disagree", message: ["prompt_feat", "[1, 8, 80]", "[1, 10, 80]"]) {
                $0["prompt_feat"] = try .zeros([1, 10, 80])
            },
            Damage(testDescription: "no tokens", message: ["prompt_token", "[1, 0]"]) { $0["prompt_token"] = try .zeros([1, 0], dtype: .int64) },
            Damage(testDescription: "an impossible token", message: ["cond_prompt_tokens", "6561", "6560"]) {
                $0["cond_prompt_tokens"] = try Tensor([6561], shape: [1, 1])
            },
            Damage(testDescription: "not a number", message: ["xvector", "NaN or infinite"]) { $0["xvector"] = try .full([1, 12], .nan) },
        ])
    func refused(damage: Damage) throws {
        var parts = try tensors(voice())
        try damage.apply(&parts)
        try SafetensorsWriter.write(parts, to: file)
        let error = #expect(throws: VoiceError.self) { try Voice.load(from: self.file, sizes: self.sizes) }
        let message = try #require(error).description
        for words in ["me.voice.safetensors"] + damage.message { #expect(message.contains(words), "\(message)") }
    }

    @Test("a newer program's voice is refused") func newer() throws {
        try SafetensorsWriter.write(tensors(voice()), metadata: ["format": "chatterbox-voice", "version": "2"], to: file)
        #expect(throws: VoiceError.version(source: "me.voice.safetensors", found: "2")) {
            try Voice.load(from: self.file, sizes: self.sizes)
        }
    }

    @Test(
        "errors for a missing file, an empty file, a text and a truncated archive contain the file's name",
        arguments: [nil, "", "hello, world", "PK\u{3}\u{4}torn"])
    func unreadable(content: String?) throws {
        if let content { try Data(content.utf8).write(to: file) }
        let error = #expect(throws: (any Error).self) { try Voice.load(from: self.file, sizes: self.sizes) }
        #expect("\(try #require(error))".contains("me.voice.safetensors"))
    }

    @Test("damage to a stored voice is harmless or refused") func damaged() throws {
        try toldVoice().save(to: file)
        let stored = try Data(contentsOf: file), builtIn = try Data(contentsOf: fixturesFolder.appending(path: "conds.pt"))
        search(rounds: 60) { random in
            let bytes = (random.below(2) == 0 ? stored : builtIn).damaged(using: &random)
            try expectReadOrRefused(bytes, at: file, [VoiceError.self, SafetensorsError.self, ArchiveError.self]) { url in
                let voice = try Voice.load(from: url, sizes: sizes)
                guard try voice.prompt.tokens.max().item(Int.self) < sizes.tokenCount, try voice.prompt.mel.isFinite().all().item(Bool.self) else {
                    throw PoorMessage(description: "a damaged voice passed")
                }
            }
        }
    }
}
