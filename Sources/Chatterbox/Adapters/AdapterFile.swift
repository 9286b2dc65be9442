import FileSupport
import Foundation
import Torch

extension Adapter {
    private enum File {
        static let configuration = "adapter_config.json", weights = "adapter_model.safetensors"
        /// The metadata of a single file.
        static let format = "chatterbox-adapter", version = "1"
        static let configurationKey = "adapter_config", base = "base_digest", baseName = "base_name", part = "part"
        /// PEFT's prefix of tensor names: PEFT's model and the model that it contains.
        static let prefix = "base_model.model."
    }

    /// Reads an adapter: a file that ``save(to:replaces:)`` wrote, a folder that PEFT's `save_pretrained` wrote, or the file of weights in one.
    ///
    /// PEFT may have wrapped T3, only its transformer (`t3.tfmr`), or the flow (`s3gen.flow`).
    ///
    /// - Throws: ``AdapterError``; `SafetensorsError` if the file is damaged.
    public static func load(from url: URL) throws -> Adapter {
        let (stored, configuration) = try parts(of: url), part = try part(of: stored, url)
        return Adapter(
            try matrices(of: stored, part, configuration, url), of: part, base: stored.metadata[File.base],
            baseName: stored.metadata[File.baseName] ?? configuration.base_model_name_or_path, name: url.lastPathComponent)
    }

    /// The contents of an adapter's file except its matrices.
    public struct Facts: Sendable, Hashable {
        /// The network that it changes.
        public let part: Part
        /// The rank of most of its layers.
        public let rank: Int
        /// As ``Adapter/base`` and ``Adapter/baseName``.
        public let base, baseName: String?
    }

    /// Reads the properties of an adapter without its matrices; otherwise as ``load(from:)``.
    public static func facts(of url: URL) throws -> Facts {
        let (stored, configuration) = try parts(of: url)
        return try Facts(
            part: part(of: stored, url), rank: configuration.r, base: stored.metadata[File.base],
            baseName: stored.metadata[File.baseName] ?? configuration.base_model_name_or_path)
    }

    private static func part(of file: SafetensorsFile, _ url: URL) throws -> Part {
        // PEFT does not name the part; the names of the flow's layers are unique.
        let ofFlow = ["flow.", "encoder.", "decoder.", "encoder_proj.", "spk_embed_affine_layer."].map { File.prefix + $0 }
        let name =
            file.metadata[File.part] ?? (file.entries.keys.contains { name in ofFlow.contains { name.hasPrefix($0) } } ? Part.flow : .t3).rawValue
        guard let part = Part(rawValue: name) else { throw AdapterError.unsupported(url, what: "a part \"\(name.shown(limit: 40))\"") }
        return part
    }

    private static func parts(of url: URL) throws -> (SafetensorsFile, PEFTConfiguration) {
        let file = url.isFolder ? url.appending(path: File.weights) : url
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw AdapterError.notAnAdapter(url, reason: url.isFolder ? "\(File.weights) is not there" : "no such file")
        }
        let stored = try SafetensorsFile(file)
        let configuration: PEFTConfiguration
        if let text = stored.metadata[File.configurationKey] {
            configuration = try PEFTConfiguration(Data(text.utf8), from: file)
        } else {
            let beside = file.deletingLastPathComponent().appending(path: File.configuration)
            guard FileManager.default.fileExists(atPath: beside.path) else {
                throw AdapterError.notAnAdapter(url, reason: "it does not contain its configuration, and there is no \(beside.path)")
            }
            do {
                configuration = try PEFTConfiguration(SmallFile.read(beside), from: beside)
            } catch let error as UnreadableFile {
                throw AdapterError.configuration(beside, reason: error.reason)
            }
        }
        try configuration.check(url)
        return (stored, configuration)
    }

    private static func matrices(of file: SafetensorsFile, _ part: Part, _ configuration: PEFTConfiguration, _ url: URL) throws -> [String: Matrices]
    {
        var pairs: [String: [Substring: Tensor]] = [:]
        for name in file.entries.keys {
            // For example "base_model.model.layers.0.self_attn.q_proj.lora_A.weight".
            let parts = name.split(separator: ".")
            guard parts.count > 2, parts.last == "weight", ["lora_A", "lora_B"].contains(parts[parts.count - 2]) else {
                throw AdapterError.unsupported(url, what: "a tensor \(name)")
            }
            let layer = layerName(parts.dropLast(2).joined(separator: "."), part)
            pairs[layer, default: [:]][parts[parts.count - 2]] = try file.tensor(name, dtype: .float32)
        }
        guard !pairs.isEmpty else { throw AdapterError.notAnAdapter(url, reason: "it holds no matrices") }
        var matrices: [String: Matrices] = [:]
        for (layer, pair) in pairs {
            guard let a = pair["lora_A"], let b = pair["lora_B"] else {
                throw AdapterError.notAnAdapter(url, reason: "for \(layer) it contains only \(pair.keys.first!)")
            }
            guard a.rank == 2, b.rank == 2, a.size(0) > 0, a.size(0) == b.size(1) else {
                throw AdapterError.shape(
                    adapter: url.lastPathComponent, tensor: "\(layer).lora_B", expected: "[outputs, \(a.shape.first ?? 0)]", found: b.shape)
            }
            matrices[layer] = Matrices(a: a, b: b, scale: configuration.scale(of: layer, rank: a.size(0)))
        }
        return matrices
    }

    /// The checkpoint's name of a layer, from its name in PEFT's file.
    private static func layerName(_ stored: String, _ part: Part) -> String {
        var name = Substring(stored)
        if name.hasPrefix(File.prefix) { name = name.dropFirst(File.prefix.count) }
        // Written for a language model's class, in which the transformer is `model`.
        if name.hasPrefix("model.") { name = name.dropFirst("model.".count) }
        return name.hasPrefix(part.scope) ? String(name) : part.scope + name
    }

    /// Writes the adapter atomically as one safetensors file, with PEFT's tensors of an adapter of `t3.tfmr` or `s3gen.flow`, with PEFT's
    /// configuration and the base's digest in the metadata.
    ///
    /// - Parameters:
    ///   - file: where to write.
    ///   - replaces: whether an existing file is replaced.
    /// - Throws: `SafetensorsError.unwritable`, `SafetensorsError.exists`.
    public func save(to file: URL, replaces: Bool = true) throws {
        var metadata = ["format": File.format, "version": File.version]
        metadata[File.configurationKey] = String(decoding: try PEFTConfiguration(self).encoded(), as: UTF8.self)
        metadata.merge(origin) { $1 }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: file, replaces: replaces)
    }

    /// Writes the folder that PEFT's `PeftModel.from_pretrained(t3.tfmr, folder)` reads, of the flow with `s3gen.flow`.
    ///
    /// - Throws: `SafetensorsError.unwritable`; errors of Foundation if the folder or the configuration cannot be written.
    public func saveForPEFT(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try SafetensorsWriter.write(tensors, metadata: origin.merging(["format": "pt"]) { $1 }, to: folder.appending(path: File.weights))
        try PEFTConfiguration(self).encoded().write(to: folder.appending(path: File.configuration), options: .atomic)
    }

    /// The file's metadata about the base, and about the part if it is not T3.
    private var origin: [String: String] {
        var metadata: [String: String] = [:]
        metadata[File.base] = base
        metadata[File.baseName] = baseName
        if part != .t3 { metadata[File.part] = part.rawValue }
        return metadata
    }

    /// The tensors, by PEFT's names.
    private var tensors: [String: Tensor] {
        matrices.reduce(into: [:]) { tensors, entry in
            let name = File.prefix + entry.key.dropFirst(part.scope.count)
            tensors["\(name).lora_A.weight"] = entry.value.a
            tensors["\(name).lora_B.weight"] = entry.value.b
        }
    }
}

/// The configuration that PEFT writes beside an adapter's weights (`LoraConfig`), with its names.
private struct PEFTConfiguration: Codable {
    var peft_type: String
    var base_model_name_or_path: String?
    var r: Int
    var lora_alpha: Double
    /// Ranks and alphas of single layers, by the end of their names, which may be a regular expression.
    var rank_pattern, alpha_pattern: [String: Double]?
    /// Ends of layers' names; PEFT also accepts a regular expression, which only training needs.
    var target_modules: Targets?
    var use_rslora, use_dora, use_qalora, use_bdlora, lora_bias, fan_in_fan_out, inference_mode: Bool?
    var bias: String?
    var lora_dropout: Double?
    var modules_to_save: [String]?

    enum Targets: Codable {
        case names([String]), expression(String)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            self = try (try? value.decode([String].self)).map(Targets.names) ?? .expression(value.decode(String.self))
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .names(let names): try value.encode(names)
            case .expression(let text): try value.encode(text)
            }
        }
    }

    init(_ data: Data, from url: URL) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch {
            throw AdapterError.configuration(url, reason: "\(error)")
        }
    }

    init(_ adapter: Adapter) {
        peft_type = "LORA"
        base_model_name_or_path = adapter.baseName
        let layers = adapter.matrices.sorted { $0.key < $1.key }
        r = layers.first?.value.rank ?? 0
        lora_alpha = (layers.first?.value.scale ?? 1) * Double(r)
        for (name, matrices) in layers where matrices.rank != r || matrices.scale * Double(matrices.rank) != lora_alpha {
            let end = String(name.dropFirst(adapter.part.scope.count))
            rank_pattern = (rank_pattern ?? [:]).merging([end: Double(matrices.rank)]) { $1 }
            alpha_pattern = (alpha_pattern ?? [:]).merging([end: matrices.scale * Double(matrices.rank)]) { $1 }
        }
        target_modules = .names(Self.targets(layers.map(\.key), scope: adapter.part.scope))
        fan_in_fan_out = layers.contains { $0.key.hasSuffix(".c_attn") || $0.key.hasSuffix(".c_proj") || $0.key.hasSuffix(".c_fc") }
        (use_rslora, use_dora, inference_mode, bias, lora_dropout) = (false, false, true, "none", 0)
    }

    /// Ends of the layers' names that match these layers and no others in PEFT.
    private static func targets(_ layers: [String], scope: String) -> [String] {
        // For example "tfmr.layers.0" and "self_attn.q_proj".
        let parts = layers.map { $0.split(separator: ".") }
        let kinds = Set(parts.map { $0.suffix(2).joined(separator: ".") }), blocks = Set(parts.map { $0.dropLast(2).joined(separator: ".") })
        let last = parts.compactMap { $0.dropLast(2).last.flatMap { Int($0) } }.max() ?? 0
        guard layers.count == kinds.count * blocks.count, blocks.count == last + 1 else {
            return layers.map { String($0.dropFirst(scope.count)) }.sorted()
        }
        return kinds.sorted()
    }

    func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self)
    }

    /// - Throws: ``AdapterError/unsupported(_:what:)``.
    func check(_ url: URL) throws {
        guard peft_type == "LORA" else { throw AdapterError.unsupported(url, what: "the type \(peft_type)") }
        if use_dora == true { throw AdapterError.unsupported(url, what: "weights that are decomposed (DoRA)") }
        if use_qalora == true || use_bdlora == true { throw AdapterError.unsupported(url, what: "matrices of a special form (QA-LoRA, BD-LoRA)") }
        if lora_bias == true { throw AdapterError.unsupported(url, what: "biases of its own") }
        if let bias, bias != "none" { throw AdapterError.unsupported(url, what: "biases of its own (\(bias))") }
        if let modules_to_save, !modules_to_save.isEmpty {
            throw AdapterError.unsupported(url, what: "whole modules (\(modules_to_save.joined(separator: ", ")))")
        }
    }

    func scale(of layer: String, rank: Int) -> Double {
        let alpha = alpha_pattern.flatMap { patterns in
            patterns.sorted { $0.key.count > $1.key.count }.first { pattern, _ in
                layer.range(of: "(^|.*\\.)(\(pattern))$", options: .regularExpression) == layer.startIndex..<layer.endIndex
            }?.value
        }
        return (alpha ?? lora_alpha) / (use_rslora == true ? Double(rank).squareRoot() : Double(rank))
    }
}
