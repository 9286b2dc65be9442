import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Simultaneous requests", .standInModel) struct SpeechEngineTests {
    /// A request, and the number of steps after which it begins.
    private struct Guest: Sendable {
        let request: SpeechRequest
        let joins: Int
        /// The number of its own steps after which it is cancelled; nil if it is not.
        var leaves: Int?
    }

    @Test("a model that is forgotten between requests is released with its last owner, and steps are counted by their requests") func forgotten()
        async throws
    {
        let engine = SpeechEngine()
        var synthesizer: Synthesizer? = Synthesizer(try Model.load(StandInModel.folder), engine: engine)
        weak let identity = synthesizer!.model.identity
        let options = SpeechOptions(maximumTokens: 5, seed: 1, watermark: false, splitting: .none)
        let voice = try synthesizer!.model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: 100))
        let first = try await synthesizer!.speak("One.", voice: voice, options: options).audio
        await engine.forget(synthesizer!.model)
        // The next request creates again what was forgotten.
        #expect(try await synthesizer!.speak("One.", voice: voice, options: options).audio == first)
        #expect(engine.stepCounts[1, default: 0] >= 2 && engine.stepCounts[2] == nil)
        #expect(identity != nil)
        await engine.forget(synthesizer!.model)
        synthesizer = nil
        #expect(identity == nil)
    }

    @Test("requests with a shared flow have the same sound as separate ones, alone and beside others") func sharedFlow() async throws {
        var model = try Model.load(StandInModel.folder)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: 100))
        let options = (1...4).map { SpeechOptions(maximumTokens: 8, seed: UInt64($0), watermark: false, splitting: .none) }
        func speak(_ synthesizer: Synthesizer, _ options: SpeechOptions) async throws -> [Float] {
            try await synthesizer.speak("One two.", voice: voice, options: options).audio.samples
        }
        var own: [[Float]] = [], alone: [[Float]] = []
        let plain = Synthesizer(model)
        for options in options { own.append(try await speak(plain, options)) }
        model.sharesFlow = true
        let synthesizer = Synthesizer(model)
        for options in options { alone.append(try await speak(synthesizer, options)) }
        let together = try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
            for (number, options) in options.enumerated() { group.addTask { (number, try await speak(synthesizer, options)) } }
            return try await group.reduce(into: [Int: [Float]]()) { $0[$1.0] = $1.1 }
        }
        for number in options.indices {
            #expect(alone[number].count == own[number].count && together[number]?.count == own[number].count)
            try expectClose(Tensor(alone[number]), Tensor(own[number]), relative: 1e-2)
            try expectClose(Tensor(together[number]!), Tensor(alone[number]), relative: 1e-2)
        }
    }

    private static let texts = ["One two.", "Three four five six.", "Seven.", "Eight nine ten. Eleven.", "Twelve and thirteen."]

    /// Requests of different texts, voices, guidance, seeds and lengths.
    private func guests(_ count: Int, _ model: Model, seed: UInt64) throws -> [Guest] {
        var random = SeededRandom(seed: seed)
        let voices = try [100.0, 160, 220].map { try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: $0)) }
        return (0..<count).map { number in
            let sampling = SamplingChanges(
                temperature: [nil, 0, 0.5].randomElement(using: &random)!, guidance: [nil, 0, 0.7].randomElement(using: &random)!)
            let options = SpeechOptions(
                sampling: sampling, exaggeration: [nil, 0.9].randomElement(using: &random)!, steps: Int.random(in: 1...3, using: &random),
                maximumTokens: Int.random(in: 3...20, using: &random), seed: UInt64(number), watermark: false,
                splitting: Bool.random(using: &random) ? .sentences : .none)
            let request = SpeechRequest(
                Self.texts.randomElement(using: &random)!, voice: voices.randomElement(using: &random)!, options: options,
                priority: Int.random(in: 0..<4, using: &random) == 0 ? .batch : .interactive)
            let leaves = number % 4 == 3 ? Int.random(in: 1...6, using: &random) : nil
            return Guest(request: request, joins: Int.random(in: 0...6 * number, using: &random), leaves: leaves)
        }
    }

    private func speak(_ request: SpeechRequest, _ synthesizer: Synthesizer, onStep: @escaping @Sendable () -> Void = {}) async throws -> Audio {
        try await synthesizer.speak(request.text, voice: request.voice, options: request.options) { _ in onStep() }.audio
    }

    /// The sound of each request among the others; nil for cancelled ones.
    private func meet(_ guests: [Guest], _ synthesizer: Synthesizer) async throws -> [Audio?] {
        let steps = Counter(), here = Counter()
        return try await withThrowingTaskGroup(of: (Int, Audio?).self) { group in
            for (number, guest) in guests.enumerated() {
                group.addTask {
                    // A request that waits for steps of others begins at once if all of them have ended.
                    while steps.count < guest.joins, here.count > 0 || number > 0 && steps.count == 0 { await Task.yield() }
                    here.add(1)
                    defer { here.add(-1) }
                    let own = Counter()
                    let task = Task {
                        try await speak(guest.request, synthesizer) {
                            steps.add(1)
                            own.add(1)
                        }
                    }
                    if let leaves = guest.leaves {
                        while own.count < leaves { await Task.yield() }
                        task.cancel()
                        _ = try? await task.value
                        return (number, nil)
                    }
                    return (number, try await task.value)
                }
            }
            var results = [Audio?](repeating: nil, count: guests.count)
            for try await (number, audio) in group { results[number] = audio }
            return results
        }
    }

    @Test(
        "a request gives the same samples alone and beside others that begin and end",
        arguments: [
            (2, Quantization.none, 1), (3, .none, 2), (7, .none, 2), (7, .int8, 2), (7, .int4, 1), (16, .none, 2), (16, .int8, 1),
        ])
    func company(count: Int, quantization: Quantization, threads: Int) async throws {
        let model = try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: quantization, threads: threads))
        let guests = try guests(count, model, seed: UInt64(count))
        let apart = Synthesizer(model), together = Synthesizer(model)
        var alone: [Audio] = []
        for guest in guests { alone.append(try await speak(guest.request, apart)) }
        for (number, audio) in try await meet(guests, together).enumerated() {
            if let audio { #expect(audio == alone[number], "request \(number)") }
        }
    }

    @Test("samples do not depend on the number of threads") func threads() async throws {
        let samples = try await [1, 2, 3].asyncMap { threads in
            let model = try Model.load(StandInModel.folder, compute: ComputeOptions(threads: threads))
            let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
            return try await Synthesizer(model).speak(
                "One two.", voice: voice, options: SpeechOptions(steps: 2, maximumTokens: 20, seed: 3, watermark: false)
            ).audio.samples
        }
        #expect(samples[0] == samples[1] && samples[1] == samples[2])
    }

    @Test("an error in one request does not affect others") func errors() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(steps: 2, maximumTokens: 20, seed: 3, watermark: false)
        let good = SpeechRequest("One two.", voice: voice, options: options)
        var broken = good
        // Its tokens are drawn like the others', and then the flow refuses the prompt.
        broken.voice = Voice(
            speakerEmbedding: voice.speakerEmbedding, conditioningTokens: voice.conditioningTokens,
            prompt: SpeechPrompt(
                tokens: voice.prompt.tokens, mel: try voice.prompt.mel.narrow(axis: 1, from: 0, count: 3), speaker: voice.prompt.speaker))
        let alone = try await speak(good, synthesizer)
        let requests = [good, broken, good, broken, good]
        let results = await withTaskGroup(of: (Int, Result<Audio, any Error>).self) { group in
            for (number, request) in requests.enumerated() {
                group.addTask {
                    do { return (number, .success(try await speak(request, synthesizer))) } catch { return (number, .failure(error)) }
                }
            }
            return await group.reduce(into: [Int: Result<Audio, any Error>]()) { $0[$1.0] = $1.1 }
        }
        for number in [0, 2, 4] { #expect(try results[number]?.get() == alone) }
        for number in [1, 3] { #expect(throws: FlowError.self) { try results[number]?.get() } }
    }

    @Test("a consumer that stops reading delays only itself, and can continue") func slowConsumer() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(steps: 1, maximumTokens: 20, seed: 3, watermark: false, splitting: .sentences)
        let long = (1...40).map { "Sentence number \($0) of many. [pause:1s]" }.joined(separator: " ")
        let slow = synthesizer.events(for: SpeechRequest(long, voice: voice, options: options)).makeAsyncIterator()
        var seconds = 0.0
        while seconds == 0, let event = try await slow.next() { seconds += event.seconds }
        for _ in 0..<3 { _ = try await synthesizer.speak("One two.", voice: voice, options: options) }
        while let event = try await slow.next() { seconds += event.seconds }
        let whole = try await synthesizer.speak(long, voice: voice, options: options)
        #expect(abs(seconds - whole.audio.duration) < 1e-6)
    }

    @Test("changing or inserting a sentence does not change another sentence's sound") func otherSentences() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(steps: 1, maximumTokens: 20, seed: 3, watermark: false, splitting: .sentences)
        func sentences(_ texts: [String]) async throws -> [String: [[Float]]] {
            var found: [String: [[Float]]] = [:]
            // Long enough to be separate pieces.
            let text = texts.map { String(repeating: "\($0) ", count: 30) + "end." }.joined(separator: "\n\n")
            for try await chunk in synthesizer.chunks(text, voice: voice, options: options) {
                found[String(chunk.text.prefix(3)), default: []].append(chunk.audio.samples)
            }
            return found
        }
        let first = try await sentences(["one", "two", "six", "ten"])
        let changed = try await sentences(["one", "two", "new", "six", "ten"])
        let again = try await sentences(["one", "six", "ten", "six"])
        #expect(first.count == 4 && first["six"] != nil)
        for name in ["one", "two", "six"] { #expect(first[name] == changed[name], "\(name)") }
        #expect(changed["new"] != nil)
        #expect(again["six"]?.count == 2 && again["six"]?[0] == first["six"]?[0] && again["six"]?[0] != again["six"]?[1])
    }

    @Test("a voice's keys and values are computed once for all its requests") func storedRows() throws {
        let model = try Model.load(StandInModel.folder)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let engine = try #require(model.makeSharedDecodeEngine() as? PackedDecodeEngine)
        let conditioning = try T3Conditioning(voice)
        try withoutGradients {
            func decoder() throws -> T3Decoder {
                try T3Decoder(
                    engine: engine, text: model.configuration.t3.framed([3, 4, 5]), conditioning: conditioning, budget: 4,
                    generator: Generator(seed: 1))
            }
            let first = try decoder(), prefix = try #require(try engine.prefix(of: conditioning))
            while try first.next() != nil {}
            #expect(prefix.isComplete)
            let second = try decoder()
            // Only the text's own rows remain to be computed.
            try T3Decoder.advance([second])
            #expect(second.isReady)
            while try second.next() != nil {}
            #expect(second.tokens == first.tokens)
        }
    }

    @Test("a cancelled request frees its room for a waiting one") func cancelledPlace() async throws {
        let model = try Model.load(StandInModel.folder), synthesizer = Synthesizer(model)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(steps: 1, maximumTokens: 20, seed: 3, watermark: false)
        // Of simultaneous requests only as many as there are slots are decoded at a time; all get their turn.
        let count = 3 * model.slotLimit
        let spoken = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<count {
                group.addTask {
                    let task = Task { try await synthesizer.speak("One two.", voice: voice, options: options) }
                    if number % 2 == 1 { task.cancel() }
                    return (try? await task.value) == nil ? 0 : 1
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(spoken >= count / 2)
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock(\.self) }

    func add(_ difference: Int) { value.withLock { $0 += difference } }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
