import Kernels

/// The minimal work of a stage, computed from a model's sizes. With a machine's bandwidth and arithmetic rate it gives the shortest possible time of
/// the stage.
///
/// Matrix products, convolutions and attention are counted in their direct form; Winograd's filtering takes half the operations of a convolution.
/// Normalisation, activations and the like are not counted: they take a few operations where a product takes thousands.
package struct StageCost: Sendable, Hashable, Codable {
    /// Bytes of weights, keys and values that are read from memory.
    package var bytes: Double
    /// Multiplications and additions in 32 bits; each counts as one.
    package var operations: Double
    /// The same in 8 bits.
    package var roundedOperations: Double

    package init(bytes: Double, operations: Double, roundedOperations: Double = 0) {
        self.bytes = bytes
        self.operations = operations
        self.roundedOperations = roundedOperations
    }

    /// Seconds at a machine's rates, if reading and computing overlap.
    package func seconds(at rates: MachineRates) -> Double {
        max(bytes / rates.bandwidth, operations / rates.float32 + roundedOperations / rates.int8)
    }

    static func + (a: Self, b: Self) -> Self {
        Self(
            bytes: a.bytes + b.bytes, operations: a.operations + b.operations,
            roundedOperations: a.roundedOperations + b.roundedOperations)
    }
    static func * (cost: Self, times: Int) -> Self {
        let times = Double(times)
        return Self(
            bytes: cost.bytes * times, operations: cost.operations * times, roundedOperations: cost.roundedOperations * times)
    }

    /// A product of `rows` rows with this number of weights.
    static func product(weights: Int, rows: Int, format: WeightFormat = .float32) -> Self {
        arithmetic(2 * Double(weights) * Double(rows), format, bytes: Double(format.byteCount(weights: weights)))
    }

    /// Operations on weights, keys or values of a format.
    static func arithmetic(_ operations: Double, _ format: WeightFormat, bytes: Double = 0) -> Self {
        format == .float32
            ? Self(bytes: bytes, operations: operations) : Self(bytes: bytes, operations: 0, roundedOperations: operations)
    }
}

// MARK: T3

extension T3Configuration {
    private var sizes: (layers: Int, hidden: Int, layerWeights: Int) {
        let sizes = backbone.sizes
        return (sizes.layers, sizes.hiddenSize, sizes.layerWeights)
    }

    /// One token for each of `rows` sequences (two with guidance) of `length` positions.
    package func stepCost(length: Int, rows: Int, quantization: Quantization = .none) -> StageCost {
        let (layers, hidden, layerWeights) = sizes
        return StageCost.product(weights: layers * layerWeights, rows: rows, format: quantization.format)
            + StageCost.product(weights: hidden * speechVocabulary, rows: rows, format: headFormat(quantization))
            + attentionCost(length: length, rows: rows, quantization)
    }

    /// Everything before the first token: `length` positions of `rows` sequences.
    package func prefillCost(length: Int, rows: Int, quantization: Quantization = .none) -> StageCost {
        let (layers, hidden, layerWeights) = sizes
        let pairs = attentionCost(length: length, rows: rows * length, quantization).operations / 2
        return StageCost.product(weights: layers * layerWeights, rows: rows * length, format: quantization.format)
            + StageCost.product(weights: hidden * speechVocabulary, rows: rows, format: headFormat(quantization))
            + StageCost(bytes: 0, operations: pairs)
    }

    /// The head has at least 8 bits.
    private func headFormat(_ quantization: Quantization) -> WeightFormat {
        quantization == .int4 ? .int8 : quantization.format
    }

    private func attentionCost(length: Int, rows: Int, _ quantization: Quantization) -> StageCost {
        let numbers = 2 * Double(sizes.layers * sizes.hidden) * Double(length * rows)
        // Each head of 64 numbers has a scale at each position.
        return StageCost(bytes: numbers * (quantization == .none ? 4 : 1 + 4.0 / 64), operations: 2 * numbers)
    }
}

// MARK: S3Gen

extension FlowConfiguration {
    /// From tokens to mel.
    ///
    /// - Parameters:
    ///   - tokens: the number of speech tokens.
    ///   - prompt: the number of speech tokens in the voice's prompt, which the flow processes as well.
    ///   - steps: the solver's number of steps; nil for the model's.
    ///   - quantization: rounds attention, and all weights of encoder and estimator except the first and last, to 8 bits.
    package func cost(tokens: Int, prompt: Int, steps: Int? = nil, quantization: Quantization = .none) -> StageCost {
        chunkCost(tokens: tokens + prompt, seen: 0, steps: steps, quantization: quantization)
    }

    /// From tokens to mel, for tokens that follow others.
    ///
    /// - Parameter seen: the number of preceding tokens to which they attend.
    func chunkCost(tokens: Int, seen: Int, steps: Int? = nil, quantization: Quantization = .none) -> StageCost {
        let steps = steps ?? self.steps, sequences = guidance != 0 ? 2 : 1
        return encoder.cost(tokens: tokens, seen: seen, format: quantization.soundFormat)
            + estimator.cost(
                melChannels: melChannels, frames: tokens * framesPerToken, seen: seen * framesPerToken, sequences: sequences,
                format: quantization.soundFormat) * steps
    }
}

extension TokenEncoderConfiguration {
    fileprivate func cost(tokens: Int, seen: Int, format: WeightFormat) -> StageCost {
        // Queries, keys, values, positions (counted twice), output; then the feed-forward block.
        let layer = 6 * size * size + 2 * size * feedForwardSize
        func layers(_ count: Int, _ length: Int, _ seen: Int) -> StageCost {
            // Scores of content and of position, and the sum of values.
            let attention = StageCost.arithmetic(2 * 4 * Double(length) * Double(length + seen) * Double(size), format)
            return (StageCost.product(weights: layer, rows: length, format: format) + attention) * count
        }
        let convolutions = (1 + lookahead + 1 + 3) * size * size, upsampling = (2 * stride + 1 + 1) * size * size
        let frames = tokens * stride
        return layers(layerCount, tokens, seen) + layers(upsampledLayerCount, frames, seen * stride)
            + .product(weights: convolutions, rows: tokens) + .product(weights: upsampling, rows: frames)
    }
}

extension FlowEstimatorConfiguration {
    /// One evaluation of the estimator.
    fileprivate func cost(melChannels: Int, frames: Int, seen: Int, sequences: Int, format: WeightFormat) -> StageCost {
        let heads = headCount * headSize
        let block = 4 * channels * heads + 2 * feedForwardFactor * channels * channels
        func stage(from inputs: Int) -> Int { 4 * inputs * channels + 3 * channels * channels + blocksPerStage * block }
        let stages = stage(from: 0) + middleStageCount * stage(from: channels) + stage(from: 2 * channels) + 3 * channels * channels
        // The layers that read the noisy mel, and those that compute the velocity.
        let ends = 4 * 4 * melChannels * channels + 6 * channels * channels + channels * melChannels
        let blocks = Double((middleStageCount + 2) * blocksPerStage)
        let attention = blocks * 2 * 2 * Double(frames) * Double((frames + seen) * heads) * Double(sequences)
        return .product(weights: ends, rows: frames * sequences) + .product(weights: stages, rows: frames * sequences, format: format)
            + .arithmetic(attention, format)
    }
}

extension VocoderConfiguration {
    /// From mel to waveform, including the pitch predictor and without the sine source.
    ///
    /// - Parameters:
    ///   - frames: the number of mel frames.
    ///   - quantization: rounds the weights between the first and the last convolution, except those of the source, to 8 bits.
    package func cost(frames: Int, quantization: Quantization = .none) -> StageCost {
        let format = quantization.soundFormat
        var cost =
            StageCost.product(weights: 3 * (melBins + 4 * pitchChannels) * pitchChannels, rows: frames)
            + .product(weights: 7 * melBins * baseChannels, rows: frames)
        var length = frames
        for stage in upsampleRates.indices {
            let channels = channels(after: stage)
            cost = cost + .product(weights: 2 * channels * channels * upsampleKernels[stage], rows: length, format: format)
            length *= upsampleRates[stage]
            let stride = sourceStride(at: stage)
            let source = 2 * transformBins * channels * (stride == 1 ? 1 : 2 * stride)
            let taps =
                zip(residualKernels, residualDilations).reduce(0) { $0 + 2 * $1.0 * $1.1.count }
                + 2 * sourceResidualKernels[stage] * sourceResidualDilations[stage].count
            cost =
                cost + .product(weights: source, rows: length)
                + .product(weights: taps * channels * channels, rows: length, format: format)
        }
        return cost + .product(weights: 7 * channels(after: upsampleRates.count - 1) * 2 * transformBins, rows: length)
    }
}
