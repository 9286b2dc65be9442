import Chatterbox
import Foundation
import Torch

/// How an adapter is trained.
public struct AdapterTrainingOptions: Sendable, Codable, Hashable {
    public var plan = AdapterPlan()
    /// Recordings of a batch.
    public var batch = 4
    /// Batches of a step.
    public var accumulation = 1
    /// Steps at most.
    public var steps = 1000
    /// The highest learning rate: it rises to there over ``warmUp`` steps and falls to a fiftieth of it.
    public var rate = 3e-4
    public var warmUp = 20
    /// Steps between validations.
    public var interval = 50
    /// Validations without a lower loss, after which training stops.
    public var patience = 4
    /// Of the matrices, the order and all that is drawn.
    public var seed: UInt64 = 1

    public init() {}

    /// The first option that cannot be, as "batch is 0; it is at least 1"; nil where all can.
    public var problem: String? {
        let counts = [
            ("batch", batch), ("accumulation", accumulation), ("steps", steps), ("interval", interval), ("patience", patience),
        ]
        for (name, count) in counts where count < 1 { return "\(name) is \(count); it is at least 1" }
        if warmUp < 0 { return "warmUp is \(warmUp); it is at least 0" }
        if !(rate > 0 && rate < 1) { return "rate is \(rate); it is above 0 and below 1" }
        if !(plan.alpha.isFinite && plan.alpha > 0) { return "alpha is \(plan.alpha); it is above 0" }
        return nil
    }

    /// Options that suit so many recordings: fifteen times through all of them, validated once in each.
    public mutating func fit(recordings: Int) {
        let epoch = max(1, recordings / (batch * accumulation))
        interval = min(200, max(10, epoch))
        steps = min(4000, max(150, 15 * epoch))
    }
}

/// The loop that trains an adapter: steps, validations, checkpoints; it stops when validation no longer improves and keeps what was best.
///
/// Started again with the same folder it goes on where the last checkpoint stands, to the same adapter bit for bit as if it had never
/// stopped: what a step draws follows from its number.
struct AdapterTrainer {
    let options: AdapterTrainingOptions
    /// Where `state.safetensors` and `losses.csv` go.
    let folder: URL
    /// Tells these options, recordings and base from others.
    let fingerprint: String
    var checkpointSeconds = 60.0
    var lineSeconds = 10.0
    let print: (String) -> Void

    /// What came of it.
    struct Outcome {
        let adapter: Adapter
        /// Steps that were done, and the one whose adapter this is.
        let steps, bestStep: Int
        /// The validation's loss without the adapter, and with it.
        let before, after: Double
        let stoppedEarly: Bool
    }

    /// - Parameters:
    ///   - isCancelled: asked after each step; training then writes a checkpoint and throws.
    ///   - onValidation: called after each validation with the steps done; the second value says whether it was the best so far.
    /// - Throws: ``TrainingError``, `TorchError`, `CancellationError`.
    func run(
        _ task: some AdapterTask, isCancelled: () -> Bool = { false }, onValidation: (Int, Bool) throws -> Void = { _, _ in }
    ) throws -> Outcome {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: options.rate, warmUp: options.warmUp, steps: options.steps))
        (settings.weightDecay, settings.averaging) = (0, nil)
        let optimizer = try AdamW(task.adapter.parameters, settings)
        var state = State()
        let checkpoint = folder.appending(path: "state.safetensors")
        if FileManager.default.fileExists(atPath: checkpoint.path) { state = try restore(checkpoint, optimizer) }
        let log = try TrainingLog(folder.appending(path: "losses.csv"), from: state.step, steps: options.steps, print: print)
        if state.step > 0 { print("going on after step \(state.step)") }
        var order = ExampleOrder(lengths: task.lengths, batchCount: options.batch, seed: options.seed)

        let clock = ContinuousClock()
        var saved = clock.now
        while true {
            if state.isValidated != state.step, state.step % options.interval == 0 || state.step == options.steps {
                let figures = try task.validate()
                try log.validation(step: state.step, figures)
                guard figures[0].value.isFinite else { throw TrainingError.diverged(step: state.step, group: task.adapter.part.rawValue, what: "validation") }
                let isBest = state.take(figures[0].value, try optimizer.parameters.mapValues { try $0.detached().clone() })
                try save(state, optimizer, to: checkpoint)
                saved = clock.now
                try onValidation(state.step, isBest)
            }
            if state.step >= options.steps || state.worse >= options.patience { break }
            try optimizer.clearGradients()
            var metrics: [TrainingMetric] = []
            for part in 0..<options.accumulation {
                let number = state.step * options.accumulation + part
                metrics += try task.addGradients(order.batch(at: number), seed: Self.seed(options.seed, number), weight: 1 / Double(options.accumulation))
            }
            guard try optimizer.update().isFinite else {
                throw TrainingError.diverged(step: state.step, group: task.adapter.part.rawValue, what: "gradient")
            }
            state.step += 1
            log.add(metrics)
            if log.secondsSinceLine >= lineSeconds || state.step == options.steps { try log.line(step: state.step) }
            let stops = isCancelled()
            if (clock.now - saved) / .seconds(1) >= checkpointSeconds || stops {
                try save(state, optimizer, to: checkpoint)
                saved = clock.now
                if stops { throw CancellationError() }
            }
        }
        return Outcome(
            adapter: task.adapter.replacing(state.best), steps: state.step, bestStep: state.bestStep, before: state.first, after: state.bestLoss,
            stoppedEarly: state.step < options.steps)
    }

    /// What a batch draws from.
    static func seed(_ seed: UInt64, _ number: Int) -> UInt64 {
        var random = SplitMix64(seed: seed ^ (UInt64(number) &* 0x2545_F491_4F6C_DD1D))
        return random.next()
    }

    // MARK: state

    private struct State {
        var step = 0
        /// The step whose validation is done.
        var isValidated = -1
        var first = Double.infinity, bestLoss = Double.infinity
        var bestStep = 0
        /// Validations since the best.
        var worse = 0
        var best: [String: Tensor] = [:]

        /// Enters a validation's loss; whether it is the lowest so far.
        mutating func take(_ loss: Double, _ parameters: [String: Tensor]) -> Bool {
            if isValidated < 0 { first = loss }
            isValidated = step
            guard loss < bestLoss else {
                worse += 1
                return false
            }
            (bestLoss, bestStep, worse, best) = (loss, step, 0, parameters)
            return true
        }

        var numbers: [String: String] {
            // Swift writes a number so that it is read as the same.
            [
                "step": "\(step)", "validated": "\(isValidated)", "first": "\(first)", "best_loss": "\(bestLoss)", "best_step": "\(bestStep)",
                "worse": "\(worse)",
            ]
        }
    }

    private func save(_ state: State, _ optimizer: AdamW, to url: URL) throws {
        var tensors = try optimizer.state.mapValues { try $0.detached() }
        for (name, tensor) in state.best { tensors["best.\(name)"] = tensor }
        let metadata = ["format": "chatterbox-adapter-training", "fingerprint": fingerprint, "updates": "\(optimizer.updates)"]
        try SafetensorsWriter.write(tensors, metadata: metadata.merging(state.numbers) { $1 }, to: url)
    }

    private func restore(_ url: URL, _ optimizer: AdamW) throws -> State {
        let file = try SafetensorsFile(url)
        guard file.metadata["format"] == "chatterbox-adapter-training" else { throw TrainingError.checkpoint(url, problem: "not a state of this training") }
        guard file.metadata["fingerprint"] == fingerprint else {
            throw TrainingError.checkpoint(url, problem: "it is of a training with other options, other recordings or another model")
        }
        func number<Number: LosslessStringConvertible>(_ name: String) throws -> Number {
            guard let number = file.metadata[name].flatMap(Number.init) else { throw TrainingError.checkpoint(url, problem: "it has no \"\(name)\"") }
            return number
        }
        var state = State()
        (state.step, state.isValidated, state.bestStep, state.worse) = try (number("step"), number("validated"), number("best_step"), number("worse"))
        (state.first, state.bestLoss) = try (number("first"), number("best_loss"))
        let shapes = optimizer.state.mapValues(\.shape)
        try optimizer.restore(updates: number("updates")) { try file.tensor($0, like: shapes[$0]!, of: url) }
        state.best = try Dictionary(uniqueKeysWithValues: optimizer.parameters.map { name, tensor in
            (name, try file.tensor("best.\(name)", like: tensor.shape, of: url).clone())
        })
        return state
    }
}

extension Adapter {
    /// Its matrices by name, as `tfmr.layers.0.mlp.up_proj.lora_A`.
    var parameters: [String: Tensor] {
        matrices.reduce(into: [:]) { parameters, entry in
            parameters["\(entry.key).lora_A"] = entry.value.a
            parameters["\(entry.key).lora_B"] = entry.value.b
        }
    }

    /// The same adapter with other matrices, by the names of ``parameters``.
    func replacing(_ parameters: [String: Tensor]) -> Adapter {
        Adapter(
            Dictionary(uniqueKeysWithValues: matrices.map { layer, matrices in
                (layer, Matrices(
                    a: parameters["\(layer).lora_A"] ?? matrices.a, b: parameters["\(layer).lora_B"] ?? matrices.b, scale: matrices.scale))
            }), of: part, base: base, baseName: baseName, name: name)
    }
}
