import Foundation
import Torch

/// The length of training and the folder for its results.
public struct TrainingOptions: Sendable {
    /// The total number of steps, including those of earlier runs.
    public var steps: Int
    public var seed: UInt64 = 1
    /// The folder for `checkpoint.safetensors`, `weights.safetensors` and `losses.csv`.
    public var folder: URL
    /// Seconds between checkpoints.
    public var checkpointSeconds = 60.0
    /// Seconds between lines of progress.
    public var lineSeconds = 10.0
    /// Parts of a step that are computed at the same time, each by a thread. The same number gives the same weights, bit for bit; with
    /// another they differ by rounding.
    public var threads = 1

    public init(steps: Int, folder: URL) { (self.steps, self.folder) = (steps, folder) }
}

/// The loop that all tasks share: steps, optimisers, checkpoints, log.
///
/// When it is started again with the same folder, it continues from the last checkpoint and gives the same weights, bit for bit, as without the
/// interruption.
public struct Trainer {
    public let options: TrainingOptions
    private let print: (String) -> Void

    /// - Parameters:
    ///   - options: the length of training and the folder for its results.
    ///   - print: called with lines of progress.
    public init(_ options: TrainingOptions, print: @escaping (String) -> Void = { Swift.print($0) }) {
        self.options = options
        self.print = print
    }

    /// Trains to the last step and writes the weights, `weights.safetensors`, under the parameters' names.
    ///
    /// - Throws: ``TrainingError``, `TorchError`, and `CancellationError` after a checkpoint when the task is cancelled.
    public func run(_ task: some TrainingTask) throws {
        try FileManager.default.createDirectory(at: options.folder, withIntermediateDirectories: true)
        let groups = task.groups
        let optimizers = try Dictionary(
            uniqueKeysWithValues: groups.map {
                ($0.name, try AdamW($0.parameters, $0.settings))
            })
        let generator = try Generator(seed: options.seed)
        let checkpoint = TrainingCheckpoint(url: options.folder.appending(path: "checkpoint.safetensors"))
        let first = try checkpoint.restore(optimizers: optimizers, buffers: task.buffers, generator: generator) ?? 0
        let log = try TrainingLog(options.folder.appending(path: "losses.csv"), from: first, steps: options.steps, print: print)
        if first > 0 { print("continuing after step \(first)") }

        func save(_ step: Int) throws {
            try checkpoint.save(step: step, optimizers: optimizers, buffers: task.buffers, generator: generator)
            var weights = task.buffers
            for optimizer in optimizers.values { weights.merge(optimizer.result) { $1 } }
            try SafetensorsWriter.write(
                weights.mapValues { try $0.detached() }, metadata: ["step": String(step)],
                to: options.folder.appending(path: "weights.safetensors"))
            let figures = try withResults(Array(optimizers.values)) { try task.validate() }
            try log.validation(step: step, figures)
        }

        let threads = TrainingThreads(options.threads)
        let clock = ContinuousClock()
        var saved = clock.now
        for step in first..<max(first, options.steps) {
            let descent = Descent(groups, threads: threads) { group, gradients in
                let norm = try optimizers[group]!.update(gradients, threads: threads)
                guard norm.isFinite else { throw TrainingError.diverged(step: step, group: group, what: "gradient") }
            }
            let metrics = try task.step(step, generator: generator, descent: descent)
            log.add(metrics)
            if log.secondsSinceLine >= options.lineSeconds || step + 1 == options.steps { try log.line(step: step + 1) }
            if (clock.now - saved) / .seconds(1) >= options.checkpointSeconds || Task.isCancelled {
                try save(step + 1)
                saved = clock.now
                try Task.checkCancellation()
            }
        }
        try save(max(first, options.steps))
    }

    private func withResults<Value>(_ optimizers: [AdamW], _ body: () throws -> Value) throws -> Value {
        guard let optimizer = optimizers.first else { return try withoutGradients(body) }
        return try optimizer.withResult { try withResults(Array(optimizers.dropFirst()), body) }
    }
}
