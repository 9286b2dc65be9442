import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Watermarked speech") struct WatermarkedSpeechTests {
    let folder: TemporaryFolder
    let voice: Voice

    init() throws {
        folder = try TemporaryFolder()
        try Model.writeRandom(.tiny, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 1, to: folder.url)
        let generator = try Generator(seed: 5)
        voice = Voice(
            speakerEmbedding: try .randn([1, 256], generator: generator), conditioningTokens: try Tensor([7, 0, 6560], shape: [1, 3]),
            prompt: SpeechPrompt(
                tokens: try Tensor([1, 2, 3, 4], shape: [1, 4]), mel: try .randn([1, 8, 80], generator: generator),
                speaker: try .randn([1, 192], generator: generator)))
    }

    /// Two pieces: more than fits into one.
    private let text = String(repeating: "one and the other ", count: 12) + "end. " + String(repeating: "two and more ", count: 12) + "end."

    private func options(watermark: Bool = true) throws -> SpeechOptions {
        SpeechOptions(maximumTokens: 12, seed: 3, watermark: watermark, splitting: .sentences)
    }

    /// A watermarking network with the released one's sizes and a strong effect.
    private func weights() throws -> URL {
        let weights = Weights(initialising: try Generator(seed: 2))
        _ = try Watermarker(weights)
        let file = folder.url.appending(path: WatermarkFile.name)
        try SafetensorsWriter.write(weights.parameters, to: file)
        return file
    }

    @Test("without the weights speech has no watermark, does not claim one, and causes a warning") func missingWeights() async throws {
        let synthesizer = try await Synthesizer.load(folder.url, watermark: folder.url.appending(path: "absent.safetensors"))
        let speech = try await synthesizer.speak("One. Two.", voice: voice, options: options())
        #expect(!speech.report.isWatermarked)
        #expect(speech.audio.frames > 0)
        #expect(speech.report.warnings.besideLength.map(\.kind) == [.noWatermark])
        let unmarked = try await synthesizer.speak("One. Two.", voice: voice, options: options(watermark: false))
        #expect(unmarked.report.warnings.besideLength.isEmpty)
    }

    @Test("speech equals unmarked speech with the watermark added, in pieces or as a whole, and says so") func marked() async throws {
        _ = try weights()
        let synthesizer = try await Synthesizer.load(folder.url)
        let plain = try await synthesizer.speak(text, voice: voice, options: options(watermark: false))
        #expect(!plain.report.isWatermarked)
        let marked = try await synthesizer.speak(text, voice: voice, options: options())
        #expect(marked.report.isWatermarked)
        let watermarker = try #require(synthesizer.model.watermarker)
        let expected = try watermarker.markedAtOnce(plain.audio)
        // The pause between the pieces is digital silence, and is not changed.
        let sounds = try plain.audio.tensor().notEqual(to: 0).to(.float32)
        try expectClose(marked.audio.tensor() * sounds, expected.tensor() * sounds, relative: 1e-3)
        #expect(marked.audio.samples.count { $0 == 0 } >= Int(0.3 * 24_000))
        #expect(marked.audio != plain.audio)

        var pieces: [SpeechChunk] = []
        for try await piece in synthesizer.chunks(text, voice: voice, options: try options()) { pieces.append(piece) }
        #expect(pieces.count == 2)
        #expect(pieces.flatMap { $0.audio.samples } == marked.audio.samples)
        #expect(!pieces.contains { !$0.report.isWatermarked })
    }

    @Test("a trace contains the waveform before the watermark") func trace() async throws {
        _ = try weights()
        let synthesizer = try await Synthesizer.load(folder.url)
        let options = SpeechOptions(maximumTokens: 12, seed: 3)
        let (speech, trace) = try await synthesizer.trace("One.", voice: voice, options: options)
        let expected = try #require(synthesizer.model.watermarker).markedAtOnce(Audio(trace["wav"]!, sampleRate: 24_000))
        try expectClose(speech.audio.tensor(), expected.tensor(), relative: 1e-3)
    }

    @Test("the watermark's delay causes no empty chunk, and silence is not a first sound") func heldBack() async throws {
        _ = try weights()
        let synthesizer = try await Synthesizer.load(folder.url)
        var chunks: [SpeechChunk] = []
        for try await chunk in synthesizer.chunks("[pause:0.1s] [pause:0.5s] One. [pause:0.1s] Two.", voice: voice, options: try options()) {
            chunks.append(chunk)
        }
        #expect(chunks.allSatisfy { !$0.audio.samples.isEmpty })
        #expect(chunks[0].report.firstAudioSeconds == 0)
        let report = try #require(chunks.last).report
        #expect(report.firstAudioSeconds > 0 && report.isWatermarked)
        #expect(chunks.map(\.text).joined(separator: " ").split(separator: " ") == ["One.", "Two."])
    }

    @Test("damaged weights cause an error, not speech without a watermark") func damaged() async throws {
        let file = try weights()
        try Data(contentsOf: file).prefix(1000).write(to: file)
        await #expect(throws: SafetensorsError.self) { try await Synthesizer.load(folder.url) }
    }
}
