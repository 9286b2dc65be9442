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
}
