import FileSupport
import Foundation
import Torch

/// Sizes of every network of a model.
///
/// Upstream's checkpoints carry none: their sizes are known by their files' names. A smaller model of the same
/// architecture stands in a folder with a `config.json` that holds this structure, and loads through the same code.
public struct ModelConfiguration: Sendable, Codable, Hashable {
    public var t3 = T3Configuration.chatterbox
    public var voiceEncoder = VoiceEncoderConfiguration.chatterbox
    public var s3Gen = S3GenConfiguration.chatterbox
    public var reference = ReferenceRules.chatterbox

    public init() {}

    /// The English model.
    public static let chatterbox = ModelConfiguration()

    /// Pico, the small model that this package trains and carries: about 12 million parameters.
    public static let pico = {
        var pico = ModelConfiguration()
        pico.t3.backbone = .llama(LlamaConfiguration(hiddenSize: 192, layers: 5, heads: 6, intermediateSize: 448))
        // Two of those whose attention was guided; `chatterbox train align-heads` has them first.
        pico.t3.alignmentHeads = [AttentionHead(layer: 2, head: 0), AttentionHead(layer: 2, head: 1)]
        pico.t3.perceiver = PerceiverConfiguration(queries: 16, heads: 6)
        pico.t3.speechVocabulary = 6563
        pico.t3.maximumText = 254
        pico.t3.maximumSpeech = 1020
        pico.voiceEncoder.hiddenSize = 80
        pico.s3Gen = .pico
        pico.reference.promptSeconds = 4
        return pico
    }()

    /// The multilingual models and the single-language packs.
    public static let multilingual = {
        var configuration = ModelConfiguration()
        configuration.t3 = .multilingual
        return configuration
    }()

    public static let turbo = meanFlow(.turbo)
    public static let nano = meanFlow(.nano)

    private static func meanFlow(_ t3: T3Configuration) -> ModelConfiguration {
        var configuration = ModelConfiguration()
        configuration.t3 = t3
        configuration.s3Gen = .meanFlow
        configuration.reference = .turbo
        return configuration
    }

    /// Speech tokens that S3Gen has no sound for: start, stop and unused ones.
    package var controlTokens: Range<Int> { min(s3Gen.flow.tokenCount, t3.speechVocabulary)..<t3.speechVocabulary }

    /// Networks of the same kinds with a thousandth of the weights, for trying things out.
    public var tiny: ModelConfiguration {
        var tiny = self
        switch t3.backbone {
        case .llama: tiny.t3.backbone = .llama(LlamaConfiguration(hiddenSize: 64, layers: 2, heads: 2, intermediateSize: 128))
        case .gpt2: tiny.t3.backbone = .gpt2(GPT2Configuration(hiddenSize: 64, layers: 2, heads: 2, positions: 4096))
        }
        tiny.t3.alignmentHeads = t3.alignmentHeads.map { _ in [AttentionHead(layer: 0, head: 1), AttentionHead(layer: 1, head: 0)] }
        tiny.t3.perceiver = t3.perceiver.map { PerceiverConfiguration(queries: $0.queries, heads: 4) }
        tiny.voiceEncoder.hiddenSize = 32
        tiny.s3Gen = s3Gen.tiny
        return tiny
    }

    /// The English model's.
    public static let tiny = chatterbox.tiny

    /// Reads `config.json` and checks every size in it.
    ///
    /// - Throws: ``CheckpointError/configuration(_:problem:)``.
    package init(_ url: URL) throws {
        let data: Data
        do { data = try SmallFile.read(url) } catch { throw CheckpointError.configuration(url, problem: error.reason) }
        guard JSONOutline(data, limit: 64).depth <= 64 else { throw CheckpointError.configuration(url, problem: "nested too deep") }
        do {
            self = try JSONDecoder().decode(ModelConfiguration.self, from: data)
        } catch let error as DecodingError {
            throw CheckpointError.configuration(url, problem: Self.explain(error))
        } catch {
            throw CheckpointError.configuration(url, problem: error.localizedDescription)
        }
        if let problem { throw CheckpointError.configuration(url, problem: problem) }
    }

    /// Writes `config.json`.
    public func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: url, options: .atomic)
    }

    private static func explain(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
        }
        return switch error {
        case .keyNotFound(let key, let context): "\"\(path(context, key))\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\"\(path(context))\" has the wrong type"
        case .dataCorrupted(let context): context.codingPath.isEmpty ? "not JSON" : "\"\(path(context))\" cannot be read"
        @unknown default: "\(error)"
        }
    }
}
