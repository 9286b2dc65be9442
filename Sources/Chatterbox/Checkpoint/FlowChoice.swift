import Foundation
import Torch

/// The flow that a model uses.
public enum FlowChoice: Sendable, Hashable {
    /// The flow of the model's own S3Gen.
    case own
    /// A mean flow (Geng et al., "Mean flows for one-step generative modeling", 2025): two passes of one sequence through the
    /// estimator, where a guided flow takes ten of two.
    ///
    /// A model whose own flow is a mean flow keeps it. For any other model a complete S3Gen is loaded from the first of these files that
    /// exists: ``fastFileName`` in the model's folder, then `elsewhere`. T3 remains the model's own, and so do the rules for references and
    /// for the end of speech.
    case fast(elsewhere: [URL] = [])

    /// Upstream's file name for an S3Gen with mean flow in a folder that also has another S3Gen.
    public static let fastFileName = "s3gen_meanflow.safetensors"
}

extension Model {
    /// The file from which a folder's model would read its S3Gen.
    ///
    /// - Throws: ``CheckpointError``; `SafetensorsError` and `ArchiveError` if a file is damaged.
    package static func s3GenFile(of folder: URL, flow: FlowChoice) throws -> URL {
        let files = try ModelFiles(folder)
        return try S3GenFile(flow, of: files, sizes: files.configuration.s3Gen, device: .cpu).url
    }
}

/// The open file from which a model's S3Gen is read.
struct S3GenFile {
    let url: URL
    let weights: Weights
    /// The sizes of its networks.
    let configuration: S3GenConfiguration
    /// Whether it is the model's own, with which its built-in voice was made.
    let isOwn: Bool
    private let ownWeights: Weights

    /// - Parameter own: the sizes of the model's own S3Gen.
    /// - Throws: ``CheckpointError/noFastFlow(_:others:)``, ``CheckpointError/notMeanFlow(_:)``, ``CheckpointError/configuration(_:problem:)``;
    ///   `SafetensorsError` and `ArchiveError` if a file is damaged.
    init(_ choice: FlowChoice, of files: ModelFiles, sizes own: S3GenConfiguration, device: Device) throws {
        func open(_ url: URL) throws -> Weights { try Weights.load(url, dtype: .float32, device: device) }
        ownWeights = try open(files.s3Gen)
        let ownSizes = own.flow(of: ownWeights)
        guard case .fast(let elsewhere) = choice, !ownSizes.flow.meanFlow else {
            (url, weights, configuration, isOwn) = (files.s3Gen, ownWeights, ownSizes, true)
            return
        }
        // Networks of other sizes have other speech tokens than this T3.
        let others = try elsewhere.filter(Self.isThere).map { ($0, try Self.sizes(beside: $0)) }.filter { $1.tokenizer == own.tokenizer }
        guard let (url, sizes) = ([files.find([FlowChoice.fastFileName]).map { ($0, own) }] + others).lazy.compactMap(\.self).first else {
            throw CheckpointError.noFastFlow(files.folder, others: elsewhere)
        }
        let weights = try open(url)
        guard weights.hasMeanFlow else { throw CheckpointError.notMeanFlow(url) }
        (self.url, self.weights, configuration, isOwn) = (url, weights, sizes.flow(of: weights), false)
    }

    private static func isThere(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// The sizes in a `config.json` in the same folder, or else those of the released models.
    private static func sizes(beside url: URL) throws -> S3GenConfiguration {
        let file = url.deletingLastPathComponent().appending(path: ModelFiles.configurationName)
        return isThere(file) ? try ModelConfiguration(file).s3Gen : .meanFlow
    }

    /// Whether voices made with the model's own S3Gen can be used with this one: the networks that process a recording are the same.
    ///
    /// - Parameter own: the sizes of the model's own S3Gen.
    func hearsAsOwn(_ own: S3GenConfiguration) throws -> Bool {
        guard !isOwn else { return true }
        func digests(_ weights: Weights, _ sizes: S3GenConfiguration) throws -> [String] {
            [
                try S3Tokenizer(weights["tokenizer"], sizes.tokenizer).digest(),
                try SpeakerEncoder(weights["speaker_encoder"], sizes.speakerEncoder).digest(),
            ]
        }
        return try digests(weights, configuration) == digests(ownWeights, own)
    }
}

extension Weights {
    /// Whether the flow of an S3Gen combines two times, the beginning and the end of a step, as only a mean flow does.
    fileprivate var hasMeanFlow: Bool { self["flow"]["decoder"]["estimator"].contains("time_embed_mixer.weight") }
}

extension S3GenConfiguration {
    /// These sizes, with the kind of flow that the tensors of a file show.
    fileprivate func flow(of weights: Weights) -> S3GenConfiguration {
        guard weights.hasMeanFlow, !flow.meanFlow else { return self }
        var changed = self
        changed.flow = flow.asMeanFlow
        return changed
    }
}
