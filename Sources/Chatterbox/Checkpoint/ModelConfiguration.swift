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

    /// A network of the English model's shape with a thousandth of its weights, for trying things out.
    public static let tiny = {
        var tiny = ModelConfiguration()
        tiny.t3.backbone = .llama(LlamaConfiguration(hiddenSize: 64, layers: 2, heads: 2, intermediateSize: 128))
        tiny.t3.perceiver = PerceiverConfiguration(queries: 32, heads: 4)
        tiny.voiceEncoder.hiddenSize = 32
        tiny.s3Gen = .tiny
        return tiny
    }()

    /// Reads `config.json`.
    ///
    /// - Throws: ``CheckpointError/configuration(_:problem:)``.
    init(_ url: URL) throws {
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
    func write(to url: URL) throws {
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
