/// What a stage must at least do: the operations that its matrix products and convolutions count, and the bytes of
/// weights that it reads. Held against what a machine can do, it tells how close to the limit the stage runs.
///
/// A multiplication and an addition are two operations. Normalisation, activations and the like are left out: they are
/// a few operations where a product has thousands.
public struct Workload: Sendable, Hashable, Codable {
    public var operations: Double
    public var bytes: Double

    public init(operations: Double, bytes: Double) {
        self.operations = operations
        self.bytes = bytes
    }

    /// Seconds that a machine needs at least.
    public func seconds(bytesPerSecond: Double, operationsPerSecond: Double) -> Double {
        max(bytes / bytesPerSecond, operations / operationsPerSecond)
    }
}

extension T3Configuration {
    /// Weights that one token passes through: the backbone's matrices and the speech head.
    public var weightsPerToken: Int {
        let size = backbone.hiddenSize
        let layers = switch backbone {
        case .llama(let llama): llama.layers * (4 * size * size + 3 * size * llama.intermediateSize)
        case .gpt2(let gpt2): gpt2.layers * 12 * size * size
        }
        return layers + size * speechVocabulary
    }

    private var layerCount: Int {
        switch backbone {
        case .llama(let llama): llama.layers
        case .gpt2(let gpt2): gpt2.layers
        }
    }

    /// Drawing one token: every weight is read once, whatever the number of rows, and every row's keys and values.
    ///
    /// - Parameters:
    ///   - rows: 2 with guidance.
    ///   - length: positions that the token looks back on.
    ///   - bytesPerWeight: 4 in float32, 1 and a little for scales in int8.
    public func decodingWorkload(rows: Int, length: Int, bytesPerWeight: Double) -> Workload {
        let attention = 2.0 * Double(layerCount * backbone.hiddenSize * length * rows)
        return Workload(
            operations: 2 * Double(weightsPerToken * rows) + 2 * attention,
            bytes: Double(weightsPerToken) * bytesPerWeight + 4 * attention)
    }

    /// Everything before the first token.
    ///
    /// - Parameter length: conditions, text and start tokens.
    public func prefillWorkload(rows: Int, length: Int, bytesPerWeight: Double) -> Workload {
        // Each position looks back on those before it: half of length² pairs.
        let attention = 2.0 * Double(layerCount * backbone.hiddenSize * rows) * Double(length) * Double(length) / 2
        let head = backbone.hiddenSize * speechVocabulary
        return Workload(
            operations: 2 * Double(rows) * (Double(weightsPerToken - head) * Double(length) + Double(head)) + 2 * attention,
            bytes: Double(weightsPerToken) * bytesPerWeight)
    }
}

extension FlowConfiguration {
    /// Tokens to mel, prompt included.
    ///
    /// - Parameter tokens: of the prompt and of new speech together.
    public func workload(tokens: Int, steps: Int) -> Workload {
        let frames = tokens * framesPerToken
        let rows = guidance > 0 ? 2 : 1
        let (encoding, encodingWeights) = encoder.workload(tokens: tokens)
        let (estimate, estimatorWeights) = estimator.workload(frames: frames, mel: melChannels)
        return Workload(
            operations: encoding + estimate * Double(rows * steps),
            bytes: 4 * (encodingWeights + estimatorWeights * Double(steps)))
    }
}

extension TokenEncoderConfiguration {
    fileprivate func workload(tokens: Int) -> (operations: Double, weights: Double) {
        // Query, key, value, output and the relative positions' projection, then the two feed-forward matrices.
        let layer = Double(5 * size * size + 2 * size * feedForwardSize)
        func layers(_ count: Int, _ length: Int) -> Double {
            // Scores by content and by position, and the weighted sum, all over every pair.
            Double(count) * (2 * layer * Double(length) + 8 * Double(size) * Double(length) * Double(length))
        }
        return (
            layers(layerCount, tokens) + layers(upsampledLayerCount, tokens * stride),
            layer * Double(layerCount + upsampledLayerCount))
    }
}

extension FlowEstimatorConfiguration {
    fileprivate func workload(frames: Int, mel: Int) -> (operations: Double, weights: Double) {
        let heads = headCount * headSize
        let transformer = Double(4 * channels * heads + 2 * feedForwardFactor * channels * channels)
        let transformers = Double(blocksPerStage * (middleStageCount + 2))
        func stage(from inputs: Int) -> Double { Double(3 * inputs * channels + 3 * channels * channels + inputs * channels) }
        let convolutions = stage(from: 4 * mel) + Double(middleStageCount) * stage(from: channels) + stage(from: 2 * channels)
            + Double(9 * channels * channels + channels * mel)
        let weights = transformer * transformers + convolutions
        let attention = 4 * Double(heads) * Double(frames) * Double(frames) * transformers
        return (2 * weights * Double(frames) + attention, weights)
    }
}

extension VocoderConfiguration {
    /// Mel to waveform.
    public func workload(frames: Int) -> Workload {
        var (operations, weights) = (0.0, 0.0)
        func convolution(from inputs: Int, to outputs: Int, kernel: Int, steps: Double, stride: Int = 1) {
            let count = Double(inputs * outputs * kernel)
            operations += 2 * count * steps / Double(stride)
            weights += count
        }
        let frames = Double(frames)
        convolution(from: melBins, to: pitchChannels, kernel: 3, steps: frames)
        for _ in 1..<5 { convolution(from: pitchChannels, to: pitchChannels, kernel: 3, steps: frames) }
        convolution(from: melBins, to: baseChannels, kernel: 7, steps: frames)
        var steps = frames
        for (index, rate) in upsampleRates.enumerated() {
            let channels = channels(after: index)
            steps *= Double(rate)
            // A transposed convolution spreads each input over its kernel.
            convolution(from: 2 * channels, to: channels, kernel: upsampleKernels[index], steps: steps, stride: rate)
            let stride = sourceStride(at: index)
            convolution(from: 2 * transformBins, to: channels, kernel: stride == 1 ? 1 : 2 * stride, steps: steps)
            let blocks = Array(zip(residualKernels, residualDilations))
                + [(sourceResidualKernels[index], sourceResidualDilations[index])]
            for (kernel, dilations) in blocks {
                for _ in dilations {
                    convolution(from: channels, to: channels, kernel: kernel, steps: steps)
                    convolution(from: channels, to: channels, kernel: kernel, steps: steps)
                }
            }
        }
        convolution(from: baseChannels >> upsampleRates.count, to: 2 * transformBins, kernel: 7, steps: steps)
        return Workload(operations: operations, bytes: 4 * weights)
    }
}
