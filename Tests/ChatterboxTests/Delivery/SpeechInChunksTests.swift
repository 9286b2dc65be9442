import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Speech in chunks", .standInModel) struct SpeechInChunksTests {
    private static let text = "One two three four five six seven. Eight nine ten. [pause:0.2s] Ten."

    private func request(
        _ model: Model, _ delivery: SpeechOptions.Delivery = .chunks, tokens: Int = 60, seed: UInt64 = 5, text: String = Self.text,
        _ splitting: SpeechOptions.Splitting = .sentences, pitch: Double = 120, sampling: SamplingChanges = .none
    ) throws -> SpeechRequest {
        var options = SpeechOptions(
            sampling: sampling, steps: 2, maximumTokens: tokens, seed: seed, watermark: false, splitting: splitting, delivery: delivery)
        options.chunkSizes = .init([9, 7, 13], context: 10)
        options.drawsOnlySound = true
        return SpeechRequest(text, voice: try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: pitch)), options: options)
    }

    private struct Spoken {
        var samples: [Float] = [], chunks: [SpeechChunk] = [], warnings: [SpeechWarning] = [], report = SpeechReport()
        var tokens: [[Int]] = []
    }

    private func speak(_ request: SpeechRequest, _ synthesizer: Synthesizer, onChunk: (Int) async -> Void = { _ in }) async throws -> Spoken {
        var spoken = Spoken()
        let tokens = Mutex<[[Int]]>([])
        let events = synthesizer.events(for: request, onProgress: { _ in }) { name, value in
            if name == "speech_tokens", let ids = try? value.array(of: Int.self) { tokens.withLock { $0.append(ids) } }
        }
        for try await event in events {
            switch event {
            case .audio(let chunk):
                spoken.samples += chunk.audio.samples
                spoken.chunks.append(chunk)
                await onChunk(spoken.chunks.count)
            case .warning(let warning): spoken.warnings.append(warning)
            case .finished(let report): spoken.report = report
            case .started, .progress: break
            }
        }
        spoken.tokens = tokens.withLock(\.self)
        return spoken
    }

    @Test("the tokens are those of whole utterances, and sound is delivered before all are drawn", arguments: [false, true])
    func tokens(isExact: Bool) async throws {
        let model = try Model.load(StandInModel.folder, compute: ComputeOptions(exact: isExact)), synthesizer = Synthesizer(model)
        #expect(model.speaksInChunks())
        let whole = try await speak(request(model, .utterances), synthesizer), chunked = try await speak(request(model), synthesizer)
        #expect(whole.tokens == chunked.tokens && !whole.tokens.isEmpty)
        #expect(whole.report.speechTokens == chunked.report.speechTokens && whole.report.end == chunked.report.end)
        #expect(chunked.chunks.count > whole.chunks.count)
        let counts = chunked.chunks.map(\.report.speechTokens)
        #expect(counts == counts.sorted() && counts[0] < whole.chunks[0].report.speechTokens)
        #expect(chunked.chunks.map(\.text).filter { !$0.isEmpty } == whole.chunks.map(\.text))
        #expect(abs(chunked.report.audioSeconds - whole.report.audioSeconds) < 0.2, "but for the silence that is cut")
    }

    @Test("undivided text has as many samples in chunks as whole, and no silence is cut") func oneBreath() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        for tokens in [1, 11, 12, 13, 30] {
            #expect(try await speak(request(model, tokens: tokens, .none), synthesizer).samples.count == tokens * 960, "\(tokens) tokens")
        }
    }

    @Test(
        "a request gives the same samples alone and beside others, however it is read",
        arguments: [
            (Quantization.none, 1), (.none, 2), (.int8, 1), (.int8, 2),
        ])
    func company(quantization: Quantization, threads: Int) async throws {
        let model = try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: quantization, threads: threads))
        let apart = Synthesizer(model), together = Synthesizer(model)
        let requests = try (0..<4).map { number in
            try request(model, number == 1 ? .utterances : .chunks, tokens: 15 + 9 * number, seed: UInt64(number), pitch: 100 + 30 * Double(number))
        }
        var alone: [[Float]] = []
        for request in requests { alone.append(try await speak(request, apart).samples) }
        try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
            for (number, request) in requests.enumerated() {
                group.addTask {
                    // Some read slowly.
                    (number, try await speak(request, together) { _ in for _ in 0..<1000 * number { await Task.yield() } }.samples)
                }
            }
            for try await (number, samples) in group { #expect(samples == alone[number], "request \(number)") }
        }
        let other = try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: quantization, threads: 3 - threads))
        #expect(try await speak(requests[2], Synthesizer(other)).samples == alone[2], "another number of threads")
    }

    @Test("speech that repeats itself is cut at the same place as whole speech, keeps what was delivered, and causes a warning") func loop()
        async throws
    {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        let sampling = SamplingChanges(temperature: 0, repetitionPenalty: 1)
        let text = String(repeating: "word ", count: 30) + "end."
        let whole = try await speak(request(model, .utterances, tokens: 200, text: text, sampling: sampling), synthesizer)
        let chunked = try await speak(request(model, tokens: 200, text: text, sampling: sampling), synthesizer)
        #expect(whole.report.end == .loop && chunked.report.end == .loop)
        #expect(chunked.tokens == whole.tokens)
        #expect(chunked.report.audioSeconds > 0.04 * Double(whole.tokens[0].count) - 0.2)
        for spoken in [whole, chunked] {
            #expect(spoken.warnings == [.loop(in: text)] && spoken.report.warnings == spoken.warnings)
        }
    }

    @Test("a model with a slow flow delivers whole utterances with the same samples") func slowFlow() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let steps = try #require((1...1000).first { !model.configuration.s3Gen.flow.isFastInChunks(steps: $0) })
        func audio(_ delivery: SpeechOptions.Delivery) async throws -> Audio {
            let options = SpeechOptions(steps: steps, maximumTokens: 1, seed: 1, delivery: delivery)
            return try await synthesizer.speak("One.", voice: voice, options: options).audio
        }
        #expect(try await audio(.chunks) == audio(.utterances))
    }

    @Test("words come with an utterance's last chunk, with the times of whole speech") func words() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        func speech(_ delivery: SpeechOptions.Delivery) async throws -> [SpeechChunk] {
            var options = SpeechOptions(
                steps: 1, maximumTokens: 40, seed: 2, watermark: false, splitting: .none, wordTimes: true, delivery: delivery)
            options.drawsOnlySound = true
            options.chunkSizes = .init([20, 7, 13], context: 10)
            let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
            return try await synthesizer.chunks("One two three.", voice: voice, options: options).reduce(into: []) { $0.append($1) }
        }
        let whole = try await speech(.utterances), chunks = try await speech(.chunks)
        #expect(whole[0].words.map(\.text) == ["One", "two", "three."])
        #expect(chunks.count > 1 && chunks.dropLast().allSatisfy(\.words.isEmpty) && chunks.last?.words == whole[0].words)
    }

    @Test("leaving the loop ends the work, and the next request runs") func leaving() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        for try await event in synthesizer.events(for: try request(model, tokens: 400)) { if case .audio = event { break } }
        #expect(try await !speak(request(model), synthesizer).samples.isEmpty)
    }
}
