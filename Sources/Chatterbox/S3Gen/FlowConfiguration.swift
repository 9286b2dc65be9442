/// Sizes of S3Gen's path from speech tokens to mel frames.
///
/// The defaults are those of every Chatterbox checkpoint that guides its flow; a smaller model sets other numbers and
/// loads through the same code. Source: `models/s3gen/{s3gen,flow,configs}.py`.
public struct FlowConfiguration: Sendable, Codable, Hashable {
    /// Speech tokens the embedding knows; ids from here on are refused.
    public var tokenCount = 6561
    /// Mel bins of a frame.
    public var melChannels = 80
    /// Length of the speaker vector (CAMPPlus).
    public var speakerSize = 192
    public var encoder = TokenEncoderConfiguration()
    public var estimator = FlowEstimatorConfiguration()
    /// The estimator takes the end of a step beside its start and needs no guidance (Turbo, Nano).
    public var meanFlow = false
    /// Steps of the solver when the caller names none.
    public var steps = 10
    /// How far guidance goes beyond the conditioned velocity; 0 runs without the unconditioned half of the batch.
    public var guidance = 0.7
    /// Standard deviation that stays around a mel at the end of the flow, in training.
    public var noiseFloor = 1e-6
    /// Share of training examples that lose their conditions, so that guidance has something to steer away from.
    public var unconditionalRate = 0.2

    public init() {}

    /// Chatterbox and its multilingual variants: 10 guided steps on a cosine schedule.
    public static let chatterbox = FlowConfiguration()

    /// Turbo and Nano: 2 mean-flow steps without guidance.
    public static let meanFlow = FlowConfiguration().asMeanFlow

    /// The same sizes with a mean flow.
    package var asMeanFlow: FlowConfiguration {
        var configuration = self
        configuration.meanFlow = true
        configuration.steps = 2
        configuration.guidance = 0
        return configuration
    }

    /// Mel frames a token becomes.
    public var framesPerToken: Int { encoder.stride }

    /// Throws ``FlowError/configuration(_:)`` with the first size that no network can have.
    func validate() throws {
        let counts = [
            ("tokenCount", tokenCount), ("melChannels", melChannels), ("speakerSize", speakerSize), ("steps", steps),
            ("encoder.size", encoder.size), ("encoder.headCount", encoder.headCount),
            ("encoder.feedForwardSize", encoder.feedForwardSize), ("encoder.stride", encoder.stride),
            ("estimator.channels", estimator.channels), ("estimator.headCount", estimator.headCount),
            ("estimator.headSize", estimator.headSize), ("estimator.feedForwardFactor", estimator.feedForwardFactor),
        ]
        for (name, count) in counts where count < 1 {
            throw FlowError.configuration("\(name) is \(count); it must be at least 1")
        }
        let layers = [
            ("encoder.layerCount", encoder.layerCount), ("encoder.upsampledLayerCount", encoder.upsampledLayerCount),
            ("encoder.lookahead", encoder.lookahead), ("estimator.blocksPerStage", estimator.blocksPerStage),
            ("estimator.middleStageCount", estimator.middleStageCount),
        ]
        for (name, count) in layers where count < 0 {
            throw FlowError.configuration("\(name) is \(count); it must not be negative")
        }
        guard encoder.size % encoder.headCount == 0, encoder.size % 2 == 0 else {
            throw FlowError.configuration(
                "encoder.size is \(encoder.size); it must be even and a multiple of encoder.headCount, "
                    + "\(encoder.headCount)")
        }
        guard guidance.isFinite, guidance >= 0, (0...1).contains(unconditionalRate), (0...1).contains(noiseFloor) else {
            throw FlowError.configuration(
                "guidance must be 0 or more, unconditionalRate and noiseFloor between 0 and 1; "
                    + "found \(guidance), \(unconditionalRate) and \(noiseFloor)")
        }
    }
}

/// Sizes of the conformer that turns token embeddings into mel-rate features.
///
/// Source: `models/s3gen/transformer/upsample_encoder.py`.
public struct TokenEncoderConfiguration: Sendable, Codable, Hashable {
    /// Width of embeddings and of every layer.
    public var size = 512
    public var headCount = 8
    public var feedForwardSize = 2048
    /// Layers at token rate.
    public var layerCount = 6
    /// Layers at mel rate.
    public var upsampledLayerCount = 4
    /// Tokens ahead that a token's features depend on before attention.
    public var lookahead = 3
    /// Mel frames a token becomes.
    public var stride = 2

    public init() {}

    /// The frames that tokens become.
    func frames(of tokens: Range<Int>) -> Range<Int> { stride * tokens.lowerBound..<stride * tokens.upperBound }
}

/// Sizes of the network that predicts the flow's velocity.
///
/// Source: `models/s3gen/decoder.py`, whose U-Net has a single level in every Chatterbox checkpoint.
public struct FlowEstimatorConfiguration: Sendable, Codable, Hashable {
    /// Width of every stage.
    public var channels = 256
    public var headCount = 8
    public var headSize = 64
    /// Width of a transformer block's feed-forward layer, in multiples of `channels`.
    public var feedForwardFactor = 4
    /// Transformer blocks after each stage's convolutions.
    public var blocksPerStage = 4
    /// Stages between the first and the last.
    public var middleStageCount = 12

    public init() {}
}
