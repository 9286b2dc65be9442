import Chatterbox
import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

/// Twelve recordings of tones with their texts, and a small model with random weights.
struct TonesToLearn {
    let place: TemporaryFolder
    let model: Model
    var recordings: URL { place.url.appending(path: "recordings") }
    var modelFolder: URL { place.url.appending(path: "model") }

    init(_ configuration: ModelConfiguration = .chatterbox, as variant: Variant = .chatterbox) throws {
        place = try TemporaryFolder()
        var sizes = configuration.tiny
        sizes.reference.minimumSeconds = 0.5
        let tokenizer = variant.name == "turbo" ? "gpt2" : "tokenizer.json"
        try Model.writeRandom(
            sizes, as: variant, tokenizer: fixturesFolder.appending(path: tokenizer), seed: 1, to: place.url.appending(path: "model"))
        model = try Model.load(place.url.appending(path: "model"), compute: ComputeOptions(exact: true))
        try Self.write(to: place.url.appending(path: "recordings"))
    }

    static func write(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
        for (number, word) in words.enumerated() {
            let tone = StandInModel.buzz(seconds: 0.5 + 0.05 * Double(number), pitch: 100 + 10 * Double(number))
            try AudioFile.write(tone, to: folder.appending(path: "\(word).wav"))
            try Data("Number \(word).".utf8).write(to: folder.appending(path: "\(word).txt"))
        }
    }

    func options(steps: Int = 12, rate: Double = 3e-3) -> FineTuningOptions {
        var options = FineTuningOptions()
        (options.change, options.batch, options.steps, options.interval, options.rate) = (.adapter(AdapterPlan(rank: 4, alpha: 8)), 4, steps, 4, rate)
        (options.warmUp, options.patience) = (2, 100)
        return options
    }

    func examples() throws -> FineTuningExamples {
        let split = try RecordingSplit(RecordingCheck(model)(RecordingList(recordings)), of: recordings)
        let cache = try RecordingFeatureCache(place.url.appending(path: "features"), model)
        return try FineTuningExamples(split, (cache.features(of: split.training), cache.features(of: split.validation)))
    }

    /// A training as the command starts it.
    func train(
        to name: String, _ t3: FineTuningOptions?, flow: FineTuningOptions? = nil, threads: Int = 1, memory: Int = 8_000_000_000,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        print: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> (FineTuning, FineTuning.Result) {
        var training = FineTuning(model, output: place.url.appending(path: "\(name).adapter.safetensors"), t3: t3, flow: flow)
        (training.sampleInterval, training.threads, training.memory) = (0, threads, memory)
        let list = try RecordingList(recordings)
        return (training, try await training.run(RecordingCheck(model)(list), of: list, isCancelled: isCancelled, print: print))
    }
}

@Suite("Training of adapters") struct FineTuningTests {
    private func losses(_ task: some FineTuningTask, steps: Int, rate: Double = 3e-3) throws -> [Double] {
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: rate, warmUp: 2, steps: steps))
        settings.averaging = nil
        let optimizer = try AdamW(task.parameters, settings)
        return try [task.validate()[0].value]
            + (0..<steps).map { step in
                let found = try task.gradients([step % 4, 4 + step % 4, 8], seed: UInt64(step), batches: 1, threads: TrainingThreads(1))
                _ = try optimizer.update(found.gradients)
                return try task.validate()[0].value
            }
    }

    @Test("T3's loss falls, with Llama and with GPT-2", arguments: [Variant.chatterbox, .turbo]) func t3(variant: Variant) throws {
        let data = try TonesToLearn(variant.configuration, as: variant)
        let adapter = try data.model.t3.freshAdapter(AdapterPlan(rank: 4, alpha: 8), seed: 1, digest: "d", model: "m")
        let weights = try data.model.t3.mergedWeights()
        #expect(weights.isEmpty)
        let network = try data.model.t3.adapted(by: [AdapterUse(adapter)])
        let losses = try losses(T3FineTuning(network, adapter.parameters, data.examples(), batch: 4, wrongTokens: 0.1, keepsLayers: true), steps: 10)
        #expect(losses[10] < 0.98 * losses[0], "\(losses)")
    }

    @Test("the flow's loss falls, with guidance and with mean flow", arguments: [Variant.chatterbox, .turbo]) func flow(variant: Variant) throws {
        let data = try TonesToLearn(variant.configuration, as: variant)
        let adapter = try data.model.s3Gen.flow.freshAdapter(AdapterPlan(rank: 4, alpha: 8), seed: 1, digest: "d", model: "m")
        #expect(adapter.part == .flow)
        let network = try data.model.s3Gen.flow.adapted(by: [AdapterUse(adapter)])
        let losses = try losses(
            FlowFineTuning(network, adapter.parameters, data.examples(), batch: 4, promptTokens: 10, keepsLayers: true), steps: 20, rate: 0.01)
        #expect(losses[20] < 0.97 * losses[0], "\(losses)")
    }

    @Test("gradients are the same if layers are computed twice as if their activations are stored", arguments: [Variant.chatterbox, .turbo])
    func checkpointing(variant: Variant) throws {
        let data = try TonesToLearn(variant.configuration, as: variant), examples = try data.examples()
        func gradients(keepsLayers: Bool) throws -> [String: Tensor] {
            let adapter = try data.model.t3.freshAdapter(AdapterPlan(rank: 4, alpha: 8), seed: 1, digest: "d", model: "m")
            // If the matrices B were zero, the gradients of A would be zero too.
            let generator = try Generator(seed: 2)
            let random = try adapter.replacing(
                adapter.parameters.sorted { $0.key < $1.key }.reduce(into: [:]) {
                    $0[$1.key] = try Tensor.randn($1.value.shape, generator: generator) * 0.1
                })
            for tensor in random.parameters.values { try tensor.requiresGradient(true) }
            let network = try data.model.t3.adapted(by: [AdapterUse(random)])
            let task = T3FineTuning(network, random.parameters, examples, batch: 4, keepsLayers: keepsLayers)
            let found = try task.gradients([0, 3, 5], seed: 1, batches: 1, threads: TrainingThreads(1)).gradients
            #expect(found.keys.sorted() == random.parameters.keys.sorted())
            return found
        }
        let kept = try gradients(keepsLayers: true), twice = try gradients(keepsLayers: false)
        for (name, gradient) in kept {
            #expect(try gradient.abs().max().item(Double.self) > 0, "\(name)")
            try expectClose(twice[name]!, gradient, relative: 1e-4)
        }
    }

    @Test("if activations need more memory than given, both networks compute layers twice, also after a restart")
    func littleMemory() async throws {
        let data = try TonesToLearn()
        let said = Mutex<[String]>([])
        func lines(_ part: String) -> Int {
            said.withLock { $0.filter { $0 == "\(part): layers are computed twice instead of being kept, to save memory" }.count }
        }
        func excesses() -> Int { said.withLock { $0.filter { $0.contains("that is still more than 0 MB; a smaller batch") }.count } }
        let (_, much) = try await data.train(
            to: "much", data.options(steps: 4), flow: data.options(steps: 4), print: { line in said.withLock { $0.append(line) } })
        #expect(lines("t3") == 0 && lines("flow") == 0 && excesses() == 0)
        for (run, memory) in [1, 8_000_000_000].enumerated() {
            let (_, little) = try await data.train(
                to: "little", data.options(steps: 4), flow: data.options(steps: 4), memory: memory,
                print: { line in said.withLock { $0.append(line) } })
            #expect(lines("t3") == run + 1 && lines("flow") == run + 1 && excesses() == 2)
            for (one, other) in zip(much.parts, little.parts) { #expect(abs(one.after - other.after) < 1e-3 * one.after) }
        }
    }

    @Test("only the chosen layers and modules have matrices, and an error names missing ones") func plan() throws {
        let model = try TonesToLearn().model
        func layers(_ plan: AdapterPlan) throws -> [String] {
            try model.t3.freshAdapter(plan, seed: 1, digest: "d", model: "m").matrices.keys.sorted()
        }
        #expect(try layers(AdapterPlan()).count == 14)
        #expect(try layers(AdapterPlan(layers: [1], modules: ["feed-forward"])) == ["down", "gate", "up"].map { "tfmr.layers.1.mlp.\($0)_proj" })
        #expect(try layers(AdapterPlan(modules: ["q_proj", "self_attn.v_proj"])).count == 4)
        func refusal(_ plan: AdapterPlan) throws -> String { try #require(throws: AdapterError.self) { try layers(plan) }.description }
        #expect(try refusal(AdapterPlan(modules: ["q_proj", "c_attn"])).contains("no layers are named c_attn; this model has self_attn.q_proj"))
        #expect(try refusal(AdapterPlan(layers: [0, 2])) == "the model has no layer 2; its layers are 0 to 1")
        #expect(try refusal(AdapterPlan(rank: 0)).contains("rank of 0"))
    }

    @Test("the written adapter is the trained one: applied, loaded and merged") func whatIsWritten() async throws {
        let data = try TonesToLearn()
        let said = Mutex<[String]>([])
        let (training, result) = try await data.train(
            to: "ada", data.options(), flow: data.options(), print: { line in said.withLock { $0.append(line) } })
        let lines = said.withLock { $0 }
        #expect(result.parts.map(\.part) == [.t3, .flow])
        for part in result.parts { #expect(part.after < part.before && part.bestStep > 0, "\(part)") }
        #expect(lines.contains { $0.contains("12 recordings") && $0.contains("10 for training, 2 for validation") })
        #expect(lines.contains { $0.hasPrefix("t3: ") && $0.contains("the longest step takes") && $0.contains("GB") })

        let t3 = try Adapter.load(from: training.output), flow = try Adapter.load(from: training.flowOutput)
        #expect(t3.part == .t3 && flow.part == .flow && t3.baseName == "chatterbox")
        let examples = try data.examples()
        func judged(_ model: T3) throws -> Double {
            try T3FineTuning(model, [:], examples, batch: 4, keepsLayers: true).validate()[0].value
        }
        #expect(abs(try judged(data.model.t3.adapted(by: [AdapterUse(t3)], digest: data.model.digest(of: .t3))) - result.parts[0].after) < 1e-4)
        let merged = data.place.url.appending(path: "merged")
        #expect(try Model.merge([AdapterUse(t3), AdapterUse(flow)], into: data.modelFolder, to: merged) == t3.matrices.count + flow.matrices.count)
        let whole = try Model.load(merged, compute: ComputeOptions(exact: true))
        #expect(abs(try judged(whole.t3) - result.parts[0].after) < 1e-4)
        let loaded = try Model.load(data.modelFolder, compute: ComputeOptions(exact: true), adapters: [AdapterUse(flow)])
        let packed = try Model.load(data.modelFolder, adapters: [AdapterUse(flow)])
        let adapted = try data.model.s3Gen.flow.adapted(by: [AdapterUse(flow)], digest: data.model.digest(of: .flow))
        func mel(_ flow: TokenToMel) throws -> Tensor {
            try withoutGradients {
                let voice = try data.model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
                return try flow(tokens: Tensor([5, 17, 400, 3000, 2], shape: [1, 5]), prompt: voice.prompt, generator: Generator(seed: 1))
            }
        }
        let expected = try mel(adapted)
        for flow in [loaded.s3Gen.flow, whole.s3Gen.flow, packed.s3Gen.flow] { try expectClose(mel(flow), expected, relative: 1e-4) }
        #expect(try (mel(data.model.s3Gen.flow) - expected).abs().max().item(Double.self) > 1e-3)

        #expect(throws: AdapterError.otherPart(adapter: "ada.flow.adapter.safetensors", part: .flow)) {
            try data.model.t3.adapted(by: [AdapterUse(flow)])
        }
        #expect(throws: AdapterError.self) { try Model.load(data.modelFolder, adapters: [AdapterUse(t3)]) }
        let page = try String(contentsOf: training.report, encoding: .utf8)
        for part in ["ada.flow.adapter.safetensors", "<svg", "polyline", "Number ", "reference.wav"] { #expect(page.contains(part), "\(part)") }
        #expect(FileManager.default.fileExists(atPath: training.reference.path))
    }

    @Test("the model with the trained adapter gives the same speech as the one that was trained") func speech() async throws {
        let data = try TonesToLearn()
        let (training, _) = try await data.train(to: "ada", data.options(steps: 8))
        let adapter = try Adapter.load(from: training.output)
        let voice = try data.model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(maximumTokens: 12, seed: 1, watermark: false)
        func samples(_ model: Model, _ adapters: [Adapter]) async throws -> [Float] {
            var samples: [Float] = []
            let request = SpeechRequest("Number one.", voice: voice, options: options, adapters: adapters.map { AdapterUse($0) })
            for try await chunk in Synthesizer(model).chunks(for: request) { samples += chunk.audio.samples }
            return samples
        }
        let merged = data.place.url.appending(path: "merged")
        try Model.merge([AdapterUse(adapter)], into: data.modelFolder, to: merged)
        let applied = try await samples(data.model, [adapter])
        let whole = try await samples(Model.load(merged, compute: ComputeOptions(exact: true)), [])
        #expect(applied.count == whole.count && !applied.isEmpty)
        try expectClose(Tensor(applied, shape: [applied.count]), Tensor(whole, shape: [whole.count]), relative: 1e-3)
    }

    @Test("an interrupted training continues to the same files, byte for byte") func resuming() async throws {
        let data = try TonesToLearn()
        let (whole, _) = try await data.train(to: "whole", data.options(), flow: data.options(steps: 8), threads: 2)
        // The first time it is called once for each of the twelve recordings and once for each step: it interrupts after steps 3 and 7 of T3's
        // training and after step 2 of the flow's.
        for stop in [14, 3, 6] {
            let steps = Counter()
            await #expect(throws: CancellationError.self) {
                try await data.train(to: "broken", data.options(), flow: data.options(steps: 8), threads: 2, isCancelled: { steps.next() > stop })
            }
        }
        let (broken, _) = try await data.train(to: "broken", data.options(), flow: data.options(steps: 8), threads: 2)
        for (one, other) in [(whole.output, broken.output), (whole.flowOutput, broken.flowOutput)] {
            #expect(try Data(contentsOf: one) == Data(contentsOf: other), "\(other.lastPathComponent)")
        }
        // Other options belong to another training.
        let error = try await #require(throws: TrainingError.self) { try await data.train(to: "broken", data.options(steps: 16)) }
        #expect(error.description.contains("other options, other recordings or another model"))
    }

    @Test("training stops when validation no longer improves, and the best adapter is kept") func stopping() throws {
        let data = try TonesToLearn()
        let task = Scripted(losses: [5, 4, 3, 3.5, 3.2, 3.1, 1])
        var options = data.options(steps: 100)
        (options.interval, options.patience) = (2, 3)
        var lines: [String] = []
        let trainer = FineTuner(options: options, folder: data.place.url.appending(path: "scripted"), fingerprint: "f") { lines.append($0) }
        let outcome = try trainer.run(task)
        #expect((outcome.steps, outcome.bestStep, outcome.before, outcome.after) == (10, 4, 5, 3))
        #expect(outcome.stoppedEarly)
        // B grows with every step: the stored matrices are the best.
        let values = try outcome.best["b"]!.array(of: Float.self)
        #expect(values == task.seen[2])
        #expect(values != task.seen[5])
    }

    private final class Counter: Sendable {
        private let value = Atomic(0)
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }

    /// A task whose validations return given losses.
    private final class Scripted: FineTuningTask {
        let part = Adapter.Part.t3
        let parameters = ["b": try! Tensor.zeros([2, 1])]
        let lengths = [1, 1, 1, 1]
        let trialSeed: UInt64 = 0, keepsLayers = true
        private var losses: [Double]
        private(set) var seen: [[Float]] = []

        init(losses: [Double]) { self.losses = losses }

        func gradients(_ step: [Int], seed: UInt64, batches: Int, threads: TrainingThreads) throws -> LossGradients {
            try LossGradients(parameters["b"]!.sum() * -1, by: parameters)
        }

        func validate() throws -> [TrainingMetric] {
            seen.append(try parameters["b"]!.detached().array(of: Float.self))
            return [TrainingMetric("loss", losses.removeFirst())]
        }
    }
}
