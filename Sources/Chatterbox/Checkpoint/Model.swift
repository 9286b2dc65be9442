import Foundation
import Kernels
import Logging
import SpeechText
import Torch

/// A loaded model: networks, tokenizer and built-in voice. Immutable, so that any number of ``Synthesizer``s share one.
public struct Model: Sendable {
    /// Identifies a loaded model, and is shared by all its copies.
    final class Identity: Sendable {}

    /// The folder with its files.
    public let folder: URL
    /// Which model of the family it is.
    public let variant: Variant
    /// Sizes of its networks.
    public let configuration: ModelConfiguration
    package let tokenizer: any TextTokenizer
    /// Turns any text into the pieces that this model speaks.
    public let textPipeline: TextPipeline
    package private(set) var t3: T3
    /// T3 packed for this package's kernels; nil on the exact path.
    package let packedT3: PackedT3?
    /// Which code computes its parts.
    public let plan: ComputePlan
    /// Whether it follows upstream operation by operation.
    public let isExact: Bool
    /// The number of threads of each of libtorch's operations: one if packed kernels compute.
    package let libtorchThreads: Int
    /// T3 and the voice encoder, if they are moved from a GPU while S3Gen runs; nil if everything stays.
    let offload: Offload?
    /// The weights of all networks on a GPU, which can be moved while the model is not in use; nil on a CPU.
    let residence: Offload?
    package private(set) var s3Gen: S3Gen
    /// The file of its S3Gen: the model's own, or that of a fast flow.
    public let s3GenFile: URL
    package let voiceEncoder: VoiceEncoder
    /// The voice of the checkpoint's `conds.pt`; nil if there is none, or if the networks of the fast flow differ from those that made it.
    public let builtInVoice: Voice?
    /// Why the model has no ``builtInVoice``.
    let noBuiltInVoice: CheckpointError
    /// Adds the watermark to speech; nil if its weights were not found.
    public let watermarker: Watermarker?
    /// Seconds that loading took.
    public let loadingSeconds: Double
    /// The process's peak memory until the end of loading, in bytes.
    public let loadingPeakBytes: Int

    /// Where it computes.
    public var device: Device { t3.device }
    /// The type of T3's weights and arithmetic.
    public var dtype: DType { t3.dtype }

    let identity = Identity()
    /// Whether the flow of several requests is computed in batches (``FlowBatches``): on a GPU, which a single request does not use fully.
    var sharesFlow = false
    /// The computed prompts of voices, for speech in chunks.
    let flowPrompts = FlowPromptCache()
    /// The checkpoints of T3 and of the flow; adapters contain their digests.
    let t3Weights, flowWeights: Weights
    let appliedAdapters = AppliedAdapterCache()

    /// The digest of the base for adapters of a part.
    ///
    /// - Throws: `TorchError`.
    package func digest(of part: Adapter.Part) throws -> String { try (part == .t3 ? t3Weights : flowWeights).digest() }

    /// The same model with another flow, for example one that is being trained.
    package func with(flow: TokenToMel) -> Model {
        var copy = self
        copy.s3Gen = s3Gen.with(flow: flow)
        return copy
    }

    /// The same model on the exact path with another T3, for example one that is being trained.
    package func with(t3: T3) -> Model {
        var copy = self
        copy.t3 = t3
        return copy
    }

    /// Makes voices for this model from recordings.
    package var voiceAnalyzer: VoiceAnalyzer {
        VoiceAnalyzer(
            voiceEncoder: voiceEncoder, tokenizer: s3Gen.tokenizer, speakerEncoder: s3Gen.speakerEncoder, rules: configuration.reference,
            model: variant.title)
    }

    /// The sizes of a folder's networks, without loading them.
    ///
    /// - Throws: ``CheckpointError``.
    public static func configuration(of folder: URL) throws -> ModelConfiguration { try ModelFiles(folder).configuration }

    /// Loads a folder with the files of upstream's repositories; the sizes are the variant's, unless a `config.json` has others.
    ///
    /// On the CPU, weights in the stored type are memory-mapped and not copied, unless T3 is packed for faster decoding.
    ///
    /// - Parameters:
    ///   - folder: the folder with a model's files, as in upstream's repositories.
    ///   - variant: which model of a folder with several, or your own variant; nil uses the variant that the folder's `config.json` describes, else
    ///     the first of ``Variant/all`` whose T3 is in the folder.
    ///   - device: the networks' device.
    ///   - dtype: type of T3's weights and arithmetic; the other networks are in float32, except the flow on a GPU, which is in float16 if T3 has 16
    ///     bits.
    ///   - compute: the exact path or faster ones.
    ///   - flow: the model's own flow, or a fast one.
    ///   - watermark: the watermark's weights (see ``WatermarkFile``) if the folder does not contain them; if the file does not exist, speech has no
    ///     watermark.
    ///   - languageTools: programs that prepare text of some languages, for the multilingual models.
    ///   - adapters: adapters of the flow, which are merged into its weights; adapters of T3 are given to requests.
    ///   - logger: logs that the model was loaded, or why not (<doc:Logging>); nil logs nothing.
    /// - Throws: ``AdapterError`` if an adapter does not match, ``ComputeError`` if the device or the type does not support `compute`,
    ///   ``CheckpointError`` for the folder, `WeightsError`, `SafetensorsError`, `ArchiveError` or `TokenizerError` for a file in it.
    public static func load(
        _ folder: URL, variant: Variant? = nil, device: Device = .cpu, dtype: DType = .float32,
        compute: ComputeOptions = .standard, flow: FlowChoice = .own, watermark: URL? = nil, languageTools: LanguageTools = .none,
        adapters: [AdapterUse] = [], logger: Logger? = nil
    ) throws -> Model {
        let logger = logger ?? .silent
        do {
            let model = try load(folder, variant, device, dtype, compute, flow, watermark, languageTools, adapters)
            logger.info("model loaded", metadata: model.metadata)
            return model
        } catch {
            logger.error("model not loaded", metadata: error.metadata.merging(["folder": "\(folder.path)"]) { $1 })
            throw error
        }
    }

    /// The metadata of a loaded model in the log.
    private var metadata: Logger.Metadata {
        [
            "model": "\(variant.name)", "folder": "\(folder.path)", "device": "\(device)", "dtype": "\(dtype.rawValue)", "plan": "\(plan)",
            "watermark": "\(watermarker != nil)", "seconds": "\(loadingSeconds.inMilliseconds)", "peak_memory_bytes": "\(loadingPeakBytes)",
        ]
    }

    private static func load(
        _ folder: URL, _ variant: Variant?, _ device: Device, _ dtype: DType, _ compute: ComputeOptions, _ flow: FlowChoice, _ watermark: URL?,
        _ languageTools: LanguageTools, _ adapters: [AdapterUse]
    ) throws -> Model {
        try compute.check(device: device, dtype: dtype)
        let plan = ComputePlan(device: device, dtype: dtype, compute: compute)
        let team = plan.isPacked ? try ThreadTeam(threads: compute.threadCount) : nil
        // Beside the kernels' threads, libtorch's threads would compute very little, and would occupy processors while they wait.
        let libtorchThreads = team == nil ? compute.threadCount : 1
        return try Libtorch.withThreads(libtorchThreads) {
            try load(folder, variant, device, dtype, compute, plan, flow, watermark, languageTools, adapters, team, libtorchThreads)
        }
    }

    private static func load(
        _ folder: URL, _ variant: Variant?, _ device: Device, _ dtype: DType, _ compute: ComputeOptions, _ plan: ComputePlan, _ flow: FlowChoice,
        _ watermark: URL?, _ languageTools: LanguageTools, _ adapters: [AdapterUse], _ team: ThreadTeam?, _ libtorchThreads: Int
    ) throws -> Model {
        let clock = ContinuousClock()
        let start = clock.now
        // libtorch's own default is no TF32 in products and TF32 in convolutions.
        if device.isCUDA { try Libtorch.setAllowsTF32(compute.allowsTF32) }
        let files = try ModelFiles(folder, variant: variant)
        var configuration = files.configuration
        let ownS3Gen = configuration.s3Gen
        let s3GenFile = try S3GenFile(flow, of: files, sizes: ownS3Gen, device: device)
        configuration.s3Gen = s3GenFile.configuration
        let t3Weights = try Weights.load(files.t3, dtype: dtype, device: device)
        t3Weights.ignore("tfmr.embed_tokens.weight")
        let t3 = try T3(t3Weights, configuration.t3)
        try t3Weights.requireAllUsed()
        let packedT3 = try team.map { team in
            try PackedT3(t3, format: compute.quantization.format, team: team) { t3Weights.releasePages() }
        }
        let s3GenWeights = s3GenFile.weights
        let ownNetworks = try S3Gen(s3GenWeights, configuration.s3Gen, flowType: plan.flowType)
        let exactS3Gen = try adapters.isEmpty ? ownNetworks : ownNetworks.merged(with: adapters, digest: s3GenWeights["flow"].digest())
        let s3Gen = try team.map { try exactS3Gen.packed(compute.quantization, team: $0) { s3GenWeights.releasePages() } } ?? exactS3Gen
        let voiceWeights = try Weights.load(files.voiceEncoder, dtype: .float32, device: device)
        let voiceEncoder = try VoiceEncoder(voiceWeights, configuration.voiceEncoder)
        try voiceWeights.requireAllUsed()
        let offload = compute.offload && device.isCUDA ? Offload(Array(t3Weights.parameters.values) + voiceWeights.parameters.values) : nil
        let residence =
            device.isCUDA && offload == nil
            ? Offload([t3Weights, s3GenWeights, voiceWeights].flatMap { $0.parameters.values }) : nil
        let tokenizer = try files.variant.tokenizer.type.init(folder: folder, tools: languageTools)
        guard tokenizer.count <= configuration.t3.textVocabulary else {
            throw TokenizerError.malformed(
                folder.appending(path: files.variant.tokenizer.type.fileNames[0]),
                problem: "it has \(tokenizer.count) tokens, the model \(configuration.t3.textVocabulary)")
        }
        let analyzer = VoiceAnalyzer(voiceEncoder: voiceEncoder, tokenizer: s3Gen.tokenizer, speakerEncoder: s3Gen.speakerEncoder)
        let isVoiceOwn = try files.builtInVoice == nil || s3GenFile.hearsAsOwn(ownS3Gen)
        let voice = try isVoiceOwn ? files.builtInVoice.map { try Voice.load(ofModel: $0, sizes: analyzer.voiceSizes).to(device) } : nil
        let noVoice = isVoiceOwn ? CheckpointError.noBuiltInVoice(folder) : .builtInVoiceOfOthers(files.builtInVoice!, s3Gen: s3GenFile.url)
        let watermarker = try files.watermark(orElse: watermark).map { try Watermarker.load($0, device: device, team: team) }
        let seconds = (clock.now - start) / .seconds(1)
        let textPipeline = TextPipeline(
            tokenizer: tokenizer, normalizer: files.variant.normalizer, languages: files.variant.languages, limit: configuration.t3.maximumText)
        var model = Model(
            folder: folder, variant: files.variant, configuration: configuration, tokenizer: tokenizer, textPipeline: textPipeline, t3: t3,
            packedT3: packedT3, plan: plan, isExact: compute.isExact, libtorchThreads: libtorchThreads, offload: offload, residence: residence,
            s3Gen: s3Gen, s3GenFile: s3GenFile.url, voiceEncoder: voiceEncoder, builtInVoice: voice, noBuiltInVoice: noVoice,
            watermarker: watermarker, loadingSeconds: seconds, loadingPeakBytes: try Memory.statistics().peak, t3Weights: t3Weights,
            flowWeights: s3GenWeights["flow"])
        model.sharesFlow = plan.capturesSteps
        return model
    }

    /// The quantisation of T3's weights.
    public var quantization: Quantization { packedT3.flatMap { packed in Quantization.allCases.first { $0.format == packed.format } } ?? .none }

    // MARK: decoding

    /// The source of a request's random numbers. It is on the CPU for every device, so that a seed gives the same numbers; on the exact path it is on
    /// the device, as upstream's is.
    func generator(seed: UInt64) throws -> Generator { try Generator(seed: seed, device: isExact ? device : .cpu) }

    /// Whether each request decodes its tokens separately: if neither packed weights nor captured steps are used.
    var decodesAlone: Bool { packedT3 == nil && !plan.capturesSteps }

    /// Creates the engine that decodes the tokens of all requests of this model together.
    package func makeSharedDecodeEngine() throws -> any DecodeEngine {
        if let packedT3 { return try PackedDecodeEngine(packedT3) }
        return try CapturedDecodeEngine(t3, slots: slotLimit, capacity: slotCapacity)
    }

    /// The number of sequences that are decoded together. A step of more than 16 takes too long on a CPU; on a GPU they get a quarter of the memory.
    var slotLimit: Int {
        guard device.isCUDA else { return 16 }
        let gpu = GPUDriver()?.gpus.first { Device.cuda($0.index) == device }
        return Self.slotLimit(bytesPerSlot: slotCapacity * bytesPerPosition, memory: gpu?.memory ?? 0)
    }

    /// The number of slots whose keys and values take a quarter of a GPU's memory, at least those of one guided request.
    static func slotLimit(bytesPerSlot: Int, memory: Int) -> Int { min(128, max(2, memory / 4 / bytesPerSlot)) }

    /// The positions of a slot on a GPU, where they are allocated in advance.
    private var slotCapacity: Int { min(2048, configuration.t3.longestSequence) }

    /// The bytes of a position's keys and values.
    private var bytesPerPosition: Int {
        let backbone = t3.backbone
        // On a CPU they are rounded like the weights, with a scale for each head and position.
        let head =
            device.isCUDA ? backbone.headSize * (dtype == .float32 ? 4 : 2) : quantization == .none ? backbone.headSize * 4 : backbone.headSize + 4
        return 2 * backbone.layerCount * backbone.headCount * head
    }

    /// The number of positions of all sequences together; on a CPU their keys and values take a quarter of the machine's memory.
    var positionLimit: Int {
        if device.isCUDA { return slotLimit * slotCapacity }
        return max(2 * configuration.t3.longestSequence, Int(ProcessInfo.processInfo.physicalMemory / 4) / bytesPerPosition)
    }

    /// The number of positions before first tokens that one step processes, so that it takes less than a tenth of a second: a position takes two
    /// operations for each weight, and two CPU cores compute about 1.5e11 operations a second.
    var prefillRows: Int {
        if device.isCUDA { return .max }
        let backbone = t3.backbone, width = backbone.headCount * backbone.headSize
        return min(256, max(8, Int(1.5e10 / Double(2 * 12 * backbone.layerCount * width * width))))
    }

    /// Creates an engine that decodes speech tokens.
    ///
    /// - Parameters:
    ///   - slots: the number of sequences; a guided request takes two, others one.
    ///   - capacity: the length of the longest sequence of conditions, text and speech.
    package func makeDecodeEngine(slots: Int, capacity: Int) throws -> any DecodeEngine {
        try makeDecodeEngine(slots: slots, capacity: capacity, t3: t3)
    }

    /// - Parameter t3: this model's T3, with a request's adapters if nothing is packed.
    func makeDecodeEngine(slots: Int, capacity: Int, t3: T3) throws -> any DecodeEngine {
        if let packedT3 { return try PackedDecodeEngine(packedT3, capacity: capacity) }
        return plan.capturesSteps
            ? try CapturedDecodeEngine(t3, slots: slots, capacity: capacity) : try TensorDecodeEngine(t3, slots: slots, capacity: capacity)
    }
}
