import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechAudio
import SpeechText
import Torch

/// The options that `train adapter` and `train tune` share: recordings, model and training.
struct FineTuningArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The recordings: a folder or a list.", valueName: "recordings"), completion: .file()) var recordings: String
    @Option(help: ArgumentHelp("The model: a name (see `chatterbox models list`), or a folder.", valueName: "name|dir")) var model: String
    @Flag(help: "Only check the recordings.") var check = false
    @Option(help: ArgumentHelp("The language of all texts. (default: detected for each)", valueName: "xx")) var language: String?

    @Option(help: ArgumentHelp("Recordings in a batch.", valueName: "n")) var batch = 4
    @Option(help: ArgumentHelp("Batches in a step.", valueName: "n")) var accumulate = 1
    @Option(help: ArgumentHelp("Largest number of steps. (default: 15 epochs, but 150 to 4000 steps)", valueName: "n")) var steps: Int?
    @Option(help: ArgumentHelp("Largest number of steps of the flow. (default: as T3's)", valueName: "n")) var flowSteps: Int?
    @Option(help: ArgumentHelp("Highest learning rate of T3. (default: depends on the network's size)", valueName: "x")) var rate: Double?
    @Option(help: ArgumentHelp("Highest learning rate of the flow. (default: depends on the network's size)", valueName: "x")) var flowRate: Double?
    @Option(
        help: ArgumentHelp(
            "Share of T3's input speech tokens that are replaced at random while training, so that it follows the text.", valueName: "x"))
    var wrongTokens = 0.1
    @Option(help: ArgumentHelp("Steps between validations. (default: one epoch, but 10 to 200 steps)", valueName: "n"))
    var validateEvery: Int?
    @Option(help: ArgumentHelp("Validations without a lower loss after which training stops.", valueName: "n")) var patience = 4
    @Option(help: ArgumentHelp("Validations between spoken samples; 0 speaks none.", valueName: "n")) var sampleEvery = 2
    @Option(help: ArgumentHelp("Steps between checkpoints. (default: one every minute and with each validation)", valueName: "n"))
    var checkpointEvery: Int?
    @Option(help: ArgumentHelp("How many of the latest checkpoints are kept.", valueName: "n")) var keep = 1
    @Option(
        help: ArgumentHelp(
            "Memory that a step may use; where it would need more, activations are computed twice, which is slower.", valueName: "bytes"))
    var memory: ByteCount = ByteCount(argument: "8G")!
    @Option(
        help: ArgumentHelp(
            "A program that gets the path of a WAV file and prints its transcript: the report then counts wrong words.", valueName: "command"))
    var judge: String?
    @Option(help: ArgumentHelp("Where to train: cpu, cuda, cuda:1, …", valueName: "device")) var device = "cpu"
    @Option(help: ArgumentHelp("Arithmetic of T3: float32, or bfloat16 on a GPU.", valueName: "type")) var dtype = Precision.float32
    @Option(help: ArgumentHelp("Seed of the initial matrices, the order of recordings and the noise.", valueName: "n")) var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Processor threads. (default: one for each processor that this process may use)", valueName: "n")) var threads: Int?
    @OptionGroup var progress: ProgressArguments

    enum Precision: String, CaseIterable, ExpressibleByArgument {
        case float32, bfloat16
        var dtype: DType { DType(rawValue: rawValue)! }
    }

    /// - Throws: `ValidationError` for an invalid option.
    func checkOptions() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); allowed is 1 to 1024") }
        if sampleEvery < 0 { throw ValidationError("--sample-every is \(sampleEvery); it is at least 0") }
        if let checkpointEvery, checkpointEvery < 1 { throw ValidationError("--checkpoint-every is \(checkpointEvery); it is at least 1") }
        if keep < 1 { throw ValidationError("--keep is \(keep); it is at least 1") }
        if dtype != .float32, device == "cpu" {
            throw ValidationError("--dtype \(dtype.rawValue) is for GPUs: on a CPU it is slower and less exact; leave it out, or add --device cuda")
        }
    }

    /// Options of a network's training.
    ///
    /// - Parameters:
    ///   - width: the width of the network.
    ///   - recordings: the number of recordings.
    func options(_ change: FineTuningChange, of part: Adapter.Part, width: Int, recordings: Int) -> FineTuningOptions {
        var options = FineTuningOptions(change)
        (options.batch, options.accumulation, options.patience, options.seed) = (batch, accumulate, patience, seed)
        options.wrongTokens = wrongTokens
        let isAdapter = if case .adapter = change { true } else { false }
        options.rate = (part == .t3 ? rate : flowRate) ?? FineTuningOptions.rate(of: part, width: width, adapter: isAdapter)
        if batch > 0, accumulate > 0 { options.fit(recordings: recordings) }
        options.steps = (part == .t3 ? steps : flowSteps ?? steps) ?? options.steps
        options.interval = validateEvery ?? options.interval
        return options
    }

    /// Loads the model, checks the recordings and trains; with `--check` only checks.
    ///
    /// - Parameters:
    ///   - base: the type in which T3 is loaded.
    ///   - training: constructs the training from the model and the number of recordings.
    func run(base: DType, _ training: (Model, Int) throws -> FineTuning) async throws {
        let display = progress.display
        defer { display.clear() }
        let wanted = try language.map(Language.init(option:))
        let search = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let recogniser = try judge.map { try SpeechRecogniser($0, in: search) }
        let list = try RecordingList(URL(filePath: recordings))
        let offer = ModelOffer(folders: UserFolders(), display: display)
        defer { withExtendedLifetime(offer) {} }
        let folder = try await offer.folder(of: model)
        display.begin("Loading \(folder.lastPathComponent)")
        let compute = try ComputeOptions(exact: true, threads: threads)
        let loaded = try await Synthesizer.load(
            folder, device: Device(device), dtype: base, compute: compute, languageTools: .installed(in: search)
        ).model
        if let wanted { try loaded.variant.checkOption(wanted) }
        var check = RecordingCheck(loaded, language: wanted)
        check.ffmpeg = .installed(in: search)
        let checked = try check(list)
        display.clear()
        for refusal in checked.refusals { StandardError.print("refused: \(refusal)") }
        for recording in checked.accepted where !recording.notes.isEmpty {
            display.note("\(recording.entry.place): \(recording.notes.joined(separator: "; "))")
        }
        if self.check {
            let minutes = String(format: "%.1f", checked.seconds / 60)
            try StandardOutput.print(
                "\(checked.accepted.count) recordings of \(minutes) min can be used for training, \(checked.refusals.count) are refused")
            return
        }
        var training = try training(loaded, checked.accepted.count)
        (training.threads, training.memory, training.sampleInterval) = (compute.threadCount, memory.bytes, sampleEvery)
        (training.dtype, training.recogniser, training.ffmpeg) = (dtype.dtype, recogniser, check.ffmpeg)
        training.checkpoints = CheckpointPlan(interval: checkpointEvery, kept: keep)
        let isSilent = display.style == .silent
        let result = try await training.run(checked, of: list) { if !isSilent { StandardError.print($0) } }
        for part in result.parts {
            try StandardOutput.print(
                String(
                    format: "%@: %@, loss of validation recordings %.4f before, %.4f after %d steps", part.file.path,
                    part.part == .t3 ? "T3" : "flow", part.before, part.after, part.bestStep))
        }
        if let errors = result.wordErrors {
            try StandardOutput.print(
                String(
                    format: "word errors: %.1f %% before, %.1f %% after, %.1f %% in the recordings, of %d words", errors.before.percent,
                    errors.after.percent,
                    errors.recordings.percent, errors.after.words))
        }
        try StandardOutput.print("report: \(training.report.path)")
    }
}

extension ModelConfiguration {
    /// The widths of T3's transformer and of the flow's encoder.
    var widths: (t3: Int, flow: Int) { (t3.backbone.hiddenSize, s3Gen.flow.encoder.size) }
}

/// Numbers and ranges, such as 0-9,20.
struct LayerRanges: ExpressibleByArgument {
    let layers: [Int]

    init?(argument: String) {
        var layers: Set<Int> = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0.trimmingCharacters(in: .whitespaces)) }
            guard let first = ends.first, let low = first, ends.count <= 2, let high = ends.last ?? nil, low >= 0, low <= high, high < 10_000 else {
                return nil
            }
            layers.formUnion(low...high)
        }
        self.layers = layers.sorted()
    }
}
