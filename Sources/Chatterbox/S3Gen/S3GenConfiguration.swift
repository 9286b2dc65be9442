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

    public init() {}

    /// Chatterbox, its multilingual variants and the single-language packs.
    public static let chatterbox = S3GenConfiguration()

    /// Turbo and Nano, whose flow needs two steps and no guidance.
    public static let meanFlow: S3GenConfiguration = {
        var configuration = S3GenConfiguration()
        configuration.flow = .meanFlow
        return configuration
    }()

    /// Networks of the same shape with few weights, for trying things out.
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

    public static let tiny = chatterbox.tiny
}
