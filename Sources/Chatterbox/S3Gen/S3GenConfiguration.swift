/// The sizes of S3Gen's four networks.
public struct S3GenConfiguration: Sendable, Codable, Hashable {
    /// Recording to speech tokens.
    public var tokenizer = S3TokenizerConfig.chatterbox
    /// Recording to speaker vector.
    public var speakerEncoder = SpeakerEncoderConfig.chatterbox
    /// Speech tokens to mel.
    public var flow = FlowConfiguration.chatterbox
    /// Mel to waveform.
    public var vocoder = VocoderConfiguration.chatterbox

    /// The sizes of the released models.
    public init() {}

    /// Chatterbox, its multilingual variants and the single-language packs.
    public static let chatterbox = S3GenConfiguration()

    /// Turbo and Nano, whose flow needs two steps and no guidance.
    public static let meanFlow: S3GenConfiguration = {
        var configuration = S3GenConfiguration()
        configuration.flow = .meanFlow
        return configuration
    }()

    /// Networks of the same structure with few weights, for tests.
    public var tiny: S3GenConfiguration {
        var tiny = self
        tiny.tokenizer.hiddenSize = 64
        tiny.tokenizer.heads = 2
        tiny.tokenizer.layers = 1
        tiny.speakerEncoder.blocks = [.init(layers: 2, dilation: 1), .init(layers: 2, dilation: 2)]
        tiny.flow.encoder.size = 64
        tiny.flow.encoder.headCount = 2
        tiny.flow.encoder.feedForwardSize = 128
        tiny.flow.encoder.layerCount = 1
        tiny.flow.encoder.upsampledLayerCount = 1
        tiny.flow.estimator.channels = 64
        tiny.flow.estimator.headCount = 2
        tiny.flow.estimator.headSize = 32
        tiny.flow.estimator.blocksPerStage = 1
        tiny.flow.estimator.middleStageCount = 1
        tiny.vocoder.baseChannels = 64
        tiny.vocoder.pitchChannels = 32
        return tiny
    }

    /// Small sizes, for tests.
    public static let tiny = chatterbox.tiny
}

/// Sizes of S3Gen's path from speech tokens to mel frames.
///
/// The defaults are those of every Chatterbox checkpoint that guides its flow; a smaller model sets other numbers and
/// loads through the same code. Source: `models/s3gen/{s3gen,flow,configs}.py`.
public struct FlowConfiguration: Sendable, Codable, Hashable {
    /// Number of speech tokens in the embedding; larger ids are refused.
    public var tokenCount = 6561
    /// Mel bins of a frame.
    public var melChannels = 80
    /// Length of the speaker vector (CAMPPlus).
    public var speakerSize = 192
    /// Sizes of the token encoder.
    public var encoder = TokenEncoderConfiguration()
    /// Sizes of the estimator.
    public var estimator = FlowEstimatorConfiguration()
    /// Whether the estimator gets the end of a step as well as its start, and needs no guidance (Turbo, Nano).
    public var meanFlow = false
    /// The default number of solver steps.
    public var steps = 10
    /// Strength of guidance: how far the velocity is extrapolated beyond the conditioned one; with 0 the unconditioned half of the batch is not
    /// computed.
    public var guidance = 0.7
    /// Standard deviation of the noise that remains at the end of the flow, in training.
    public var noiseFloor = 1e-6
    /// Share of training examples whose conditions are dropped, to train the unconditioned velocity for guidance.
    public var unconditionalRate = 0.2

    /// The sizes of the released models.
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

    /// Mel frames for each token.
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
    /// Attention heads.
    public var headCount = 8
    /// Width of the feed-forward layers.
    public var feedForwardSize = 2048
    /// Layers at token rate.
    public var layerCount = 6
    /// Layers at mel rate.
    public var upsampledLayerCount = 4
    /// Lookahead of the convolution before attention, in tokens.
    public var lookahead = 3
    /// Mel frames for a token.
    public var stride = 2

    /// The sizes of the released models.
    public init() {}

    /// The number of frames for a number of tokens.
    func frames(of tokens: Range<Int>) -> Range<Int> { stride * tokens.lowerBound..<stride * tokens.upperBound }
}

/// Sizes of the network that predicts the flow's velocity.
///
/// Source: `models/s3gen/decoder.py`, whose U-Net has a single level in every Chatterbox checkpoint.
public struct FlowEstimatorConfiguration: Sendable, Codable, Hashable {
    /// Width of every stage.
    public var channels = 256
    /// Attention heads.
    public var headCount = 8
    /// Channels of an attention head.
    public var headSize = 64
    /// Width of a transformer block's feed-forward layer, in multiples of `channels`.
    public var feedForwardFactor = 4
    /// Transformer blocks after each stage's convolutions.
    public var blocksPerStage = 4
    /// Stages between the first and the last.
    public var middleStageCount = 12

    /// The sizes of the released models.
    public init() {}
}

/// The sizes of a HiFT vocoder: pitch predictor, harmonic source and inverse-transform network.
///
/// The stored names are also the keys of the vocoder's part of a model's `config.json`.
public struct VocoderConfiguration: Sendable, Codable, Hashable {
    /// Mel bins of the input.
    public var melBins: Int
    /// Channels after the first convolution; each upsampling halves them.
    public var baseChannels: Int
    /// Channels of the pitch predictor.
    public var pitchChannels: Int
    /// Overtones of the source above the fundamental.
    public var harmonics: Int
    /// Samples per second of the waveform.
    public var sampleRate: Int
    /// Amplitude of each sine of the source.
    public var sineAmplitude: Double
    /// Standard deviation of the noise added to voiced samples of the source.
    public var noiseDeviation: Double
    /// F0 in Hz above which a sample counts as voiced.
    public var voicedThreshold: Double
    /// Factors by which the transposed convolutions lengthen the signal, in order.
    public var upsampleRates: [Int]
    /// Kernel lengths of the transposed convolutions, one for each rate.
    public var upsampleKernels: [Int]
    /// Length of the short-time Fourier transform, in samples.
    public var transformSize: Int
    /// Step of the short-time Fourier transform, in samples.
    public var transformHop: Int
    /// Kernel lengths of the parallel residual blocks after each upsampling.
    public var residualKernels: [Int]
    /// Dilations within each residual block, one list for each kernel.
    public var residualDilations: [[Int]]
    /// Kernel lengths of the source's residual blocks, one for each upsampling.
    public var sourceResidualKernels: [Int]
    /// Dilations within each of the source's residual blocks.
    public var sourceResidualDilations: [[Int]]
    /// Slope of the leaky rectifier before each upsampling.
    public var leakySlope: Double
    /// Largest absolute value of the waveform.
    public var amplitudeLimit: Double

    /// Makes a configuration; every size defaults to the released Chatterbox model's.
    public init(
        melBins: Int = 80,
        baseChannels: Int = 512,
        pitchChannels: Int = 512,
        harmonics: Int = 8,
        sampleRate: Int = 24_000,
        sineAmplitude: Double = 0.1,
        noiseDeviation: Double = 0.003,
        voicedThreshold: Double = 10,
        upsampleRates: [Int] = [8, 5, 3],
        upsampleKernels: [Int] = [16, 11, 7],
        transformSize: Int = 16,
        transformHop: Int = 4,
        residualKernels: [Int] = [3, 7, 11],
        residualDilations: [[Int]] = [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        sourceResidualKernels: [Int] = [7, 7, 11],
        sourceResidualDilations: [[Int]] = [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        leakySlope: Double = 0.1,
        amplitudeLimit: Double = 0.99
    ) {
        self.melBins = melBins
        self.baseChannels = baseChannels
        self.pitchChannels = pitchChannels
        self.harmonics = harmonics
        self.sampleRate = sampleRate
        self.sineAmplitude = sineAmplitude
        self.noiseDeviation = noiseDeviation
        self.voicedThreshold = voicedThreshold
        self.upsampleRates = upsampleRates
        self.upsampleKernels = upsampleKernels
        self.transformSize = transformSize
        self.transformHop = transformHop
        self.residualKernels = residualKernels
        self.residualDilations = residualDilations
        self.sourceResidualKernels = sourceResidualKernels
        self.sourceResidualDilations = sourceResidualDilations
        self.leakySlope = leakySlope
        self.amplitudeLimit = amplitudeLimit
    }

    /// The vocoder of every released Chatterbox model: 80 mel bins at 50 frames a second to 24 kHz.
    public static let chatterbox = VocoderConfiguration()

    /// Samples of waveform for one mel frame (480 at Chatterbox's sizes).
    public var samplesPerFrame: Int { upsampleRates.reduce(transformHop, *) }

    /// Frequency bins of the short-time Fourier transform.
    var transformBins: Int { transformSize / 2 + 1 }

    /// Channels after upsampling number `stage`, counted from 0.
    func channels(after stage: Int) -> Int { baseChannels >> (stage + 1) }

    /// Spectral frames of the source for one step of the network after upsampling number `stage`.
    func sourceStride(at stage: Int) -> Int { upsampleRates[(stage + 1)...].reduce(1, *) }

    /// Throws `VocoderError.configuration` when the sizes contradict each other.
    func validate() throws {
        let stages = upsampleRates.count
        func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
            if !condition { throw VocoderError.configuration(problem()) }
        }
        try require(
            min(melBins, pitchChannels, sampleRate, transformHop) > 0 && harmonics >= 0,
            "melBins, pitchChannels, sampleRate and transformHop must be above 0 and harmonics not below 0")
        try require(
            transformSize >= 2 && transformSize.isMultiple(of: 2) && transformHop <= transformSize / 2,
            "transformSize (\(transformSize)) must be even and at least twice transformHop (\(transformHop))")
        try require(
            stages > 0 && upsampleKernels.count == stages,
            "upsampleKernels needs one kernel for each of the \(stages) upsampleRates, and has \(upsampleKernels.count)")
        for (rate, kernel) in zip(upsampleRates, upsampleKernels) {
            try require(
                rate > 0 && kernel >= rate && (kernel - rate).isMultiple(of: 2),
                "upsampling by \(rate) needs a kernel of \(rate) samples or an even number more, and has \(kernel)")
        }
        try require(
            baseChannels > 0 && baseChannels.isMultiple(of: 1 << stages),
            "baseChannels (\(baseChannels)) must divide by two \(stages) times")
        try require(
            !residualKernels.isEmpty && residualDilations.count == residualKernels.count,
            "residualDilations needs one list for each of the \(residualKernels.count) residualKernels")
        try require(
            sourceResidualKernels.count == stages && sourceResidualDilations.count == stages,
            "sourceResidualKernels and sourceResidualDilations need one entry for each of the \(stages) upsampleRates")
        try require(
            (residualKernels + sourceResidualKernels).allSatisfy { $0 > 0 && !$0.isMultiple(of: 2) },
            "residual kernels must be odd, so that a block keeps its length")
        try require(
            (residualDilations + sourceResidualDilations).allSatisfy { list in !list.isEmpty && list.allSatisfy { $0 > 0 } },
            "a residual block needs at least one dilation, and dilations must be above 0")
    }
}

/// Why a vocoder could not be made or run.
public enum VocoderError: Error, Equatable, CustomStringConvertible {
    /// The configuration contradicts itself.
    case configuration(String)
    /// An argument does not have the shape the vocoder needs.
    case shape(argument: String, found: [Int], expected: String)

    public var description: String {
        switch self {
        case .configuration(let problem): "The vocoder's configuration does not work: \(problem)."
        case .shape(let argument, let found, let expected):
            "The vocoder's \(argument) has the shape \(found), but needs \(expected)."
        }
    }
}

/// Why speech tokens cannot become a mel spectrogram.
public enum FlowError: Error, Equatable, CustomStringConvertible {
    case configuration(String)
    case noTokens
    case tokenOutOfRange(Int, limit: Int)
    case promptLength(tokens: Int, frames: Int, framesPerToken: Int)
    case shape(String, expected: String, found: [Int])
    case steps(Int)

    public var description: String {
        switch self {
        case .configuration(let problem):
            "The flow's configuration is impossible: \(problem)."
        case .noTokens:
            "There are no speech tokens to turn into sound."
        case .tokenOutOfRange(let token, let limit):
            "Speech token \(token) is outside 0..<\(limit); drop control tokens before the flow."
        case .promptLength(let tokens, let frames, let framesPerToken):
            "A prompt of \(tokens) tokens goes with \(tokens * framesPerToken) mel frames; found \(frames)."
        case .shape(let name, let expected, let found):
            "\(name) must have shape \(expected); found \(found)."
        case .steps(let steps):
            "The flow needs at least 1 step; found \(steps)."
        }
    }
}
