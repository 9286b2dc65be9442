import Chatterbox
import Foundation
import SpeechAudio
import Synchronization
import Torch

/// Trains adapters of a model on somebody's recordings, from the list to the report.
///
/// ```swift
/// let model = try Model.load(folder, compute: ComputeOptions(exact: true))
/// let list = try RecordingList(recordings), checked = try RecordingCheck(model)(list)
/// let training = AdapterTraining(model, output: URL(filePath: "ada.adapter.safetensors"))
/// let result = try await training.run(checked, of: list) { print($0) }
/// ```
/// Everything but the adapters lies beside them in ``folder``: features, the state of the training, samples, the reference and the
/// report. Started again with the same options it goes on where it stood, to the same adapters bit for bit.
public struct AdapterTraining: Sendable {
    public let model: Model
    /// The adapter of T3, whose name ends in `.safetensors`.
    public let output: URL
    /// How T3's is trained.
    public var t3: AdapterTrainingOptions
    /// How the flow's is trained; nil leaves the flow as it is.
    public var flow: AdapterTrainingOptions?
    /// Threads of each operation.
    public var threads = 1
    /// Bytes that a step may take; where it would take more, layers are computed a second time instead of being kept.
    public var memory = 8_000_000_000
    /// After how many validations a sentence is spoken; 0 for never.
    public var sampleInterval = 2
    public var ffmpeg: FFmpeg?
    /// Seconds between checkpoints, which a validation writes as well, and between lines of progress.
    var checkpointSeconds = 60.0, lineSeconds = 10.0

    public init(_ model: Model, output: URL, t3: AdapterTrainingOptions, flow: AdapterTrainingOptions? = nil) {
        (self.model, self.output, self.t3, self.flow) = (model, output, t3, flow)
    }

    /// The output's name without its ends.
    private var stem: String {
        let name = output.lastPathComponent
        return [".adapter.safetensors", ".safetensors"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    }
    /// The adapter of the flow.
    public var flowOutput: URL { output.deletingLastPathComponent().appending(path: "\(stem).flow.adapter.safetensors") }
    /// What is kept beside the adapters.
    public var folder: URL { output.deletingLastPathComponent().appending(path: "\(stem).training") }
    /// The voice to speak with: recordings that were learned from, one after the other.
    public var reference: URL { folder.appending(path: "reference.wav") }
    public var report: URL { folder.appending(path: "report.html") }

    /// What came of it.
    public struct Result: Sendable {
        /// T3's, then the flow's.
        public internal(set) var parts: [Part] = []
        /// How alike voices are by the model's own voice encoder, as cosines; nil where nothing could be spoken.
        public internal(set) var similarity: Similarity?

        public struct Part: Sendable {
            public let part: Adapter.Part
            public let file: URL
            public let parameters: Int
            public let steps, bestStep: Int
            /// The validation's loss without the adapter, and with it.
            public let before, after: Double
            public let stoppedEarly: Bool
        }

        /// Of speech to recordings that were not learned from: by the base, with the adapters, and of other recordings.
        public struct Similarity: Sendable {
            public let before, after, between: Double
        }
    }

    /// Trains, on a thread of its own. When the task is cancelled, training keeps its state and throws.
    ///
    /// - Parameters:
    ///   - checked: what became of the list.
    ///   - print: takes lines of progress.
    /// - Throws: ``RecordingListError/tooFew(_:accepted:refused:needed:)``, ``AdapterError``, ``TrainingError``, `CancellationError`; what
    ///   reading recordings and writing files throws.
    public func run(
        _ checked: RecordingCheck.Result, of list: RecordingList, print: @escaping @Sendable (String) -> Void
    ) async throws -> Result {
        let isCancelled = Switch()
        return try await withTaskCancellationHandler {
            try await run(checked, of: list, isCancelled: { isCancelled.isSet }, print: print)
        } onCancel: {
            isCancelled.set()
        }
    }

    /// - Parameter isCancelled: asked after each step.
    func run(
        _ checked: RecordingCheck.Result, of list: RecordingList, isCancelled: @escaping @Sendable () -> Bool,
        print: @escaping @Sendable (String) -> Void
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Swift.Result { try train(checked, list, isCancelled, print) }) }
            // Gradients go back through a whole network.
            thread.stackSize = 64 << 20
            thread.start()
        }
    }

    /// Blocks for as long as training takes.
    private func train(
        _ checked: RecordingCheck.Result, _ list: RecordingList, _ isCancelled: @escaping @Sendable () -> Bool,
        _ print: @escaping @Sendable (String) -> Void
    ) throws -> Result {
        try Libtorch.withThreads(threads) {
            let split = try RecordingSplit(checked, of: list.source)
            try FileManager.default.createDirectory(at: folder.appending(path: "samples"), withIntermediateDirectories: true)
            print(String(
                format: "%d recordings, %.1f min: %d to learn from, %d to judge by", checked.accepted.count, checked.seconds / 60,
                split.training.count, split.validation.count))
            let examples = try examples(split, isCancelled, print)
            let voice = try voice(split)
            var result = Result(), adapters: [AdapterUse] = []

            let digest = try model.digest(of: .t3), name = model.variant.name
            let fresh = try model.t3.freshAdapter(t3.plan, seed: t3.seed, digest: digest, model: name)
            let keepsLayers = T3Memory(model.t3).bytes(lengths: T3AdapterTask.lengths(examples, model.configuration.t3), batch: t3.batch) + fresh.byteCount * 4 < memory
            let task = try makeT3Task(fresh, examples, keepsLayers: keepsLayers, print)
            let sampler = Sampler(self, voice, split, print)
            let told = try train(task, t3, split, digest, isCancelled, print) { step in
                sampler.speak(model, [task.adapter.frozen()], as: String(format: "t3-%05d", step))
            }
            try told.adapter.save(to: output)
            adapters = [AdapterUse(told.adapter)]
            result.parts.append(.init(told, output))

            var spoken = model
            if let flow {
                let digest = try model.digest(of: .flow)
                let fresh = try model.s3Gen.flow.freshAdapter(flow.plan, seed: flow.seed, digest: digest, model: name)
                let task = try FlowAdapterTask(
                    model.s3Gen.flow, fresh, examples, batch: flow.batch, promptTokens: Int(25 * model.configuration.reference.promptSeconds))
                try measure(task, flow, print)
                let found = try train(task, flow, split, digest, isCancelled, print) { step in
                    guard let adapted = try? model.s3Gen.flow.adapted(by: [AdapterUse(task.adapter.frozen())]) else { return }
                    sampler.speak(model.with(flow: adapted), adapters.map(\.adapter), as: String(format: "flow-%05d", step))
                }
                try found.adapter.save(to: flowOutput)
                result.parts.append(.init(found, flowOutput))
                spoken = model.with(flow: try model.s3Gen.flow.adapted(by: [AdapterUse(found.adapter)]))
            }
            if isCancelled() { throw CancellationError() }
            print("speaking with and without the adapters")
            result.similarity = try sampler.compare(model, spoken, adapters.map(\.adapter))
            try AdapterReport(self, result, checked, split, list).write(to: report)
            return result
        }
    }

    // MARK: what is trained on

    private func examples(_ split: RecordingSplit, _ isCancelled: () -> Bool, _ print: (String) -> Void) throws -> AdapterExamples {
        let cache = try RecordingFeatureCache(folder.appending(path: "features"), model, ffmpeg: ffmpeg)
        let all = split.training + split.validation, clock = ContinuousClock()
        var line = clock.now
        let features = try cache.features(of: all, isCancelled: isCancelled) { share in
            guard (clock.now - line) / .seconds(1) >= lineSeconds else { return }
            line = clock.now
            print(String(format: "hearing the recordings: %.0f %%", 100 * share))
        }
        return AdapterExamples(split, (Array(features.prefix(split.training.count)), Array(features.dropFirst(split.training.count))))
    }

    /// The voice of whoever has most recordings: the longest of these until there is as much as a model hears, written to ``reference``.
    private func voice(_ split: RecordingSplit) throws -> Voice {
        let bySpeaker = Dictionary(grouping: split.training, by: \.entry.speaker)
        let (_, recordings) = bySpeaker.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }!
        var samples: [Float] = [], count = 0
        for recording in recordings.sorted(by: { ($1.seconds, $0.digest) < ($0.seconds, $1.digest) }) where Double(samples.count) < 10 * 24_000 {
            samples += try AudioFile.read(recording.entry.audio, ffmpeg: ffmpeg).mono().resampled(to: 24_000).samples
            samples += [Float](repeating: 0, count: 4800)
            count += 1
        }
        let audio = Audio(samples: samples, sampleRate: 24_000)
        try AudioFile.write(audio, to: reference)
        return try withoutGradients { try model.voiceAnalyzer.voice(from: audio, named: reference.lastPathComponent) }
    }

    // MARK: training

    private func train(
        _ task: some AdapterTask, _ options: AdapterTrainingOptions, _ split: RecordingSplit, _ digest: String,
        _ isCancelled: () -> Bool, _ print: @escaping (String) -> Void, speak: (Int) -> Void
    ) throws -> AdapterTrainer.Outcome {
        let name = task.adapter.part.rawValue
        let trainer = try AdapterTrainer(
            options: options, folder: folder.appending(path: name), fingerprint: Self.fingerprint(options, split, digest),
            checkpointSeconds: checkpointSeconds, lineSeconds: lineSeconds, print: { print("\(name): \($0)") })
        var validations = 0
        return try trainer.run(task, isCancelled: isCancelled) { step, isBest in
            validations += 1
            if sampleInterval > 0, validations % sampleInterval == 0, isBest { speak(step) }
        }
    }

    private func makeT3Task(
        _ adapter: Adapter, _ examples: AdapterExamples, keepsLayers: Bool, _ print: (String) -> Void
    ) throws -> T3AdapterTask {
        let task = try T3AdapterTask(model.t3, adapter, examples, batch: t3.batch, keepsLayers: keepsLayers)
        let bytes = try measure(task, t3, print)
        guard keepsLayers, bytes > memory else {
            if !keepsLayers { print("t3: layers are computed twice, to stay within \(memory / 1_000_000) MB") }
            return task
        }
        print("t3: that is more than \(memory / 1_000_000) MB; layers are computed twice instead of being kept")
        let second = try T3AdapterTask(model.t3, adapter, examples, batch: t3.batch, keepsLayers: false)
        try measure(second, t3, print)
        return second
    }

    /// Takes the step of the longest recordings for a trial and tells what it takes; bytes of memory at most.
    @discardableResult
    private func measure(_ task: some AdapterTask, _ options: AdapterTrainingOptions, _ print: (String) -> Void) throws -> Int {
        let longest = task.lengths.indices.sorted { (task.lengths[$1], $0) < (task.lengths[$0], $1) }.prefix(options.batch)
        let parameters = task.adapter.parameters
        for tensor in parameters.values { try tensor.requiresGradient(true) }
        try Memory.resetPeak(of: .cpu)
        let clock = ContinuousClock(), start = clock.now
        _ = try task.addGradients(Array(longest), seed: 0, weight: 1)
        let seconds = (clock.now - start) / .seconds(1) * Double(options.accumulation)
        let bytes = try Memory.statistics().peak
        for tensor in parameters.values { try tensor.clearGradient() }
        let count = parameters.values.reduce(0) { $0 + $1.count }
        print(String(
            format: "%@: %.2f million numbers in %d matrices; the longest step takes %.1f s and %.1f GB; %d steps at most, %.0f min",
            task.adapter.part.rawValue, Double(count) / 1e6, parameters.count, seconds, Double(bytes) / 1e9, options.steps,
            seconds * Double(options.steps) / 60))
        return bytes
    }

    /// Tells trainings apart whose states do not fit each other.
    private static func fingerprint(_ options: AdapterTrainingOptions, _ split: RecordingSplit, _ digest: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let recordings = "\(digest)\0\(split.training.map(\.digest).joined())\0\(split.validation.map(\.digest).joined())"
        return SHA256.digest(try encoder.encode(options) + Data(recordings.utf8))
    }
}

/// Something that one thread sets and others see.
private final class Switch: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// What a step of T3 keeps, about.
private struct T3Memory {
    private let weights, perPosition: Int

    init(_ model: T3) {
        let (width, layers) = (model.configuration.backbone.hiddenSize, model.backbone.layerCount)
        let inner = switch model.configuration.backbone {
        case .llama(let llama): 5 * llama.intermediateSize
        case .gpt2: 3 * 4 * width
        }
        // Inputs of products, norms and activations.
        perPosition = layers * 4 * (18 * width + inner)
        weights = layers * 4 * (4 * width * width + 3 * width * inner / 5)
    }

    /// - Parameter lengths: of the recordings, in positions.
    func bytes(lengths: [Int], batch: Int) -> Int { weights + perPosition * (lengths.max() ?? 0) * batch }
}

extension AdapterTraining.Result.Part {
    fileprivate init(_ outcome: AdapterTrainer.Outcome, _ file: URL) {
        self.init(
            part: outcome.adapter.part, file: file, parameters: outcome.adapter.byteCount / 4, steps: outcome.steps, bestStep: outcome.bestStep,
            before: outcome.before, after: outcome.after, stoppedEarly: outcome.stoppedEarly)
    }
}

extension Adapter {
    /// As it is now: what is trained further changes this one no more.
    func frozen() -> Adapter {
        replacing(parameters.compactMapValues { try? $0.detached().clone() })
    }
}
