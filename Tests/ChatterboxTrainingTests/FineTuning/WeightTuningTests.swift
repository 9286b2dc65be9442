import Chatterbox
import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

@Suite("Training of a model's own weights") struct WeightTuningTests {
    /// The validation's loss before and after some steps.
    private func losses(_ task: some FineTuningTask, steps: Int, rate: Double) throws -> (Double, Double) {
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: rate, warmUp: 2, steps: steps))
        settings.averaging = nil
        let optimizer = try AdamW(task.parameters, settings), before = try task.validate()[0].value
        for step in 0..<steps {
            let found = try task.gradients([step % 4, 4 + step % 4, 8], seed: UInt64(step), batches: 1, threads: TrainingThreads(1))
            _ = try optimizer.update(found.gradients)
        }
        return (before, try task.validate()[0].value)
    }

    @Test("the losses of T3 and of the flow fall, with Llama and GPT-2, with guidance and with mean flow", arguments: [Variant.chatterbox, .turbo])
    func lossesFall(variant: Variant) throws {
        let data = try TonesToLearn(variant.configuration, as: variant), examples = try data.examples()
        let (t3, t3Weights) = try data.model.trainableT3(WeightSelection())
        let t3Losses = try losses(T3FineTuning(t3, t3Weights, examples, batch: 4, wrongTokens: 0.1, keepsLayers: true), steps: 6, rate: 1e-3)
        #expect(t3Losses.1 < 0.97 * t3Losses.0, "\(t3Losses)")
        let (flow, flowWeights) = try data.model.trainableFlow(WeightSelection())
        let flowLosses = try losses(FlowFineTuning(flow, flowWeights, examples, batch: 4, promptTokens: 10, keepsLayers: true), steps: 10, rate: 1e-3)
        #expect(flowLosses.1 < 0.97 * flowLosses.0, "\(flowLosses)")
        // The original model has not changed.
        #expect(try examples.judge(data.model.t3) == t3Losses.0)
    }

    /// Gradients of a step by the names of the weights; those without one are left out.
    private func gradients(_ task: some FineTuningTask, seed: UInt64 = 1, batches: Int, threads: Int = 1) throws -> LossGradients {
        for tensor in task.parameters.values { try tensor.requiresGradient(true) }
        return try task.gradients([0, 3, 5, 7], seed: seed, batches: batches, threads: TrainingThreads(threads))
    }

    @Test(
        "gradients of all weights are the same if layers are computed twice as if their activations are stored",
        arguments: [Variant.chatterbox, .turbo])
    func checkpointing(variant: Variant) throws {
        let data = try TonesToLearn(variant.configuration, as: variant), examples = try data.examples()
        let layers = data.model.t3.backbone.layerCount
        // Layers before the first trained weight are not computed again.
        for (selection, segments) in [
            (WeightSelection(), layers), (WeightSelection(layers: [1]), layers - 1),
            (WeightSelection(only: ["^speech_head", "^tfmr\\.(norm|ln_f)"]), 0),
        ] {
            func found(keepsLayers: Bool) throws -> LossGradients {
                let (network, weights) = try data.model.trainableT3(selection)
                return try gradients(T3FineTuning(network, weights, examples, batch: 4, keepsLayers: keepsLayers), batches: 1)
            }
            let storing = try found(keepsLayers: true), computing = try found(keepsLayers: false)
            #expect(storing.recomputed == 0 && computing.recomputed == segments)
            let kept = storing.gradients, twice = computing.gradients
            #expect(kept.keys.sorted() == twice.keys.sorted() && !kept.isEmpty)
            if selection == WeightSelection() { #expect(kept["speech_emb.weight"] != nil && kept["text_emb.weight"] != nil) }
            for (name, gradient) in kept { try expectClose(twice[name]!, gradient, relative: 1e-4) }
        }
    }

    @Test(
        "except for rounding, the flow's gradients are the same if blocks are computed twice: guided and mean, joined and not",
        arguments: [Variant.chatterbox, .turbo], [UInt64(0), 3])
    func flowCheckpointing(variant: Variant, seed: UInt64) throws {
        let data = try TonesToLearn(variant.configuration, as: variant), examples = try data.examples()
        let sizes = variant.configuration.tiny.s3Gen.flow, stages = sizes.estimator.middleStageCount + 2
        // A stage's convolutions are one segment, and so are each of its transformer blocks and the embedding of the time.
        let estimator = stages * (1 + sizes.estimator.blocksPerStage) + 1
        // The encoder's output is another segment besides its blocks.
        let encoder = sizes.encoder.layerCount + sizes.encoder.upsampledLayerCount + 1
        for (selection, segments) in [
            (WeightSelection(), estimator + encoder), (WeightSelection(only: ["decoder\\.estimator"]), estimator),
            (WeightSelection(only: ["up_blocks\\.0\\.1"]), sizes.estimator.blocksPerStage),
        ] {
            func found(keepsLayers: Bool) throws -> LossGradients {
                let (network, weights) = try data.model.trainableFlow(selection)
                let task = FlowFineTuning(network, weights, examples, batch: 4, promptTokens: 10, keepsLayers: keepsLayers)
                return try gradients(task, seed: seed, batches: 1)
            }
            let kept = try found(keepsLayers: true), twice = try found(keepsLayers: false)
            #expect(kept.recomputed == 0 && twice.recomputed == segments)
            #expect(kept.gradients.keys.sorted() == twice.gradients.keys.sorted() && !kept.gradients.isEmpty)
            #expect(kept.figures.map(\.value) == twice.figures.map(\.value))
            // The rounding of sums over frames depends on a gradient's memory layout; some, such as that of the keys' bias, are only rounding.
            let largest = try kept.gradients.values.map { try $0.abs().max().item(Double.self) }.max()!
            for (name, gradient) in kept.gradients {
                let difference = try (twice.gradients[name]! - gradient).abs().max().item(Double.self)
                #expect(try difference <= 1e-5 * gradient.abs().max().item(Double.self) + 1e-7 * largest, "\(name): \(difference) of \(largest)")
            }
        }
    }

    @Test("two batches of a step, and parts that threads compute, give the gradients of a single batch", arguments: [Variant.chatterbox, .turbo])
    func division(variant: Variant) throws {
        let data = try TonesToLearn(variant.configuration, as: variant), examples = try data.examples()
        func t3(batches: Int, threads: Int = 1, keepsLayers: Bool = true) throws -> [String: Tensor] {
            let (network, weights) = try data.model.trainableT3(WeightSelection(only: ["tfmr", "speech"]))
            let task = T3FineTuning(network, weights, examples, batch: 4, wrongTokens: 0.2, keepsLayers: keepsLayers)
            return try gradients(task, batches: batches, threads: threads).gradients
        }
        func flow(batches: Int, threads: Int = 1, keepsLayers: Bool = true) throws -> [String: Tensor] {
            let (network, weights) = try data.model.trainableFlow(WeightSelection())
            let task = FlowFineTuning(network, weights, examples, batch: 4, promptTokens: 10, keepsLayers: keepsLayers)
            return try gradients(task, batches: batches, threads: threads).gradients
        }
        let (wholeT3, wholeFlow) = (try t3(batches: 1), try flow(batches: 1))
        for (name, gradients) in try [
            ("t3 in batches", (wholeT3, t3(batches: 2))), ("t3 in parts", (wholeT3, t3(batches: 1, threads: 2))),
            ("t3 in parts with layers computed twice", (wholeT3, t3(batches: 1, threads: 3, keepsLayers: false))),
            ("flow in batches", (wholeFlow, flow(batches: 3))), ("flow in parts", (wholeFlow, flow(batches: 1, threads: 2))),
            ("flow in batches of parts", (wholeFlow, flow(batches: 2, threads: 2))),
            ("flow in batches of parts with layers computed twice", (wholeFlow, flow(batches: 2, threads: 2, keepsLayers: false))),
        ] {
            let largest = try gradients.0.values.map { try $0.abs().max().item(Double.self) }.max()!
            #expect(largest > 0)
            #expect(gradients.0.keys.sorted() == gradients.1.keys.sorted(), "\(name)")
            for (weight, gradient) in gradients.0 {
                let difference = try (gradients.1[weight]! - gradient).abs().max().item(Double.self)
                #expect(difference <= 1e-4 * largest, "\(name) \(weight): \(difference) of \(largest)")
            }
        }
    }

    @Test("only what was chosen changes, bit for bit, and the written model is the trained one") func written() async throws {
        let data = try TonesToLearn()
        let selection = WeightSelection(only: ["self_attn", "speech_head"], except: ["o_proj"])
        let flowSelection = WeightSelection(only: ["decoder\\.estimator"])
        let (training, result) = try await data.tune(to: "tuned", data.weights(selection), flow: data.weights(flowSelection))
        #expect(result.parts.map(\.part) == [.t3, .flow])
        for part in result.parts { #expect(part.after < part.before && part.file == training.output, "\(part)") }
        for (file, isChosen) in [
            ("t3_cfg.safetensors", { (name: String) in (name.contains("self_attn") || name.contains("speech_head")) && !name.contains("o_proj") }),
            ("s3gen.safetensors", { (name: String) in name.hasPrefix("flow.decoder.estimator") }),
        ] {
            let before = try SafetensorsFile(data.modelFolder.appending(path: file)).tensors()
            let after = try SafetensorsFile(training.output.appending(path: file)).tensors()
            #expect(before.keys.sorted() == after.keys.sorted())
            #expect(before.keys.contains(where: isChosen))
            for (name, tensor) in before where tensor.dtype.isFloatingPoint {
                #expect(try tensor.equal(to: after[name]!).to(.float32).min().item(Double.self) == 1 || isChosen(name), "\(name) changed")
            }
            #expect(try before.contains { name, tensor in try isChosen(name) && (after[name]! - tensor).abs().max().item(Double.self) > 0 })
        }
        let model = try Model.load(training.output, compute: ComputeOptions(exact: true))
        #expect(abs(try data.examples().judge(model.t3) - result.parts[0].after) < 1e-5)
        let page = try String(contentsOf: training.report, encoding: .utf8)
        #expect(page.contains("A model of") && page.contains("--model tuned --voice tuned.training/reference.wav"))
        // An existing model is not overwritten.
        await #expect(throws: CheckpointError.self) { try await data.tune(to: "tuned", data.weights(selection)) }
    }

    @Test("an interrupted training continues to the same model, and the latest checkpoints are kept") func resuming() async throws {
        let data = try TonesToLearn(), options = data.weights(WeightSelection(layers: [1]), steps: 9)
        let (whole, _) = try await data.tune(to: "whole", options, checkpoints: CheckpointPlan(interval: 2, kept: 3))
        func states(_ name: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: data.place.url.appending(path: "\(name).training/t3").path).filter {
                $0.hasPrefix("state")
            }.sorted()
        }
        #expect(try states("whole") == ["state-6.safetensors", "state-8.safetensors", "state-9.safetensors"])
        // The features of twelve recordings and five steps.
        let steps = Mutex(0)
        await #expect(throws: CancellationError.self) {
            try await data.tune(
                to: "broken", options, checkpoints: CheckpointPlan(interval: 2, kept: 3),
                isCancelled: {
                    steps.withLock {
                        $0 += 1
                        return $0 > 16
                    }
                })
        }
        // As after a kill between two checkpoints: the interruption's checkpoint is missing.
        #expect(try states("broken") == ["state-2.safetensors", "state-4.safetensors", "state-5.safetensors"])
        try FileManager.default.removeItem(at: data.place.url.appending(path: "broken.training/t3/state-5.safetensors"))
        let (broken, _) = try await data.tune(to: "broken", options, checkpoints: CheckpointPlan(interval: 2, kept: 3))
        #expect(
            try Data(contentsOf: whole.output.appending(path: "t3_cfg.safetensors"))
                == Data(contentsOf: broken.output.appending(path: "t3_cfg.safetensors")))
    }

    @Test("options that cannot be used are refused by name before training starts") func refusals() async throws {
        let data = try TonesToLearn()
        #expect(throws: WeightSelectionError.expression("(")) { try data.model.trainableT3(WeightSelection(only: ["("])) }
        let nothing = try #require(throws: WeightSelectionError.self) { try data.model.trainableT3(WeightSelection(only: ["c_attn"])) }
        #expect(nothing.description.contains("no weight of T3 is chosen; its ") && nothing.description.contains("cond_enc"))
        #expect(throws: AdapterError.noSuchLayers([7], count: 2)) { try data.model.trainableT3(WeightSelection(layers: [7])) }
        let memory = try await #require(throws: TrainingError.self) {
            try await data.tune(to: "large", data.weights(WeightSelection()), machineMemory: 100_000)
        }
        #expect(memory.description.contains("of T3 takes about") && memory.description.contains("this machine has 0.0 GB"))
        let half = try await #require(throws: TrainingError.self) {
            try await data.tune(to: "half", data.weights(WeightSelection()), dtype: .bfloat16)
        }
        #expect(half.description == "training in bfloat16 is for GPUs, and this model is on cpu; train in float32 there")
    }

    @Test("in bfloat16 the weights are trained with a float32 copy", arguments: [Variant.chatterbox, .turbo]) func halfPrecision(variant: Variant)
        throws
    {
        let data = try TonesToLearn(variant.configuration, as: variant), examples = try data.examples()
        let (network, weights) = try data.model.trainableT3(WeightSelection(), dtype: .bfloat16)
        #expect(weights.values.allSatisfy { $0.dtype == .bfloat16 })
        // The loss is that of float32, except for rounding to eight bits.
        #expect(abs(try examples.judge(network) - examples.judge(data.model.t3)) < 0.05)
        for keepsLayers in [true, false] {
            let found = try gradients(T3FineTuning(network, weights, examples, batch: 4, keepsLayers: keepsLayers), batches: 1).gradients
            for tensor in weights.values { try tensor.clearGradient() }
            let (exact, exactWeights) = try data.model.trainableT3(WeightSelection())
            let expected = try gradients(T3FineTuning(exact, exactWeights, examples, batch: 4, keepsLayers: keepsLayers), batches: 1).gradients
            let head = try (found["speech_head.weight"]!.to(.float32) - expected["speech_head.weight"]!).square().sum().item(Double.self)
            #expect(try head < 0.01 * expected["speech_head.weight"]!.square().sum().item(Double.self))
        }
        let found = try losses(T3FineTuning(network, weights, examples, batch: 4, keepsLayers: true), steps: 6, rate: 1e-3)
        #expect(found.1 < 0.97 * found.0, "\(found)")
    }
}

extension FineTuningExamples {
    /// T3's loss of the validation recordings.
    fileprivate func judge(_ network: T3) throws -> Double {
        try T3FineTuning(network, [:], self, batch: 4, keepsLayers: true).validate()[0].value
    }
}

extension TonesToLearn {
    fileprivate func weights(_ selection: WeightSelection, steps: Int = 8) -> FineTuningOptions {
        var options = options(steps: steps, rate: 1e-3)
        options.change = .weights(selection)
        return options
    }

    /// A training of weights as the command starts it.
    fileprivate func tune(
        to name: String, _ t3: FineTuningOptions?, flow: FineTuningOptions? = nil, checkpoints: CheckpointPlan = CheckpointPlan(),
        dtype: DType = .float32, machineMemory: Int? = nil, isCancelled: @escaping @Sendable () -> Bool = { false }
    ) async throws -> (FineTuning, FineTuning.Result) {
        var training = FineTuning(model, output: place.url.appending(path: name), t3: t3, flow: flow)
        (training.sampleInterval, training.checkpoints, training.dtype) = (0, checkpoints, dtype)
        training.machineMemory = machineMemory ?? training.machineMemory
        let list = try RecordingList(recordings)
        return (training, try await training.run(RecordingCheck(model)(list), of: list, isCancelled: isCancelled, print: { _ in }))
    }
}
