import Kernels

/// What a stage has to do at the least, counted from a model's sizes: a machine's bandwidth and arithmetic rate turn it
/// into the shortest time that the stage can take there.
public struct StageCost: Sendable, Hashable, Codable {
    /// Bytes of weights, keys and values that are read from memory.
    public var bytes: Double
    /// Multiplications and additions, each of which counts.
    public var operations: Double

    public init(bytes: Double, operations: Double) {
        self.bytes = bytes
        self.operations = operations
    }

    /// Seconds at a machine's rates, where reading and computing overlap.
    ///
    /// - Parameters:
    ///   - bandwidth: bytes a second.
    ///   - rate: operations a second.
    public func seconds(bandwidth: Double, rate: Double) -> Double { max(bytes / bandwidth, operations / rate) }

    static func + (a: Self, b: Self) -> Self { Self(bytes: a.bytes + b.bytes, operations: a.operations + b.operations) }
    static func * (cost: Self, times: Int) -> Self {
        Self(bytes: cost.bytes * Double(times), operations: cost.operations * Double(times))
    }

    /// A product of `rows` rows with so many weights.
    static func product(weights: Int, rows: Int, format: WeightFormat = .float32) -> Self {
        Self(bytes: Double(format.byteCount(weights: weights)), operations: 2 * Double(weights) * Double(rows))
    }
}

// MARK: T3

extension T3Configuration {
    private var sizes: (layers: Int, hidden: Int, layerWeights: Int) {
        switch backbone {
        case .llama(let llama):
            let hidden = llama.hiddenSize
            return (llama.layers, hidden, 4 * hidden * hidden + 3 * hidden * llama.intermediateSize)
        case .gpt2(let gpt2): return (gpt2.layers, gpt2.hiddenSize, 12 * gpt2.hiddenSize * gpt2.hiddenSize)
        }
    }

    /// One token for each of `rows` sequences (two with guidance) that are `length` positions long.
    public func stepCost(length: Int, rows: Int, quantization: Quantization = .none) -> StageCost {
        let (layers, hidden, layerWeights) = sizes
        let format = quantization.format
        let head = StageCost.product(weights: hidden * speechVocabulary, rows: rows, format: format == .int4 ? .int8 : format)
        return StageCost.product(weights: layers * layerWeights, rows: rows, format: format) + head
            + attentionCost(length: length, rows: rows, quantization)
    }

    /// Everything before the first token: `length` positions of `rows` sequences.
    public func prefillCost(length: Int, rows: Int, quantization: Quantization = .none) -> StageCost {
        let (layers, hidden, layerWeights) = sizes
        let pairs = attentionCost(length: length, rows: rows * length, quantization).operations / 2
        return StageCost.product(weights: layers * layerWeights, rows: rows * length, format: quantization.format)
            + StageCost.product(weights: hidden * speechVocabulary, rows: rows) + StageCost(bytes: 0, operations: pairs)
    }

    private func attentionCost(length: Int, rows: Int, _ quantization: Quantization) -> StageCost {
        let numbers = 2 * Double(sizes.layers * sizes.hidden) * Double(length * rows)
        return StageCost(bytes: numbers * (quantization == .none ? 4 : 2), operations: 2 * numbers)
    }
}

// MARK: S3Gen

extension FlowConfiguration {
    /// From tokens to mel.
    ///
    /// - Parameters:
    ///   - tokens: speech tokens to speak.
    ///   - prompt: speech tokens of the voice's prompt, which the flow runs over as well.
    ///   - steps: steps of the solver; nil takes the model's number.
    public func cost(tokens: Int, prompt: Int, steps: Int? = nil) -> StageCost {
        let (all, frames) = (tokens + prompt, (tokens + prompt) * framesPerToken)
        let steps = steps ?? self.steps, sequences = guidance != 0 ? 2 : 1
        return encoder.cost(tokens: all, frames: frames)
            + estimator.cost(melChannels: melChannels, frames: frames, sequences: sequences) * steps
    }
}

extension TokenEncoderConfiguration {
    fileprivate func cost(tokens: Int, frames: Int) -> StageCost {
        // Queries, keys, values, positions twice over, output; then the feed-forward block.
        let layer = 6 * size * size + 2 * size * feedForwardSize
        func layers(_ count: Int, _ length: Int) -> StageCost {
            // Scores of content and of distance, and the sum of values.
            let attention = StageCost(bytes: 0, operations: 2 * 4 * Double(length) * Double(length) * Double(size))
            return (StageCost.product(weights: layer, rows: length) + attention) * count
        }
        let convolutions = (1 + lookahead + 1 + 3) * size * size, upsampling = (2 * stride + 1 + 1) * size * size
        return layers(layerCount, tokens) + layers(upsampledLayerCount, frames)
            + .product(weights: convolutions, rows: tokens) + .product(weights: upsampling, rows: frames)
    }
}

extension FlowEstimatorConfiguration {
    /// One evaluation.
    fileprivate func cost(melChannels: Int, frames: Int, sequences: Int) -> StageCost {
        let heads = headCount * headSize
        let block = 4 * channels * heads + 2 * feedForwardFactor * channels * channels
        func stage(from inputs: Int) -> Int { 4 * inputs * channels + 3 * channels * channels + blocksPerStage * block }
        let stages = stage(from: 4 * melChannels) + middleStageCount * stage(from: channels) + stage(from: 2 * channels)
        let ends = 9 * channels * channels + channels * melChannels
        let blocks = Double((middleStageCount + 2) * blocksPerStage)
        let attention = blocks * 2 * 2 * Double(frames) * Double(frames * heads) * Double(sequences)
        return .product(weights: stages + ends, rows: frames * sequences) + StageCost(bytes: 0, operations: attention)
    }
}

extension VocoderConfiguration {
    /// From mel to waveform; pitch included, the sine source not.
    public func cost(frames: Int) -> StageCost {
        var cost = StageCost.product(weights: 3 * (melBins + 4 * pitchChannels) * pitchChannels, rows: frames)
            + .product(weights: 7 * melBins * baseChannels, rows: frames)
        var length = frames
        for stage in upsampleRates.indices {
            let channels = channels(after: stage)
            cost = cost + .product(weights: 2 * channels * channels * upsampleKernels[stage], rows: length)
            length *= upsampleRates[stage]
            let stride = sourceStride(at: stage)
            let source = 2 * transformBins * channels * (stride == 1 ? 1 : 2 * stride)
            let taps = zip(residualKernels, residualDilations).reduce(0) { $0 + 2 * $1.0 * $1.1.count }
                + 2 * sourceResidualKernels[stage] * sourceResidualDilations[stage].count
            cost = cost + .product(weights: source + taps * channels * channels, rows: length)
        }
        return cost + .product(weights: 7 * channels(after: upsampleRates.count - 1) * 2 * transformBins, rows: length)
    }
}
