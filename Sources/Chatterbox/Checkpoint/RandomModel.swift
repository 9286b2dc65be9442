import FileSupport
import Foundation
import Torch

extension Model {
    /// Writes a folder that ``load(_:variant:device:dtype:compute:flow:watermark:languageTools:adapters:logger:)`` can load, with random weights: its
    /// speech is noise, but everything can be run. With the variant's own sizes upstream's package can load it as well.
    ///
    /// - Parameters:
    ///   - configuration: the sizes of all networks.
    ///   - variant: determines the files' names and the type of the tokenizer.
    ///   - tokenizer: the folder from which the tokenizer's files are copied, or the file if there is only one.
    ///   - seed: the seed of all weights.
    ///   - fastFlow: whether to write an S3Gen with mean flow as well, with the same networks for recordings as the model's own.
    ///   - folder: where to write; created if it does not exist.
    /// - Throws: ``CheckpointError/unwritable(_:reason:)``, `SafetensorsError`.
    package static func writeRandom(
        _ configuration: ModelConfiguration, as variant: Variant = .chatterbox, tokenizer: URL, seed: UInt64, fastFlow: Bool = false, to folder: URL
    ) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let isFile = FileManager.default.fileExists(atPath: tokenizer.path) && !tokenizer.isFolder
            let (needed, further) = (variant.tokenizer.type.fileNames, isFile ? [] : variant.tokenizer.type.furtherFileNames)
            for name in needed + further {
                let source = isFile ? tokenizer : tokenizer.appending(path: name)
                guard needed.contains(name) || FileManager.default.fileExists(atPath: source.path) else { continue }
                try Data(contentsOf: source).write(to: folder.appending(path: name), options: .atomic)
            }
            var described = variant
            described.configuration = configuration
            try described.write(to: folder.appending(path: ModelFiles.configurationName))
        } catch {
            throw CheckpointError.unwritable(folder, reason: error.localizedDescription)
        }
        func write(_ names: [String], _ make: (Weights) throws -> Void) throws {
            let weights = Weights(initialising: try Generator(seed: seed))
            try make(weights)
            var tensors = weights.parameters
            // Upstream cannot load sizes other than the variant's own.
            if configuration == variant.configuration { try tensors.merge(unread(beside: tensors)) { own, _ in own } }
            let name = names.first { $0.hasSuffix(".safetensors") } ?? names[0]
            try SafetensorsWriter.write(tensors, to: folder.appending(path: name))
        }
        try write(variant.files.t3) { _ = try T3($0, configuration.t3) }
        try write(variant.files.s3Gen) { _ = try S3Gen($0, configuration.s3Gen) }
        if fastFlow {
            var sizes = configuration.s3Gen
            sizes.flow = sizes.flow.asMeanFlow
            // Drawn in the same order from the same seed, the networks for recordings are the same.
            try write([FlowChoice.fastFileName]) { _ = try S3Gen($0, sizes) }
        }
        try write(variant.files.voiceEncoder) { _ = try VoiceEncoder($0, configuration.voiceEncoder) }
    }

    /// Tensors that upstream's loader requires although nothing uses them: input tables of Llama and GPT-2, the numbers of batches of normalisations,
    /// two scalars of the voice encoder's loss.
    ///
    /// - Parameter tensors: a file's tensors, by name.
    static func unread(beside tensors: [String: Tensor]) throws -> [String: Tensor] {
        var unread: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            switch name {
            case "tfmr.norm.weight": unread["tfmr.embed_tokens.weight"] = try .zeros([8, tensor.size(0)])
            case "tfmr.ln_f.weight": unread["tfmr.wte.weight"] = try .zeros([50276, tensor.size(0)])
            case "proj.weight": (unread["similarity_weight"], unread["similarity_bias"]) = (try .full([1], 10), try .full([1], -5))
            case _ where name.hasSuffix(".running_mean"):
                unread[String(name.dropLast("running_mean".count)) + "num_batches_tracked"] = try .zeros([], dtype: .int64)
            default: break
            }
        }
        return unread
    }
}

extension Voice {
    /// A voice of random numbers with the sizes of a model's voices, for a model with random weights.
    ///
    /// - Parameters:
    ///   - sizes: the sizes of the model that will speak.
    ///   - seconds: the length of S3Gen's prompt.
    ///   - generator: source of the numbers.
    package static func random(_ sizes: Sizes, seconds: Double = 3, generator: Generator) throws -> Voice {
        func tokens(_ count: Int) throws -> Tensor {
            try (Tensor.rand([1, count], generator: generator) * Double(sizes.tokenCount)).clamped(max: Double(sizes.tokenCount - 1)).to(.int64)
        }
        func direction(_ size: Int) throws -> Tensor {
            let numbers = try Tensor.randn([1, size], generator: generator)
            return try numbers / numbers.square().sum().item(Double.self).squareRoot()
        }
        let count = max(1, Int(seconds * 25))
        return Voice(
            speakerEmbedding: try direction(sizes.speakerEmbedding), conditioningTokens: try tokens(min(count, 150)),
            prompt: SpeechPrompt(
                tokens: try tokens(count), mel: try Tensor.randn([1, 2 * count, sizes.melBins], generator: generator) - 5,
                speaker: try Tensor.randn([1, sizes.speaker], generator: generator)))
    }
}

extension Adapter {
    /// An adapter of random numbers for every linear layer of a network, small compared with the weights: for measurements.
    ///
    /// - Throws: ``AdapterError`` if the network does not support adapters; `TorchError`.
    package static func random(for t3: T3, rank: Int, generator: Generator) throws -> Adapter {
        var backbone = try t3.adaptable, matrices: [String: Matrices] = [:]
        try backbone.changeProjections { layer, projection in
            let (outputs, inputs) = (projection.weight.size(0), projection.weight.size(1))
            matrices[Part.t3.scope + layer] = Matrices(
                a: try .randn([rank, inputs], generator: generator), b: try .randn([outputs, rank], generator: generator),
                scale: 0.1 / Double(inputs * rank).squareRoot())
        }
        return Adapter(matrices, name: "random")
    }
}
