import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// Prepared voices that were made by other networks or rules than those of the model that uses them.
@Suite("Prepared voices of other models", .standInModel) struct PreparedVoiceTests {
    let folder: TemporaryFolder
    let synthesizer: Synthesizer
    var file: URL { folder.url.appending(path: "me.voice.safetensors") }

    init() throws {
        folder = try TemporaryFolder()
        synthesizer = Synthesizer(try Model.load(StandInModel.folder))
    }

    /// A model that differs from the stand-in.
    private func other(_ name: String = "other", replacing files: [String] = ["ve.safetensors", "s3gen.safetensors"], rules: ReferenceRules? = nil)
        throws -> Synthesizer
    {
        let copy = folder.url.appending(path: name)
        try StandInModel.writeCopy(to: copy, replacing: files, rules: rules)
        return Synthesizer(try Model.load(copy))
    }

    private func bytes(_ voice: Voice) throws -> [Data] {
        try [voice.speakerEmbedding, voice.conditioningTokens, voice.prompt.tokens, voice.prompt.mel, voice.prompt.speaker].map { tensor in
            try tensor.withBytes { Data($0) }
        }
    }

    private let options = SpeechOptions(steps: 1, maximumTokens: 4, seed: 7, watermark: false, splitting: .none)

    // MARK: the same networks and rules

    @Test("every model with the same networks and rules uses a voice unchanged and without a warning") func same() async throws {
        let voice = try await synthesizer.voice(from: StandInModel.recording)
        try voice.save(to: file)
        // Only its T3 differs, which does not analyse recordings.
        let other = try other(replacing: ["t3_cfg.safetensors"])
        let back = try await other.voice(from: file)
        #expect(try bytes(back) == bytes(voice))
        #expect(back.warnings.isEmpty && back.name == "me.voice.safetensors")
        #expect(back.origin == voice.origin && back.heardSeconds == 1 && back.recording?.seconds == 1)
        #expect(try await other.speak("One.", voice: back, options: options).report.warnings.besideLength.isEmpty)
    }

    @Test("a damaged recording causes no error if it is not needed") func unneeded() async throws {
        try await damageRecording(synthesizer.voice(from: StandInModel.recording))
        #expect(try await synthesizer.voice(from: file).warnings.isEmpty)
    }

    // MARK: made again

    @Test("with other networks it is made again from its recording, equals a voice from the original file, and has a warning")
    func anew() async throws {
        let other = try other()
        try await synthesizer.voice(from: StandInModel.recording).save(to: file)
        let anew = try await other.voice(from: file), direct = try await other.voice(from: StandInModel.recording)
        #expect(try bytes(anew) == bytes(direct))
        #expect(anew.origin == direct.origin && anew.heardSeconds == 1 && anew.recording?.seconds == 1)
        #expect(anew.warnings.map(\.kind) == [.remadeVoice])
        let text = try #require(anew.warnings.first).description
        for words in ["me.voice.safetensors", "another Chatterbox", "voice encoder, S3 tokenizer and speaker encoder", "made again"] {
            #expect(text.contains(words), "\(text)")
        }
        let speech = try await other.speak("One.", voice: anew, options: options)
        #expect(speech.report.warnings.besideLength == anew.warnings)
        #expect(try await speech.audio == other.speak("One.", voice: direct, options: options).audio)
        // After saving, it is this model's voice.
        try anew.save(to: file)
        #expect(try await other.voice(from: file).warnings.isEmpty)
    }

    @Test("a stereo recording at another rate is stored so that it gives the same voice") func stereo() async throws {
        let mono = StandInModel.buzz(seconds: 1).samples
        let stereo = Audio(samples: mono.indices.flatMap { [mono[$0], mono[($0 + 7) % mono.count] / 2] }, sampleRate: 22_050, channels: 2)
        let recording = folder.url.appending(path: "stereo.wav")
        try AudioFile.write(stereo, to: recording)
        try await synthesizer.voice(from: recording).save(to: file)
        let other = try other()
        #expect(try await bytes(other.voice(from: file)) == bytes(other.voice(from: recording)))
    }

    @Test("with other rules for references it is made again by these") func rules() async throws {
        var rules = ReferenceRules.chatterbox
        (rules.promptSeconds, rules.loudness) = (0.5, -27)
        let other = try other(replacing: [], rules: rules)
        try await synthesizer.voice(from: StandInModel.recording).save(to: file)
        let anew = try await other.voice(from: file)
        #expect(try bytes(anew) == bytes(await other.voice(from: StandInModel.recording)))
        #expect(anew.prompt.mel.shape == [1, 25, 80])
        #expect(anew.warnings.first?.description.contains("in its reference rules;") == true)
    }

    @Test("only the first half minute of a longer recording is used, with a warning") func long() async throws {
        let other = try other(replacing: ["ve.safetensors"])
        let sound = StandInModel.buzz(seconds: 31)
        try await synthesizer.voice(from: sound, named: "long").save(to: file)
        let anew = try await other.voice(from: file)
        #expect(anew.heardSeconds == 30)
        #expect(anew.warnings.first?.description.contains("the first 30 of 31 s") == true)
    }

    @Test("a recording that is too short for the rules or damaged is refused, with the voice's name") func unusable() async throws {
        let voice = try await synthesizer.voice(from: StandInModel.recording)
        try voice.save(to: file)
        let turbo = try other("turbo", replacing: [], rules: .turbo)
        await #expect { try await turbo.voice(from: file) } throws: {
            guard case AudioError.tooShort(let name, _, let needed) = $0 else { return false }
            return name.contains("me.voice.safetensors") && needed == 5
        }
        try damageRecording(voice)
        let other = try other()
        await #expect { try await other.voice(from: file) } throws: { $0 is AudioError && "\($0)".contains("me.voice.safetensors") }
    }

    /// Writes the voice with a recording of which half the bytes are zeros.
    private func damageRecording(_ voice: Voice) throws {
        try voice.save(to: file)
        let stored = try SafetensorsFile(file)
        var tensors = try stored.tensors().mapValues { try $0.clone() }
        let flac = try #require(tensors["recording"])
        try flac.narrow(axis: 0, from: 0, count: flac.count / 2).fill(0)
        tensors["recording"] = flac
        try SafetensorsWriter.write(tensors, metadata: stored.metadata, to: file)
    }

    // MARK: refused

    @Test("without a recording it is refused, with its name") func refused() async throws {
        let voice = try await synthesizer.voice(from: StandInModel.recording).withoutRecording
        try voice.save(to: file)
        #expect(try SafetensorsFile(file).entries["recording"] == nil)
        #expect(try await synthesizer.voice(from: file).warnings.isEmpty)
        let other = try other(replacing: ["ve.safetensors"])
        await #expect(
            throws: VoiceError.otherOrigin(
                voice: "me.voice.safetensors", differing: [.voiceEncoder], maker: "Chatterbox", model: "Chatterbox", hasRecording: false)
        ) { try await other.voice(from: file) }
        let turbo = try self.other("turbo", replacing: [], rules: .turbo)
        await #expect { try await turbo.voice(from: file) } throws: {
            ["me.voice.safetensors", "reference rules", "no recording"].allSatisfy("\($0)".contains)
        }
    }

    @Test("speech in a voice of another model is refused with its name, wherever the voice came from") func speaking() async throws {
        let other = try other(), text = "One."
        let made = try await synthesizer.voice(from: StandInModel.recording)
        try made.save(to: file)
        for voice in [made, try Voice.load(from: file)] {
            await #expect { try await other.speak(text, voice: voice, options: options) } throws: {
                guard case VoiceError.otherOrigin(voice.name, [.voiceEncoder, .tokenizer, .speakerEncoder], _, _, hasRecording: true) = $0 else {
                    return false
                }
                return true
            }
            await #expect(throws: VoiceError.self) { for try await _ in other.chunks(text, voice: voice, options: options) {} }
            await #expect(throws: VoiceError.self) { try await other.trace(text, voice: voice, options: options) }
            let anew = try await other.prepared(voice)
            #expect(try await !other.speak(text, voice: anew, options: options).audio.samples.isEmpty)
        }
    }

    // MARK: converting

    @Test("a conversion accepts a voice whose prompt the same networks made, and refuses others") func conversion() async throws {
        let voice = try await synthesizer.voice(from: StandInModel.recording).withoutRecording
        try voice.save(to: file)
        let source = StandInModel.buzz(seconds: 0.5, pitch: 200)
        let alike = try other("alike", replacing: ["ve.safetensors"]), other = try other()
        let taken = try await alike.voice(from: file, for: .conversion)
        #expect(try bytes(taken) == bytes(voice))
        let expected = try await synthesizer.convert(source, to: voice, steps: 1, seed: 3).audio
        #expect(try await alike.convert(source, to: taken, steps: 1, seed: 3).audio == expected)
        await #expect(throws: VoiceError.self) { try await other.convert(source, to: voice, steps: 1, seed: 3) }
        await #expect(throws: VoiceError.self) { try await other.voice(from: file, for: .conversion) }
    }

    // MARK: voices without an origin

    @Test("an old voice without an origin works as before, with one warning") func older() async throws {
        let voice = try await synthesizer.voice(from: StandInModel.recording)
        try voice.save(to: file)
        let stored = try SafetensorsFile(file)
        let older = try stored.tensors().filter { $0.key != "recording" }
        try SafetensorsWriter.write(older, metadata: ["format": "chatterbox-voice", "version": "1"], to: file)
        let back = try await synthesizer.voice(from: file)
        #expect(back.warnings.map(\.kind) == [.unknownVoice] && back.warnings[0].description.contains("me.voice.safetensors"))
        let speech = try await synthesizer.speak("One.", voice: back, options: options)
        #expect(speech.report.warnings.besideLength == back.warnings)
        #expect(try await speech.audio == synthesizer.speak("One.", voice: voice, options: options).audio)
        #expect(try await synthesizer.convert(StandInModel.buzz(seconds: 0.5), to: back, steps: 1, watermark: false).report.warnings == back.warnings)
        #expect(try Voice.load(from: file).warnings == back.warnings)
        // Loading does not change it.
        try back.save(to: file)
        #expect(try await synthesizer.voice(from: file).warnings == back.warnings)
    }

    @Test("the voice in a model's folder belongs to that model, without a warning; elsewhere it has one") func own() async throws {
        let copy = folder.url.appending(path: "model"), own = copy.appending(path: "conds.safetensors")
        try StandInModel.writeCopy(to: copy)
        try Voice.random(synthesizer.model.voiceAnalyzer.voiceSizes, generator: Generator(seed: 1)).save(to: own)
        let model = Synthesizer(try Model.load(copy))
        #expect(try await model.speak("One.", options: options).report.warnings.besideLength.isEmpty)
        let given = try await model.voice(from: own)
        #expect(given.warnings.isEmpty)
        #expect(try await model.speak("One.", voice: given, options: options).report.warnings.besideLength.isEmpty)
        try FileManager.default.copyItem(at: own, to: file)
        #expect(try await model.voice(from: file).warnings.map(\.kind) == [.unknownVoice])
        let link = folder.url.appending(path: "link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: copy)
        #expect(try await model.voice(from: link.appending(path: "conds.safetensors")).warnings.isEmpty)
    }

    @Test("a file from upstream's Conditionals.save has the warning") func upstream() throws {
        var sizes = Voice.Sizes.chatterbox
        (sizes.speakerEmbedding, sizes.speaker) = (16, 12)
        let voice = try Voice.load(from: fixturesFolder.appending(path: "conds.pt"), sizes: sizes)
        #expect(voice.origin == nil && voice.warnings.map(\.kind) == [.unknownVoice])
        #expect(voice.warnings[0].description.contains("conds.pt"))
    }
}
