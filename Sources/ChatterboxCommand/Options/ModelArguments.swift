import ArgumentParser
import Chatterbox
import ChatterboxModels
import Foundation
import Logging
import Pico
import SpeechText
import Torch

/// The model, its device and its arithmetic; for every command that loads a model.
struct ModelArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The model: a name (see `chatterbox models list`), or a folder with a model's files. (default: the first installed one of chatterbox, turbo, multilingual-v3, multilingual-v2, nano and pico)",
            valueName: "name|dir"))
    var model: String?

    @OptionGroup var compute: ComputeArguments

    var threads: Int? { compute.threads }

    /// - Throws: ``UsageError`` or `ComputeError` for invalid options, before anything is loaded.
    func check() throws { try compute.check() }

    /// Loads the model.
    ///
    /// - Parameter adapters: adapters of the flow.
    /// - Throws: as ``ComputeArguments/load(_:_:engine:adapters:)``.
    func load(_ progress: ProgressDisplay, adapters: [AdapterUse] = []) async throws -> Synthesizer {
        try await compute.load(model, progress, adapters: adapters)
    }
}

/// The device and the arithmetic of a model.
struct ComputeArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where to compute: cpu, cuda, cuda:1, …, or auto: an NVIDIA GPU where one can be used, else the CPU.", valueName: "device")
    )
    var device = "auto"

    @Option(help: "Type of T3's weights and arithmetic.")
    var dtype = Precision.float32

    @Option(help: "Quantise weights to int8 or int4 (CPU only): faster, at some loss of quality.")
    var quantize = Quantization.none

    @Option(
        help: ArgumentHelp(
            "The flow: own is the model's; fast is a mean flow of two steps instead, several times as fast (`chatterbox models pull chatterbox --fast` downloads it; Turbo's can be used as well).",
            valueName: "own|fast"))
    var flow = Flow.own

    @Flag(help: "Compute upstream's operations one by one, without this package's faster kernels.")
    var exact = false

    @Flag(help: "Move T3 to host memory while S3Gen runs: needs less GPU memory, and is slower.")
    var offload = false

    @Flag(help: "Do not capture decoding steps as CUDA graphs on a GPU: slower, for comparison.")
    var noCapture = false

    @Flag(name: .customLong("tf32"), help: "Let a GPU compute float32 products in TF32: faster, with about the precision of float16.")
    var tf32 = false

    @Option(help: ArgumentHelp("Processor threads. (default: one for each processor that this process may use)", valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "A program that prepares Chinese, Japanese, Hebrew and Russian text. (default: chatterbox-language-helper, if it is installed)",
            valueName: "command"))
    var languageHelper: String?

    enum Precision: String, CaseIterable, ExpressibleByArgument {
        case float32, bfloat16, float16

        var dtype: DType { DType(rawValue: rawValue)! }
    }

    enum Flow: String, CaseIterable, ExpressibleByArgument { case own, fast }

    /// - Throws: ``UsageError`` or `ComputeError` for invalid options, before anything is loaded.
    func check() throws {
        if let threads, !(1...1024).contains(threads) { throw UsageError("--threads is \(threads); allowed is 1 to 1024") }
        _ = try options()
    }

    /// Whether models compute on a GPU.
    ///
    /// - Throws: `DeviceError`.
    var usesGPU: Bool { get throws { try unnotedDevice.isCUDA } }

    /// The approximate memory in bytes of the model in a folder.
    ///
    /// - Throws: `DeviceError`, `CheckpointError`, `CocoaError`.
    func byteCount(of folder: URL) throws -> Int { try Model.byteCount(of: folder, device: unnotedDevice, dtype: dtype.dtype, compute: options()) }

    private func options() throws -> ComputeOptions {
        try ComputeOptions(
            exact: exact, quantization: quantize, offload: offload, allowsTF32: tf32, capturesSteps: !noCapture, threads: threads)
    }

    private var languageTools: LanguageTools {
        var tools = LanguageTools.installed(in: ProcessInfo.processInfo.environment["PATH"] ?? "")
        if let languageHelper { tools.helper = languageHelper.split(separator: " ").map(String.init) }
        return tools
    }

    /// Loads a model.
    ///
    /// - Parameters:
    ///   - model: a name or a folder; nil for the first installed model in the order of preference.
    ///   - engine: the engine that runs its requests.
    ///   - adapters: adapters of the flow.
    ///   - logger: gets messages about loading and about requests.
    /// - Throws: ``AdapterError``, ``UsageError``, ``ModelLocatorError``, `HubError`, `DeviceError`, and errors of loading.
    func load(
        _ model: String?, _ progress: ProgressDisplay, engine: SpeechEngine = SpeechEngine(), adapters: [AdapterUse] = [], logger: Logger? = nil
    ) async throws -> Synthesizer {
        try check()
        let device = try chosenDevice(progress)
        let folders = UserFolders()
        let offer = ModelOffer(folders: folders, display: progress)
        defer { withExtendedLifetime(offer) {} }
        let folder = try await offer.folder(of: model)
        if model == nil, folder == Pico.folder {
            progress.note("no larger model is on this machine, so Pico speaks; get the full model with `chatterbox models pull chatterbox`")
        }
        progress.begin("Loading \(folder.lastPathComponent)")
        let synthesizer = try await Synthesizer.load(
            folder, device: device, dtype: dtype.dtype,
            compute: options(), flow: flow == .fast ? .fast(elsewhere: folders.fastFlows) : .own, watermark: folders.watermark,
            languageTools: languageTools,
            adapters: adapters, engine: engine, logger: logger)
        try Task.checkCancellation()
        return synthesizer
    }

    /// The device that the options choose.
    private var unnotedDevice: Device {
        get throws {
            let best = try Device(device)
            // Quantised weights are supported only on CPUs.
            return device == "auto" && quantize != .none ? .cpu : best
        }
    }

    /// The device that the options choose, with a note if the machine has a GPU that this build cannot use.
    ///
    /// - Throws: `DeviceError`; ``UsageError`` for an option that has no effect on the device.
    private func chosenDevice(_ progress: ProgressDisplay) throws -> Device {
        let best = try Device(device), chosen = try unnotedDevice
        if let note = DeviceNote.unusedGPU(asked: device, chosen: best) { progress.note(note) }
        for (switched, name) in [(offload, "--offload"), (noCapture, "--no-capture"), (tf32, "--tf32")] where switched && !chosen.isCUDA {
            throw UsageError("\(name) is for a GPU, and the device is \(chosen): leave it out or give --device cuda")
        }
        return chosen
    }
}

/// Notes about the device that was chosen.
enum DeviceNote {
    /// A note if the CPU was not requested, and the machine has a GPU that this build cannot use.
    static func unusedGPU(asked: String, chosen: Device, isPresent: Bool = GPUDriver.isPresent()) -> String? {
        guard asked == "auto", !chosen.isCUDA, isPresent else { return nil }
        return "this machine has an NVIDIA GPU that this build cannot use, so the CPU computes; run `chatterbox check` for details"
    }
}

extension Quantization: ExpressibleByArgument {}

/// A number of bytes, such as 8G, 512M, 1.5G or 800000000.
struct ByteCount: ExpressibleByArgument, Equatable {
    let bytes: Int

    /// The largest first.
    private static let units: [(name: Character, bytes: Int)] = [("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("K", 1000)]

    init?(argument: String) {
        let text = argument.uppercased().hasSuffix("B") ? argument.dropLast() : argument[...]
        let unit = text.last.flatMap { last in Self.units.first { String($0.name) == last.uppercased() } }.map { Double($0.bytes) }
        guard let number = Double(unit == nil ? text : text.dropLast()), number.isFinite, (0...1e18).contains(number * (unit ?? 1)) else {
            return nil
        }
        bytes = Int(number * (unit ?? 1))
    }

    /// The default value in help texts, in the largest unit of which it is a multiple.
    var defaultValueDescription: String {
        guard let unit = Self.units.first(where: { bytes > 0 && bytes.isMultiple(of: $0.bytes) }) else { return "\(bytes)" }
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}
