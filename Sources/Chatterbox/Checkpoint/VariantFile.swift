import FileSupport
import Foundation
import SpeechText

/// A model's `config.json`: the sizes of its networks (``ModelConfiguration``), and under `variant` the other properties of a ``Variant``.
extension Variant: Decodable {
    /// The part under `variant`. Missing `sampling` and `ending` are those of the English model. The ``configuration``, which is beside it in the
    /// file, is not read here and is the English model's.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let name = try values.decode(String.self, forKey: .name)
        self.init(
            name: name, title: try values.decodeIfPresent(String.self, forKey: .title) ?? name,
            files: try values.decode(Files.self, forKey: .files), configuration: .chatterbox,
            normalizer: try values.decode(TextNormalizer.self, forKey: .normalizer),
            tokenizer: try values.decode(TokenizerKind.self, forKey: .tokenizer),
            languages: try values.decode([Language].self, forKey: .languages),
            sampling: try values.decodeIfPresent(SamplingOptions.self, forKey: .sampling) ?? .chatterbox,
            ending: try values.decodeIfPresent(Ending.self, forKey: .ending) ?? Ending())
    }
}

/// Missing values are those of the English model.
extension Variant.Ending: Decodable {
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        fewestPerText = try values.decodeIfPresent(Int.self, forKey: .fewestPerText) ?? fewestPerText
        silence = try values.decodeIfPresent(Int.self, forKey: .silence) ?? silence
        unheard = try values.decodeIfPresent(Int.self, forKey: .unheard) ?? unheard
        beginsAtStartToken = try values.decodeIfPresent(Bool.self, forKey: .beginsAtStartToken) ?? beginsAtStartToken
    }
}

/// A model's `config.json`.
struct ModelFile: Codable {
    /// nil if the names of the folder's files determine the variant.
    let variant: Variant?
    let configuration: ModelConfiguration

    private enum Key: String, CodingKey { case variant }

    init(_ variant: Variant?, _ configuration: ModelConfiguration) { (self.variant, self.configuration) = (variant, configuration) }

    init(from decoder: any Decoder) throws {
        configuration = try ModelConfiguration(from: decoder)
        var variant = try decoder.container(keyedBy: Key.self).decodeIfPresent(Variant.self, forKey: .variant)
        variant?.configuration = configuration
        self.variant = variant
    }

    func encode(to encoder: any Encoder) throws {
        try configuration.encode(to: encoder)
        var values = encoder.container(keyedBy: Key.self)
        try values.encodeIfPresent(variant, forKey: .variant)
    }

    /// Reads the file and checks everything in it.
    ///
    /// - Throws: ``CheckpointError/configuration(_:problem:)``.
    init(_ url: URL) throws {
        self = try Self.read(ModelFile.self, from: url)
        if let problem = configuration.problem ?? variant?.problem { throw CheckpointError.configuration(url, problem: problem) }
    }

    /// Only the sizes, whatever the variant is.
    ///
    /// - Throws: ``CheckpointError/configuration(_:problem:)``.
    static func configuration(_ url: URL) throws -> ModelConfiguration {
        let configuration = try read(ModelConfiguration.self, from: url)
        if let problem = configuration.problem { throw CheckpointError.configuration(url, problem: problem) }
        return configuration
    }

    private static func read<Value: Decodable>(_ type: Value.Type, from url: URL) throws -> Value {
        func refuse(_ problem: String) -> CheckpointError { .configuration(url, problem: problem) }
        let data: Data
        do { data = try SmallFile.read(url) } catch { throw refuse(error.reason) }
        guard JSONOutline(data, limit: 64).depth <= 64 else { throw refuse("nested too deep") }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw refuse(explain(error))
        } catch {
            throw refuse(error.localizedDescription)
        }
    }

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
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "not JSON" : "\"\(path(context))\" cannot be read: \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }
}

extension Variant {
    /// The variant that a `config.json` describes; nil if it has only sizes.
    ///
    /// - Throws: ``CheckpointError/configuration(_:problem:)``.
    public static func described(by url: URL) throws -> Variant? { try ModelFile(url).variant }

    /// Writes this variant and its sizes as a folder's `config.json`, from which the folder is then loaded.
    ///
    /// - Throws: `CocoaError`.
    public func write(to url: URL) throws { try ModelFile(self, configuration).write(to: url) }

    /// Why this variant is invalid; nil if it is valid.
    fileprivate var problem: String? {
        let lists = [
            ("t3", files.t3, true), ("s3Gen", files.s3Gen, true), ("voiceEncoder", files.voiceEncoder, true), ("voice", files.voice, false),
        ]
        for (key, names, isNeeded) in lists {
            if names.isEmpty, isNeeded { return "\"variant.files.\(key)\" names no file" }
            // A name with a path outside of the folder would be read, and replaced, there.
            for name in names where name.isEmpty || name.hasPrefix(".") || name.contains("/") {
                return "\"variant.files.\(key)\" has \"\(name)\", expected the name of a file in the folder"
            }
        }
        if name.isEmpty { return "\"variant.name\" is empty" }
        if languages.isEmpty { return "\"variant.languages\" is empty" }
        for (key, count, most) in [("fewestPerText", ending.fewestPerText, 20), ("silence", ending.silence, 250), ("unheard", ending.unheard, 250)]
        where !(0...most).contains(count) {
            return "\"variant.ending.\(key)\" is \(count), expected 0 to \(most)"
        }
        if ending.silence > 0, Ending.silentToken >= configuration.s3Gen.flow.tokenCount {
            return "\"variant.ending.silence\" is \(ending.silence), but the flow has no token for silence (\(Ending.silentToken))"
        }
        return nil
    }
}
