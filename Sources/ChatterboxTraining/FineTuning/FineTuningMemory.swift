import Chatterbox
import Torch

// The memory that a training needs, estimated before it starts.

extension FineTuning {
    /// A network's training that fits into ``memory``: with all activations stored, or with layers that are computed a second time.
    ///
    /// - Parameters:
    ///   - need: the approximate number of bytes of a step without the trained parameters, with all activations stored or not.
    ///   - task: makes the training, with all activations stored or not.
    /// - Throws: ``TrainingError/memory(_:needed:there:)`` if it needs more memory than the machine has.
    func planned<Task: FineTuningTask>(
        _ options: FineTuningOptions, _ parameters: [String: Tensor], need: (Bool) -> Int, task: (Bool) -> Task, _ print: (String) -> Void
    ) throws -> Task {
        let states = TrainedBytes(parameters).bytes, least = states + need(false)
        let fewer = task(false), part = fewer.part
        if !model.device.isCUDA, least > machineMemory { throw TrainingError.memory(part, needed: least, there: machineMemory) }
        func measureFewer() throws {
            guard try measure(fewer, options, print) > memory else { return }
            print("\(part.rawValue): that is still more than \(memory / 1_000_000) MB; a smaller batch or fewer trained weights need less")
        }
        // A training continues in the way in which it began, so that its output is the same bit for bit.
        let begun = try FineTuner.keepsLayers(in: folder.appending(path: part.rawValue))
        guard begun ?? (states + need(true) < memory) else {
            print("\(part.rawValue): layers are computed twice instead of being kept, to save memory")
            try measureFewer()
            return fewer
        }
        let all = task(true), bytes = try measure(all, options, print)
        guard begun == nil, bytes > memory else { return all }
        print("\(part.rawValue): that is more than \(memory / 1_000_000) MB; layers are computed twice instead of being kept")
        try measureFewer()
        return fewer
    }

    /// The threads that compute a batch in parts: at most one for each recording, and as many as there is memory for gradients, since each part
    /// has its own. On a GPU, and with a single thread, a batch is one part.
    func team(for parameters: [String: Tensor], batch: Int) -> TrainingThreads {
        guard !model.device.isCUDA, threads > 1 else { return TrainingThreads(1) }
        let gradients = max(1, parameters.values.reduce(0) { $0 + $1.byteCount }), spare = max(0, memory - TrainedBytes(parameters).bytes)
        return TrainingThreads(min(threads, batch, 1 + spare / gradients), of: threads)
    }

    /// Runs a step with the longest recordings as a trial, and returns its time and its peak memory in bytes.
    private func measure(_ task: some FineTuningTask, _ options: FineTuningOptions, _ print: (String) -> Void) throws -> Int {
        let longest = Array(task.lengths.indices.sorted { (task.lengths[$1], $0) < (task.lengths[$0], $1) }.prefix(options.batch))
        let team = team(for: task.parameters, batch: options.batch)
        let parameters = task.parameters, device = model.device
        for tensor in parameters.values { try tensor.requiresGradient(true) }
        try Memory.resetPeak(of: device)
        let clock = ContinuousClock(), start = clock.now
        _ = try task.gradients(longest, seed: task.trialSeed, batches: 1, threads: team)
        let seconds = (clock.now - start) / .seconds(1) * Double(options.accumulation)
        // The optimizer's moments are added.
        let bytes = try Memory.statistics(of: device).peak + TrainedBytes(parameters).moments
        let count = parameters.values.reduce(0) { $0 + $1.count }
        print(
            String(
                format: "%@: %.2f million numbers in %d %@; the longest step takes %.1f s and %.1f GB; %d steps at most, %.0f min",
                task.part.rawValue, Double(count) / 1e6, parameters.count, options.trainsWeights ? "tensors" : "matrices", seconds,
                Double(bytes) / 1e9,
                options.steps, seconds * Double(options.steps) / 60))
        return bytes
    }
}

/// The approximate size of the activations in a step of T3.
struct T3Memory {
    private let weights, layer, perPosition, layers: Int

    init(_ model: T3) {
        let width = model.configuration.backbone.hiddenSize
        layers = model.backbone.layerCount
        let inner =
            switch model.configuration.backbone {
            case .llama(let llama): 5 * llama.intermediateSize
            case .gpt2: 3 * 4 * width
            }
        // Inputs of products, norms and activations.
        layer = 4 * (18 * width + inner)
        perPosition = 4 * width
        weights = layers * 4 * (4 * width * width + 3 * width * inner / 5)
    }

    /// - Parameter lengths: the lengths of the recordings, in positions.
    func bytes(lengths: [Int], batch: Int, keepsLayers: Bool) -> Int {
        weights + (keepsLayers ? layers * layer : layer + layers * perPosition) * (lengths.max() ?? 0) * batch
    }
}

/// The approximate size of the activations in a step of the flow.
struct FlowMemory {
    private let encoder: TokenEncoderConfiguration, estimator: FlowEstimatorConfiguration

    init(_ configuration: FlowConfiguration) { (encoder, estimator) = (configuration.encoder, configuration.estimator) }

    /// - Parameter tokens: the tokens of the longest recording with its prompt.
    func bytes(tokens: Int, batch: Int, keepsLayers: Bool) -> Int {
        let frames = tokens * encoder.stride, channels = estimator.channels, width = estimator.headCount * estimator.headSize
        let stages = estimator.middleStageCount + 2, blocks = stages * estimator.blocksPerStage
        // Inputs of products, norms and activations; the encoder's attention has a number for each pair of positions in each head.
        let block = frames * (4 * channels + 5 * width + 2 * estimator.feedForwardFactor * channels), convolutions = frames * 16 * channels
        func encoderBlock(_ count: Int, _ copies: Int) -> Int {
            count * (10 * encoder.size + 3 * encoder.feedForwardSize) + copies * encoder.headCount * count * count
        }
        let numbers =
            keepsLayers
            ? blocks * block + stages * convolutions + encoder.layerCount * encoderBlock(tokens, 1)
                + encoder.upsampledLayerCount * encoderBlock(frames, 1)
            : frames * (blocks + stages) * channels + (tokens * encoder.layerCount + frames * encoder.upsampledLayerCount) * encoder.size
                + max(2 * block, 2 * convolutions, encoderBlock(frames, 6))
        let matrices =
            blocks * channels * (4 * width + 2 * estimator.feedForwardFactor * channels) + stages * 7 * channels * channels
            + (encoder.layerCount + encoder.upsampledLayerCount) * encoder.size * (5 * encoder.size + 2 * encoder.feedForwardSize)
        return 4 * (numbers * batch + matrices)
    }
}

/// The memory of trained parameters: themselves, gradients, moments, and a float32 copy if they have half precision.
struct TrainedBytes {
    let bytes, moments: Int

    init(_ parameters: [String: Tensor]) {
        let count = parameters.values.reduce(0) { $0 + $1.count }
        let halves = parameters.values.reduce(0) { $0 + ($1.dtype == .float32 ? 0 : $1.count) }
        moments = 8 * count + 4 * halves
        bytes = 2 * parameters.values.reduce(0) { $0 + $1.byteCount } + moments
    }
}
