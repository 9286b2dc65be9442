import Chatterbox
import FileSupport
import Foundation
import SpeechAudio
import Synchronization
import Torch

/// Trains adapters for a model, or the model's own weights, on recordings, from the list of recordings to the report.
///
/// ```swift
/// let model = try Model.load(folder, compute: ComputeOptions(exact: true))
/// let list = try RecordingList(recordings), checked = try RecordingCheck(model)(list)
/// let training = FineTuning(model, output: URL(filePath: "ada.adapter.safetensors"), t3: FineTuningOptions())
/// let result = try await training.run(checked, of: list) { print($0) }
/// ```
/// Everything but the output is in ``folder`` next to it: features, the training state, samples, the reference and the report. When it is started
/// again with the same options, training continues where it stopped and gives the same output bit for bit.
public struct FineTuning: Sendable {
    public let model: Model
    /// The adapter of T3, whose name ends in `.safetensors`; if the networks' own weights are trained, the model's folder, which must
    /// not exist.
    public let output: URL
    /// How T3 is trained; nil does not train it.
    public var t3: FineTuningOptions?
    /// How the flow is trained; nil does not train it.
    public var flow: FineTuningOptions?
    /// Processor threads: on a CPU each computes a part of a batch, on a GPU they prepare it. The same number gives the same output, bit for
    /// bit; with another it differs by rounding.
    public var threads = 1
    /// Memory of a step in bytes; where a step would need more, layers are computed again in the backward pass instead of storing their
    /// activations.
    public var memory = 8_000_000_000
    /// The type in which T3 is computed when its own weights are trained; with half precision a float32 copy of the weights is updated.
    public var dtype = DType.float32
    /// Number of validations between spoken sentences; 0 for none.
    public var sampleInterval = 2
    public var checkpoints = CheckpointPlan()
    /// Transcribes the sentences that are spoken for the report; with nil no word errors are counted.
    public var recogniser: SpeechRecogniser?
    public var ffmpeg: FFmpeg?
    /// Seconds between checkpoints, which a validation writes as well, and between lines of progress.
    var checkpointSeconds = 60.0, lineSeconds = 10.0
    /// The machine's memory in bytes.
    var machineMemory = Int(clamping: ProcessInfo.processInfo.physicalMemory)

    /// - Precondition: at least one network is trained, and both in the same way.
    public init(_ model: Model, output: URL, t3: FineTuningOptions?, flow: FineTuningOptions? = nil) {
        precondition(t3 != nil || flow != nil, "a network to train")
        precondition(
            [t3, flow].compactMap { $0?.trainsWeights }.allSatisfy { $0 == (t3 ?? flow)!.trainsWeights }, "adapters or weights, not one of each")
        (self.model, self.output, self.t3, self.flow) = (model, output, t3, flow)
    }

    /// Whether the networks' own weights are trained, and a model is written.
    public var writesModel: Bool { (t3 ?? flow)!.trainsWeights }

    /// The output's name without its extensions.
    private var stem: String {
        let name = output.lastPathComponent
        return [".adapter.safetensors", ".safetensors"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    }
    /// The adapter of the flow.
    public var flowOutput: URL { output.deletingLastPathComponent().appending(path: "\(stem).flow.adapter.safetensors") }
    /// The folder with everything but the output.
    public var folder: URL { output.deletingLastPathComponent().appending(path: "\(stem).training") }
    /// The voice to speak with: training recordings, one after the other.
    public var reference: URL { folder.appending(path: "reference.wav") }
    public var report: URL { folder.appending(path: "report.html") }

    /// The result of training.
    public struct Result: Sendable {
        /// T3's, then the flow's.
        public internal(set) var parts: [Part] = []
        /// Similarity of voices by the model's own voice encoder, as cosines; nil if nothing could be spoken.
        public internal(set) var similarity: Similarity?
        /// Word errors found by the recogniser; nil if there was no recogniser or it failed.
        public internal(set) var wordErrors: WordErrorComparison?

        public struct Part: Sendable {
            public let part: Adapter.Part
            /// The adapter's file, or the model's folder.
            public let file: URL
            public let parameters: Int
            public let steps, bestStep: Int
            /// The validation's loss without the adapter, and with it.
            public let before, after: Double
            public let stoppedEarly: Bool
        }

        /// Similarities to held-out recordings: of speech by the base, of speech after training, and of other recordings.
        public struct Similarity: Sendable {
            public let before, after, between: Double
        }
    }

    /// Trains on its own thread. When the task is cancelled, training writes its state and throws.
    ///
    /// - Parameters:
    ///   - checked: the result of checking the list.
    ///   - list: the recordings that were checked.
    ///   - print: called with lines of progress.
    /// - Throws: ``RecordingListError/tooFew(_:accepted:refused:needed:)``, `AdapterError`, `WeightSelectionError`, ``TrainingError``,
    ///   `CancellationError`; what reading recordings and writing files throws.
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

    /// Blocks until training ends.
    private func train(
        _ checked: RecordingCheck.Result, _ list: RecordingList, _ isCancelled: @escaping @Sendable () -> Bool,
        _ print: @escaping @Sendable (String) -> Void
    ) throws -> Result {
        try Libtorch.withThreads(threads) {
            if writesModel, FileManager.default.fileExists(atPath: output.path) {
                throw CheckpointError.unwritable(output, reason: "it is there already")
            }
            if dtype != .float32, !model.device.isCUDA { throw TrainingError.halfPrecision(dtype, device: model.device) }
            let split = try RecordingSplit(checked, of: list.source)
            try FileManager.default.createDirectory(at: folder.appending(path: "samples"), withIntermediateDirectories: true)
            print(
                String(
                    format: "%d recordings, %.1f min: %d for training, %d for validation", checked.accepted.count, checked.seconds / 60,
                    split.training.count, split.validation.count))
            let examples = try examples(split, isCancelled, print)
            let voice = try voice(split), sampler = Sampler(self, voice, split, print)
            var result = Result(), trained = Trained(model: model)
            if let t3 { result.parts.append(try train(t3: t3, examples, split, sampler, &trained, isCancelled, print)) }
            if let flow { result.parts.append(try train(flow: flow, examples, split, sampler, &trained, isCancelled, print)) }
            if isCancelled() { throw CancellationError() }
            if writesModel { try Model.write(trained.weights, into: model.folder, variant: model.variant, to: output) }
            print("speaking \(writesModel ? "as before and after" : "with and without the adapters")")
            let spoken = try sampler.compare(model, trained.model, trained.adapters)
            (result.similarity, result.wordErrors) = (spoken?.similarity, spoken?.wordErrors)
            try FineTuningReport(self, result, checked, split, list, sampler).write(to: report)
            return result
        }
    }

    /// The state of the run so far.
    private struct Trained {
        /// A model with the trained weights, and the trained adapter of the flow.
        var model: Model
        /// T3's adapter, for requests.
        var adapters: [Adapter] = []
        /// The trained weights of the networks themselves, for the file.
        var weights: [Adapter.Part: [String: Tensor]] = [:]
    }

    private func train(
        t3 options: FineTuningOptions, _ examples: FineTuningExamples, _ split: RecordingSplit, _ sampler: Sampler, _ trained: inout Trained,
        _ isCancelled: () -> Bool, _ print: @escaping (String) -> Void
    ) throws -> Result.Part {
        let digest = try model.digest(of: .t3), network: T3, parameters: [String: Tensor], fresh: Adapter?
        switch options.change {
        case .adapter(let plan):
            let adapter = try model.t3.freshAdapter(plan, seed: options.seed, digest: digest, model: model.variant.name)
            (network, parameters, fresh) = (try model.t3.adapted(by: [AdapterUse(adapter)]), adapter.parameters, adapter)
        case .weights(let selection):
            (network, parameters) = try model.trainableT3(selection, dtype: dtype)
            fresh = nil
        }
        let cost = T3Memory(model.t3), lengths = T3FineTuning.lengths(examples, model.configuration.t3)
        let task = try planned(
            options, parameters, need: { cost.bytes(lengths: lengths, batch: options.batch, keepsLayers: $0) },
            task: { T3FineTuning(network, parameters, examples, batch: options.batch, wrongTokens: options.wrongTokens, keepsLayers: $0) }, print)
        let outcome = try train(task, options, split, digest, isCancelled, print) { step in
            let name = String(format: "t3-%05d", step)
            if let fresh { sampler.speak(model, [fresh.frozen()], as: name) } else { sampler.speak(model.with(t3: network), [], as: name) }
        }
        if let fresh {
            let adapter = fresh.replacing(outcome.best)
            try adapter.save(to: output)
            trained.adapters = [adapter]
        } else {
            try keep(outcome.best, in: parameters)
            trained.weights[.t3] = outcome.best
            trained.model = trained.model.with(t3: network)
        }
        return .init(outcome, .t3, parameters, output)
    }

    private func train(
        flow options: FineTuningOptions, _ examples: FineTuningExamples, _ split: RecordingSplit, _ sampler: Sampler, _ trained: inout Trained,
        _ isCancelled: () -> Bool, _ print: @escaping (String) -> Void
    ) throws -> Result.Part {
        let flow = model.s3Gen.flow, digest = try model.digest(of: .flow), network: TokenToMel, parameters: [String: Tensor], fresh: Adapter?
        switch options.change {
        case .adapter(let plan):
            let adapter = try flow.freshAdapter(plan, seed: options.seed, digest: digest, model: model.variant.name)
            (network, parameters, fresh) = (try flow.adapted(by: [AdapterUse(adapter)]), adapter.parameters, adapter)
        case .weights(let selection):
            (network, parameters) = try model.trainableFlow(selection)
            fresh = nil
        }
        let promptTokens = Int(25 * model.configuration.reference.promptSeconds), cost = FlowMemory(model.configuration.s3Gen.flow)
        let longest = examples.training.map(\.features.tokens.count).max() ?? 0
        let task = try planned(
            options, parameters, need: { cost.bytes(tokens: longest + min(longest, promptTokens), batch: options.batch, keepsLayers: $0) },
            task: { FlowFineTuning(network, parameters, examples, batch: options.batch, promptTokens: promptTokens, keepsLayers: $0) }, print)
        let before = trained
        let outcome = try train(task, options, split, digest, isCancelled, print) { step in
            let adapted = fresh.map { fresh in Swift.Result { try flow.adapted(by: [AdapterUse(fresh.frozen())]) } } ?? .success(network)
            guard let spoken = try? adapted.get() else { return }
            sampler.speak(before.model.with(flow: spoken), before.adapters, as: String(format: "flow-%05d", step))
        }
        if let fresh {
            let adapter = fresh.replacing(outcome.best)
            try adapter.save(to: flowOutput)
            trained.model = trained.model.with(flow: try flow.adapted(by: [AdapterUse(adapter)]))
        } else {
            try keep(outcome.best, in: parameters)
            trained.weights[.flow] = outcome.best
            trained.model = trained.model.with(flow: network)
        }
        return .init(outcome, .flow, parameters, writesModel ? output : flowOutput)
    }

    /// Puts the best weights into a network, which is then not trained any more.
    private func keep(_ best: [String: Tensor], in parameters: [String: Tensor]) throws {
        try withoutGradients { for (name, parameter) in parameters { try parameter.assign(best[name]!) } }
        for parameter in parameters.values { try parameter.requiresGradient(false) }
    }

    // MARK: training data

    private func examples(_ split: RecordingSplit, _ isCancelled: () -> Bool, _ print: (String) -> Void) throws -> FineTuningExamples {
        let cache = try RecordingFeatureCache(folder.appending(path: "features"), model, ffmpeg: ffmpeg)
        let all = split.training + split.validation, clock = ContinuousClock()
        var line = clock.now
        let features = try cache.features(of: all, isCancelled: isCancelled) { share in
            guard (clock.now - line) / .seconds(1) >= lineSeconds else { return }
            line = clock.now
            print(String(format: "hearing the recordings: %.0f %%", 100 * share))
        }
        return FineTuningExamples(split, (Array(features.prefix(split.training.count)), Array(features.dropFirst(split.training.count))))
    }

    /// The voice of the speaker with the most recordings: the longest of these, up to the length that a model uses, written to ``reference``.
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
        _ task: some FineTuningTask, _ options: FineTuningOptions, _ split: RecordingSplit, _ digest: String,
        _ isCancelled: () -> Bool, _ print: @escaping (String) -> Void, speak: (Int) -> Void
    ) throws -> FineTuner.Outcome {
        let name = task.part.rawValue
        let tuner = try FineTuner(
            options: options, folder: folder.appending(path: name), fingerprint: fingerprint(options, split, digest), checkpoints: checkpoints,
            checkpointSeconds: checkpointSeconds, lineSeconds: lineSeconds, threads: team(for: task.parameters, batch: options.batch),
            print: { print("\(name): \($0)") })
        var validations = 0
        return try tuner.run(task, isCancelled: isCancelled) { step, isBest in
            validations += 1
            if sampleInterval > 0, validations % sampleInterval == 0, isBest { speak(step) }
        }
    }

    /// Identifies a training: the states of trainings with different values are not compatible.
    private func fingerprint(_ options: FineTuningOptions, _ split: RecordingSplit, _ digest: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let recordings = "\(dtype)\0\(digest)\0\(split.training.map(\.digest).joined())\0\(split.validation.map(\.digest).joined())"
        return SHA256.digest(try encoder.encode(options) + Data(recordings.utf8))
    }
}

/// A value that one thread sets and others read.
private final class Switch: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

extension FineTuning.Result.Part {
    fileprivate init(_ outcome: FineTuner.Outcome, _ part: Adapter.Part, _ parameters: [String: Tensor], _ file: URL) {
        self.init(
            part: part, file: file, parameters: parameters.values.reduce(0) { $0 + $1.count }, steps: outcome.steps, bestStep: outcome.bestStep,
            before: outcome.before, after: outcome.after, stoppedEarly: outcome.stoppedEarly)
    }
}
