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

    /// Pico's networks.
    public static let pico: S3GenConfiguration = {
        var pico = S3GenConfiguration()
        pico.tokenizer.hiddenSize = 128
        pico.tokenizer.heads = 4
        pico.tokenizer.layers = 4
        pico.speakerEncoder.headChannels = 8
        pico.speakerEncoder.headBlocks = 1
        pico.speakerEncoder.channels = 64
        pico.speakerEncoder.growth = 16
        pico.speakerEncoder.blocks = [.init(layers: 4, dilation: 1), .init(layers: 8, dilation: 2), .init(layers: 6, dilation: 2)]
        pico.flow.encoder.size = 128
        pico.flow.encoder.headCount = 4
        pico.flow.encoder.feedForwardSize = 384
        pico.flow.encoder.layerCount = 2
        pico.flow.encoder.upsampledLayerCount = 2
        pico.flow.estimator.channels = 128
        pico.flow.estimator.headCount = 2
        pico.flow.estimator.blocksPerStage = 1
        pico.flow.estimator.middleStageCount = 1
        pico.flow.steps = 6
        pico.vocoder.baseChannels = 128
        pico.vocoder.pitchChannels = 96
        // A small network makes few overtones of its own: these reach to 3 kHz for the lowest voice, 7 for a high one.
        pico.vocoder.harmonics = 30
        return pico
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
