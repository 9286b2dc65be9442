import Foundation
import Torch

/// A loaded model: networks, tokenizer and built-in voice. Immutable, so that any number of ``Synthesizer``s share one.
public struct Model: Sendable {
    public let folder: URL
    public let configuration: ModelConfiguration
    public let tokenizer: EnglishTokenizer
    public let t3: T3
    public let s3Gen: S3Gen
    public let voiceEncoder: VoiceEncoder
    /// The voice of the checkpoint's `conds.pt`, where it has one.
    public let builtInVoice: Voice?
    /// Marks speech; nil where the weights for it are not there.
    public let watermarker: Watermarker?
    /// Seconds that loading took.
    public let loadingSeconds: Double

    public var device: Device { t3.device }
    public var dtype: DType { t3.dtype }

    /// What turns recordings into voices for this model.
    public var voiceAnalyzer: VoiceAnalyzer {
        VoiceAnalyzer(
            voiceEncoder: voiceEncoder, tokenizer: s3Gen.tokenizer, speakerEncoder: s3Gen.speakerEncoder, rules: configuration.reference)
    }

    /// Loads a folder with upstream's files: `t3_cfg.safetensors`, `s3gen.safetensors`, `ve.safetensors`,
    /// `tokenizer.json` and, where there is one, `conds.pt`; the sizes are the English model's unless a `config.json`
    /// says otherwise.
    ///
    /// On the CPU in the stored type the weights are the files' own pages: nothing is copied.
    ///
    /// - Parameters:
    ///   - dtype: type of the T3's weights and arithmetic; the other networks stay float32.
    ///   - watermark: the watermark's weights (see ``WatermarkFile``) where the folder has none of its own; a file that is
    ///     not there gives a model that marks nothing.
    /// - Throws: ``CheckpointError`` for the folder, ``WeightsError``, `SafetensorsError` or ``TokenizerError`` for a file in it.
    public static func load(
        _ folder: URL, device: Device = .cpu, dtype: DType = .float32, watermark: URL? = nil
    ) throws -> Model {
        let clock = ContinuousClock()
        let start = clock.now
        let files = try ModelFiles(folder)
        let configuration = try files.configuration()
        let t3Weights = try Weights.load(files.t3, dtype: dtype, device: device)
        t3Weights.ignore("tfmr.embed_tokens.weight")
        let t3 = try T3(t3Weights, configuration.t3)
        try t3Weights.requireAllUsed()
        let s3Gen = try S3Gen(Weights.load(files.s3Gen, dtype: .float32, device: device), configuration.s3Gen)
        let voiceWeights = try Weights.load(files.voiceEncoder, dtype: .float32, device: device)
        let voiceEncoder = try VoiceEncoder(voiceWeights, configuration.voiceEncoder)
        try voiceWeights.requireAllUsed()
        let tokenizer = try EnglishTokenizer(files.tokenizer)
        guard tokenizer.count <= configuration.t3.textVocabulary else {
            throw TokenizerError.malformed(
                files.tokenizer, problem: "it has \(tokenizer.count) tokens, the model \(configuration.t3.textVocabulary)")
        }
        let analyzer = VoiceAnalyzer(voiceEncoder: voiceEncoder, tokenizer: s3Gen.tokenizer, speakerEncoder: s3Gen.speakerEncoder)
        let voice = try files.builtInVoice.map { try Voice.load(from: $0, sizes: analyzer.voiceSizes).to(device) }
        let watermarker = try files.watermark(orElse: watermark).map { try Watermarker.load($0, device: device) }
        let seconds = (clock.now - start) / .seconds(1)
        return Model(
            folder: folder, configuration: configuration, tokenizer: tokenizer, t3: t3, s3Gen: s3Gen, voiceEncoder: voiceEncoder,
            builtInVoice: voice, watermarker: watermarker, loadingSeconds: seconds)
    }

    /// Writes a folder that ``load(_:device:dtype:)`` takes, with weights drawn at random: it babbles noise, and shows
    /// that everything is in its place.
    ///
    /// - Parameter tokenizer: a `tokenizer.json` to copy.
    /// - Throws: ``CheckpointError/unwritable(_:reason:)``, `SafetensorsError`.
    public static func writeRandom(_ configuration: ModelConfiguration, tokenizer: URL, seed: UInt64, to folder: URL) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(contentsOf: tokenizer).write(to: folder.appending(path: "tokenizer.json"), options: .atomic)
            try configuration.write(to: folder.appending(path: ModelFiles.configurationName))
        } catch {
            throw CheckpointError.unwritable(folder, reason: error.localizedDescription)
        }
        func write(_ name: String, _ make: (Weights) throws -> Void) throws {
            let weights = Weights(initialising: try Generator(seed: seed))
            try make(weights)
            try SafetensorsWriter.write(weights.parameters, to: folder.appending(path: name))
        }
        try write("t3_cfg.safetensors") { _ = try T3($0, configuration.t3) }
        try write("s3gen.safetensors") { _ = try S3Gen($0, configuration.s3Gen) }
        try write("ve.safetensors") { _ = try VoiceEncoder($0, configuration.voiceEncoder) }
    }
}

/// The files of a model's folder.
struct ModelFiles {
    static let configurationName = "config.json"

    let folder: URL
    let t3, s3Gen, voiceEncoder, tokenizer: URL
    let builtInVoice: URL?

    /// - Throws: ``CheckpointError`` naming what is missing.
    init(_ folder: URL) throws {
        self.folder = folder
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw CheckpointError.noFolder(folder)
        }
        let names = Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        for (marker, variant) in [("t3_turbo_v1.safetensors", "Turbo"), ("t3_nano_v1.safetensors", "Nano"), ("t3_mtl23ls_v2.safetensors", "multilingual"), ("t3_mtl23ls_v3.safetensors", "multilingual")]
        where names.contains(marker) && !names.contains("t3_cfg.safetensors") {
            throw CheckpointError.unsupported(folder, variant: variant)
        }
        let expected = ["t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "tokenizer.json"]
        guard expected.contains(where: names.contains) else { throw CheckpointError.notAModel(folder, found: names.sorted()) }
        func file(_ name: String) throws -> URL {
            let index = "\(name).index.json"
            if names.contains(index) { return folder.appending(path: index) }
            guard names.contains(name) else { throw CheckpointError.missingFile(folder, name: name) }
            return folder.appending(path: name)
        }
        t3 = try file(expected[0])
        s3Gen = try file(expected[1])
        voiceEncoder = try file(expected[2])
        tokenizer = try file(expected[3])
        builtInVoice = names.contains("conds.pt") ? folder.appending(path: "conds.pt")
            : names.contains("conds.safetensors") ? folder.appending(path: "conds.safetensors") : nil
    }

    func configuration() throws -> ModelConfiguration {
        let url = folder.appending(path: Self.configurationName)
        return FileManager.default.fileExists(atPath: url.path) ? try ModelConfiguration(url) : .chatterbox
    }

    /// The watermark's weights in the folder, else `other`; nil where neither is there.
    func watermark(orElse other: URL?) -> URL? {
        [folder.appending(path: WatermarkFile.name), other].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
    }
}
