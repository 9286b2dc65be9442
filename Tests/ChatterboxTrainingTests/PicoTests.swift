import Chatterbox
import ChatterboxTraining
import Foundation
import Pico
import SpeechAudio
import Testing
import Torch

/// The model that comes with the package: it is complete and small, and its voices differ.
@Suite("Pico", .serialized) struct PicoTests {
    private let folder: URL
    private let chatterbox: Synthesizer

    init() async throws {
        folder = try #require(Pico.folder)
        chatterbox = try await Synthesizer.load(folder)
    }

    @Test("the weights of all its networks need at most 24 MB")
    func size() throws {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.fileSizeKey])
        let weights = files.filter { $0.pathExtension == "safetensors" }
        #expect(weights.map(\.lastPathComponent).sorted() == ["conds.safetensors", "s3gen.safetensors", "t3_pico.safetensors", "ve.safetensors"])
        #expect(try weights.reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) } <= 24_000_000)
        #expect(chatterbox.model.variant.name == "pico")
    }

    @Test("its voices contain the digests of its networks, and no recording")
    func origins() throws {
        let origin = try chatterbox.model.voiceAnalyzer.origin()
        let files = [folder.appending(path: "conds.safetensors")] + VoiceLibrary(ofModel: folder).entries().map(\.file)
        #expect(files.count == 3)
        for file in files {
            let summary = try VoiceSummary(of: file)
            #expect(summary.origin == origin && summary.origin?.model == "Pico", "\(file.lastPathComponent)")
            #expect(summary.keptSeconds == nil)
        }
    }

    @Test("speech ends by itself, and the same seed gives the same sound")
    func ends() async throws {
        for text in ["The ship was late, and nobody on the quay knew why.", "She opened the window and looked at the garden."] {
            let options = SpeechOptions(seed: 1, watermark: false)
            let speech = try await chatterbox.speak(text, options: options)
            #expect(speech.report.end == .stop)
            #expect((1.5...5).contains(speech.audio.duration), "\(speech.audio.duration) s")
            #expect(try await chatterbox.speak(text, options: options).audio.samples == speech.audio.samples)
        }
    }

    /// A shorter form of `scripts/measure-speech`, with Pico instead of a recogniser: its tokenizer computes tokens from the
    /// sound, and its T3 finds which of some sentences most likely has these tokens.
    @Test("its speech can be distinguished from other sentences")
    func identification() async throws {
        let sentences = [
            "The ship was late, and nobody on the quay knew why.", "She opened the window and looked at the garden.",
            "He asked her twenty questions about the old house.", "They will meet again on the first Monday of May.",
            "My brother has never seen so much snow before.", "There is a letter for you on the kitchen table.",
        ]
        let model = chatterbox.model, voice = try #require(model.builtInVoice)
        let texts = sentences.map { model.configuration.t3.framed(model.tokenizer.encode(model.variant.normalizer($0), language: .english).tokens) }
        let conditioning = try T3Conditioning(voice)
        var found: [Int] = []
        for sentence in sentences {
            let speech = try await chatterbox.speak(sentence, options: SpeechOptions(seed: 3, watermark: false))
            let losses = try withoutGradients {
                let tokens = try model.s3Gen.tokenizer.tokens(of: speech.audio).array(of: Int.self)
                return try texts.map { try model.t3.loss(text: [$0], speech: [tokens], conditioning: conditioning).speech.item(Double.self) }
            }
            found.append(losses.indices.min { losses[$0] < losses[$1] }!)
        }
        // Other processors round differently, so that the speech differs: one sentence may be wrong.
        #expect(zip(found, sentences.indices).filter { $0 == $1 }.count >= 5, "\(found)")
    }

    @Test("its two voices differ by its own voice encoder and by their pitch")
    func voices() async throws {
        let library = VoiceLibrary(ofModel: folder)
        #expect(library.entries().map(\.name) == ["rms", "slt"])
        let voices = [
            try await chatterbox.voice(from: library.entry(named: "rms").file), try await chatterbox.voice(from: library.entry(named: "slt").file),
        ]
        var pitches: [Double] = []
        for (own, other) in [(0, 1), (1, 0)] {
            let speech = try await chatterbox.speak(
                "He asked her twenty questions about the old house.", voice: voices[own], options: SpeechOptions(seed: 2, watermark: false))
            let embedding = try await chatterbox.voice(from: speech.audio).speakerEmbedding
            func likeness(_ voice: Voice) throws -> Double { try (embedding * voice.speakerEmbedding).sum().item() }
            #expect(try likeness(voices[own]) > likeness(voices[other]))
            let pitch = try PitchTracker()(speech.audio.tensor().reshaped([1, -1])).array(of: Double.self).filter { $0 > 0 }.sorted()
            pitches.append(pitch[pitch.count / 2])
        }
        #expect(pitches[1] > 1.3 * pitches[0], "\(pitches) Hz")
    }
}
