import Foundation
import Torch

/// Sizes of every network of a model.
///
/// Upstream's checkpoints contain no sizes: they follow from the files' names. The folder of another model of the same architecture contains a
/// `config.json` with this structure, and is loaded by the same code.
public struct ModelConfiguration: Sendable, Codable, Hashable {
    /// The speech token model.
    public var t3 = T3Configuration.chatterbox
    /// Computes the speaker embedding for T3.
    public var voiceEncoder = VoiceEncoderConfiguration.chatterbox
    /// From speech tokens to sound, including the networks that analyse a recording.
    public var s3Gen = S3GenConfiguration.chatterbox
    /// How much of a recording is used.
    public var reference = ReferenceRules.chatterbox

    /// The English model's.
    public init() {}

    /// The English model.
    public static let chatterbox = ModelConfiguration()

    /// The multilingual models and the single-language packs.
    public static let multilingual = {
        var configuration = ModelConfiguration()
        configuration.t3 = .multilingual
        return configuration
    }()

    /// Turbo: GPT-2 medium in place of Llama, two steps of flow.
    public static let turbo = meanFlow(.turbo)
    /// Nano: a smaller GPT-2.
    public static let nano = meanFlow(.nano)

    private static func meanFlow(_ t3: T3Configuration) -> ModelConfiguration {
        var configuration = ModelConfiguration()
        configuration.t3 = t3
        configuration.s3Gen = .meanFlow
        configuration.reference = .turbo
        return configuration
    }

    /// Speech tokens without sound: start, stop and unused ones.
    package var controlTokens: Range<Int> { min(s3Gen.flow.tokenCount, t3.speechVocabulary)..<t3.speechVocabulary }

    /// Networks of the same kinds with a thousandth of the weights, for tests.
    package var tiny: ModelConfiguration {
        var tiny = self
        tiny.t3.backbone = t3.backbone.tiny
        tiny.t3.alignmentHeads = t3.alignmentHeads.map { _ in [AttentionHead(layer: 0, head: 1), AttentionHead(layer: 1, head: 0)] }
        tiny.t3.perceiver = t3.perceiver.map { PerceiverConfiguration(queries: $0.queries, heads: 4) }
        tiny.voiceEncoder.hiddenSize = 32
        tiny.s3Gen = s3Gen.tiny
        return tiny
    }

    /// The tiny English model.
    package static let tiny = chatterbox.tiny

    /// Reads `config.json` and checks every size in it.
    ///
    /// - Throws: ``CheckpointError/configuration(_:problem:)``.
    package init(_ url: URL) throws {
        self = try ModelFile.configuration(url)
    }

    /// Writes `config.json` for a folder whose files have one of upstream's names; ``Variant/write(to:)`` writes any other's.
    ///
    /// - Throws: `CocoaError`.
    public func write(to url: URL) throws {
        try ModelFile(nil, self).write(to: url)
    }
}
