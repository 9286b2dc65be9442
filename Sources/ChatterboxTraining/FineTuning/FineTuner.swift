import Chatterbox
import Foundation
import Torch

/// What is trained in a network.
public enum FineTuningChange: Sendable, Codable, Hashable {
    /// Low-rank matrices that are added to its linear layers; its own weights do not change.
    case adapter(AdapterPlan)
    /// Its own weights, all or some of them.
    case weights(WeightSelection)
}

/// How a network is trained on recordings of a voice.
public struct FineTuningOptions: Sendable, Codable, Hashable {
    public var change = FineTuningChange.adapter(AdapterPlan())
    /// Number of recordings in a batch.
    public var batch = 4
    /// Number of batches in a step.
    public var accumulation = 1
    /// Largest number of steps.
    public var steps = 1000
    /// The highest learning rate: the rate rises to it over ``warmUp`` steps and then falls to a fiftieth of it.
    public var rate = 3e-4
    public var warmUp = 20
    /// The share of T3's input speech tokens that are replaced by other tokens in training, so that T3 follows the text instead of memorising which
    /// token follows which; not used for the flow.
    public var wrongTokens = 0.1
    /// Steps between validations.
    public var interval = 50
    /// Validations without a lower loss, after which training stops.
    public var patience = 4
    /// Seed of the initial matrices, the order of recordings and all random numbers.
    public var seed: UInt64 = 1

    public init(_ change: FineTuningChange = .adapter(AdapterPlan())) { self.change = change }

    /// Whether the network's own weights are trained.
    var trainsWeights: Bool { if case .weights = change { true } else { false } }

    /// A description of the first invalid option, such as "batch is 0; it is at least 1"; nil if all are valid.
    public var problem: String? {
        let counts = [
            ("batch", batch), ("accumulation", accumulation), ("steps", steps), ("interval", interval), ("patience", patience),
        ]
        for (name, count) in counts where count < 1 { return "\(name) is \(count); it is at least 1" }
        if warmUp < 0 { return "warmUp is \(warmUp); it is at least 0" }
        if !(rate > 0 && rate < 1) { return "rate is \(rate); it is above 0 and below 1" }
        if !(0..<1 ~= wrongTokens) { return "wrongTokens is \(wrongTokens); it is at least 0 and below 1" }
        if case .adapter(let plan) = change, !(plan.alpha.isFinite && plan.alpha > 0) { return "alpha is \(plan.alpha); it is above 0" }
        return nil
    }

    /// Sets ``steps`` and ``interval`` for a number of recordings: fifteen epochs, but 150 to 4000 steps, with a validation in each epoch, but
    /// every 10 to 200 steps.
    public mutating func fit(recordings: Int) {
        let epoch = max(1, recordings / (batch * accumulation))
        interval = min(200, max(10, epoch))
        steps = min(4000, max(150, 15 * epoch))
    }

    /// The default learning rate for a network of this width. Small networks need a higher rate.
    ///
    /// - Parameters:
    ///   - part: T3 or the flow.
    ///   - width: of T3's transformer, or of the flow's encoder.
    ///   - adapter: whether low-rank matrices are trained, and not the weights themselves.
    public static func rate(of part: Adapter.Part, width: Int, adapter: Bool) -> Double {
        let isSmall = width <= 384
        switch part {
        case .t3: return adapter ? (isSmall ? 3e-4 : 2e-4) : (isSmall ? 1e-4 : 1e-5)
        case .flow: return adapter ? (isSmall ? 2e-3 : 3e-4) : (isSmall ? 2e-4 : 2e-5)
        }
    }
}

/// When checkpoints are written and how many are kept.
public struct CheckpointPlan: Sendable {
    /// Steps between checkpoints; nil writes one every minute and with each validation.
    public var interval: Int?
    /// Number of latest checkpoints that are kept.
    public var kept = 1

    public init(interval: Int? = nil, kept: Int = 1) { (self.interval, self.kept) = (interval, kept) }
}

/// The loop of a training: steps, validations, checkpoints. It stops when validation no longer improves and keeps the best parameters.
///
/// If it is started again with the same folder, it continues from the last checkpoint and gives the same numbers, bit for bit, as without
/// an interruption: a step's random numbers depend only on its number.
struct FineTuner {
    let options: FineTuningOptions
    /// The folder for `state-N.safetensors`, `best.safetensors` and `losses.csv`.
    let folder: URL
    /// Identifies the options, the recordings and the base model.
    let fingerprint: String
    var checkpoints = CheckpointPlan()
    var checkpointSeconds = 60.0
    var lineSeconds = 10.0
    /// The threads that compute the parts of a batch.
    var threads = TrainingThreads(1)
    let print: (String) -> Void

    /// The result of a training.
    struct Outcome {
        /// The parameters of the best validation, float32.
        let best: [String: Tensor]
        /// The number of steps that were done, and the step with the best parameters.
        let steps, bestStep: Int
        /// The validation's loss before training, and with the best parameters.
        let before, after: Double
        let stoppedEarly: Bool
    }

    /// - Parameters:
    ///   - isCancelled: asked after each step; training then writes a checkpoint and throws.
    ///   - onValidation: called after each validation with the steps done; the second value says whether it was the best so far.
    /// - Throws: ``TrainingError``, `TorchError`, `CancellationError`.
    func run(
        _ task: some FineTuningTask, isCancelled: () -> Bool = { false }, onValidation: (Int, Bool) throws -> Void = { _, _ in }
    ) throws -> Outcome {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: options.rate, warmUp: options.warmUp, steps: options.steps))
        (settings.weightDecay, settings.averaging) = (0, nil)
        let optimizer = try AdamW(task.parameters, settings)
        var state = State(), saved = (step: -1, time: ContinuousClock.now)
        if let newest = try Self.states(in: folder).last { (state, saved.step) = try (restore(newest.file, optimizer), newest.step) }
        let log = try TrainingLog(folder.appending(path: "losses.csv"), from: state.step, steps: options.steps, print: print)
        if state.step > 0 { print("continuing after step \(state.step)") }
        var order = ExampleOrder(lengths: task.lengths, batchCount: options.batch * options.accumulation, seed: options.seed)
        func checkpoint() throws {
            try save(state, optimizer, keepsLayers: task.keepsLayers)
            saved = (state.step, .now)
        }

        while true {
            var isValidated = false
            if state.validated != state.step, state.step % options.interval == 0 || state.step == options.steps {
                let figures = try task.validate()
                try log.validation(step: state.step, figures)
                guard figures[0].value.isFinite else { throw TrainingError.diverged(step: state.step, group: task.part.rawValue, what: "validation") }
                let isBest = state.take(figures[0].value)
                if isBest {
                    try SafetensorsWriter.write(optimizer.result.mapValues { try $0.detached() }, metadata: ["step": "\(state.step)"], to: best)
                }
                isValidated = true
                try onValidation(state.step, isBest)
            }
            let isOver = state.step >= options.steps || state.worse >= options.patience
            let isDue =
                checkpoints.interval.map { state.step % $0 == 0 } ?? (isValidated || saved.time.duration(to: .now) / .seconds(1) >= checkpointSeconds)
            if saved.step != state.step || isValidated, isDue || isOver { try checkpoint() }
            if isOver { break }
            let found = try task.gradients(
                order.batch(at: state.step), seed: Self.seed(options.seed, state.step), batches: options.accumulation, threads: threads)
            guard try optimizer.update(found.gradients, threads: threads).isFinite else {
                throw TrainingError.diverged(step: state.step, group: task.part.rawValue, what: "gradient")
            }
            state.step += 1
            log.add(found.figures)
            if log.secondsSinceLine >= lineSeconds || state.step == options.steps { try log.line(step: state.step) }
            if isCancelled() {
                try checkpoint()
                throw CancellationError()
            }
        }
        return Outcome(
            best: try bestParameters(optimizer), steps: state.step, bestStep: state.bestStep, before: state.first, after: state.bestLoss,
            stoppedEarly: state.step < options.steps)
    }

    /// The random numbers of a step.
    static func seed(_ seed: UInt64, _ number: Int) -> UInt64 {
        var random = SplitMix64(seed: seed ^ (UInt64(number) &* 0x2545_F491_4F6C_DD1D))
        return random.next()
    }

    // MARK: state

    private struct State {
        var step = 0
        /// The step of the last validation.
        var validated = -1
        var first = Double.infinity, bestLoss = Double.infinity
        var bestStep = 0
        /// Validations since the best.
        var worse = 0

        /// Records a validation's loss, and returns whether it is the lowest so far.
        mutating func take(_ loss: Double) -> Bool {
            if validated < 0 { first = loss }
            validated = step
            guard loss < bestLoss else {
                worse += 1
                return false
            }
            (bestLoss, bestStep, worse) = (loss, step, 0)
            return true
        }

        var numbers: [String: String] {
            // Swift's text of a number gives the same number when it is read.
            [
                "step": "\(step)", "validated": "\(validated)", "first": "\(first)", "best_loss": "\(bestLoss)", "best_step": "\(bestStep)",
                "worse": "\(worse)",
            ]
        }
    }

    /// The best parameters so far, in a separate file, so that they need no memory and are not written again with each checkpoint.
    private var best: URL { folder.appending(path: "best.safetensors") }

    /// Whether the training whose state is in a folder stores all activations, as it must when it continues; nil if there is no state.
    static func keepsLayers(in folder: URL) throws -> Bool? {
        guard FileManager.default.fileExists(atPath: folder.path), let newest = try states(in: folder).last else { return nil }
        return try SafetensorsFile(newest.file).metadata["keeps_layers"].flatMap(Bool.init)
    }

    /// The existing checkpoints, the latest last.
    private static func states(in folder: URL) throws -> [(step: Int, file: URL)] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).compactMap { name in
            guard name.hasPrefix("state-"), name.hasSuffix(".safetensors"), let step = Int(name.dropFirst(6).dropLast(12)) else { return nil }
            return (step, folder.appending(path: name))
        }.sorted { $0.step < $1.step }
    }

    private func save(_ state: State, _ optimizer: AdamW, keepsLayers: Bool) throws {
        let metadata = [
            "format": "chatterbox-fine-tuning", "fingerprint": fingerprint, "updates": "\(optimizer.updates)", "keeps_layers": "\(keepsLayers)",
        ]
        try SafetensorsWriter.write(
            optimizer.state.mapValues { try $0.detached() }, metadata: metadata.merging(state.numbers) { $1 },
            to: folder.appending(path: "state-\(state.step).safetensors"))
        for (_, file) in try Self.states(in: folder).dropLast(checkpoints.kept) { try FileManager.default.removeItem(at: file) }
    }

    private func restore(_ url: URL, _ optimizer: AdamW) throws -> State {
        let file = try SafetensorsFile(url)
        guard file.metadata["format"] == "chatterbox-fine-tuning" else {
            throw TrainingError.checkpoint(url, problem: "not a state of this training")
        }
        guard file.metadata["fingerprint"] == fingerprint else {
            throw TrainingError.checkpoint(url, problem: "it belongs to a training with other options, other recordings or another model")
        }
        func number<Number: LosslessStringConvertible>(_ name: String) throws -> Number {
            guard let number = file.metadata[name].flatMap(Number.init) else { throw TrainingError.checkpoint(url, problem: "it has no \"\(name)\"") }
            return number
        }
        var state = State()
        (state.step, state.validated, state.bestStep, state.worse) = try (number("step"), number("validated"), number("best_step"), number("worse"))
        (state.first, state.bestLoss) = try (number("first"), number("best_loss"))
        let shapes = optimizer.state.mapValues(\.shape)
        try optimizer.restore(updates: number("updates")) { try file.tensor($0, like: shapes[$0]!, of: url) }
        return state
    }

    private func bestParameters(_ optimizer: AdamW) throws -> [String: Tensor] {
        guard FileManager.default.fileExists(atPath: best.path) else { throw TrainingError.checkpoint(best, problem: "no such file") }
        let file = try SafetensorsFile(best)
        return try Dictionary(
            uniqueKeysWithValues: optimizer.parameters.map { name, tensor in
                (name, try file.tensor(name, like: tensor.shape, of: best).clone())
            })
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
            Dictionary(
                uniqueKeysWithValues: matrices.map { layer, matrices in
                    (
                        layer,
                        Matrices(
                            a: parameters["\(layer).lora_A"] ?? matrices.a, b: parameters["\(layer).lora_B"] ?? matrices.b, scale: matrices.scale)
                    )
                }), of: part, base: base, baseName: baseName, name: name)
    }

    /// A copy that further training does not change.
    func frozen() -> Adapter {
        replacing(parameters.compactMapValues { try? $0.detached().clone() })
    }
}
