import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechAudio
import SpeechText

/// `chatterbox train adapter`: from somebody's recordings to adapters of a model.
struct TrainAdapter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Train adapters (LoRA) of a model on recordings of a voice.",
        usage: "chatterbox train adapter RECORDINGS --model NAME|DIR -o ada.adapter.safetensors [options]",
        discussion: """
            RECORDINGS is a folder of recordings with their texts beside them (a.wav and a.txt), a folder with metadata.csv as LJSpeech \
            has it, or a list: CSV with a header (audio, text), or JSON lines. Ten minutes of one voice, in sentences of some seconds, \
            are a good beginning. What cannot be learned from is listed with the reason.

            Some recordings are kept to judge by; training stops when their loss no longer falls, and the best adapter is written. \
            Beside it, in ada.training, are what was computed, samples, reference.wav to speak with, and report.html. Started again with \
            the same options, training goes on where it stood, to the same adapter bit for bit.

            Examples:
              chatterbox train adapter ada/ --check --model turbo
              chatterbox train adapter ada/ --model pico --train-flow -o ada.adapter.safetensors
              chatterbox say "Good morning." --model pico --adapter ada.adapter.safetensors \\
                --adapter ada.flow.adapter.safetensors --voice ada.training/reference.wav
            """)

    @Argument(help: ArgumentHelp("The recordings: a folder or a list.", valueName: "recordings"), completion: .file()) var recordings: String
    @Option(help: ArgumentHelp("The model: a name (see `chatterbox models list`), or a folder.", valueName: "name|dir")) var model: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The adapter of T3 to write, a .safetensors file.", valueName: "file"), completion: .file())
    var output: String?
    @Flag(help: "Only check the recordings.") var check = false
    @Option(help: ArgumentHelp("The language of all texts. (default: what each seems to be in)", valueName: "xx")) var language: String?

    @Flag(help: ArgumentHelp("Train an adapter of the flow as well, which makes the sound: ada.flow.adapter.safetensors.")) var trainFlow = false
    @Option(help: ArgumentHelp("The adapters' rank: more can learn more, and by heart.", valueName: "n")) var rank = 16
    @Option(help: ArgumentHelp("What is added is multiplied by alpha ÷ rank. (default: twice the rank)", valueName: "x")) var alpha: Double?
    @Option(help: ArgumentHelp("T3's layers to adapt, as 0-9,20. (default: all)", valueName: "ranges")) var layers: LayerRanges?
    @Option(help: ArgumentHelp(
        "T3's linear maps to adapt: attention, feed-forward, or names such as q_proj,v_proj or c_attn. (default: all)", valueName: "names"))
    var modules: String?
    @Option(help: ArgumentHelp("Recordings of a batch.", valueName: "n")) var batch = 4
    @Option(help: ArgumentHelp("Batches of a step.", valueName: "n")) var accumulate = 1
    @Option(help: ArgumentHelp("Steps at most. (default: 15 times through the recordings, from 150 to 4000)", valueName: "n")) var steps: Int?
    @Option(help: ArgumentHelp("Steps of the flow's at most. (default: as T3's)", valueName: "n")) var flowSteps: Int?
    @Option(help: ArgumentHelp("Highest learning rate of T3's.", valueName: "x")) var rate = 3e-4
    @Option(help: ArgumentHelp("Highest learning rate of the flow's.", valueName: "x")) var flowRate = 3e-4
    @Option(help: ArgumentHelp("Steps between validations. (default: once through the recordings, from 10 to 200)", valueName: "n")) var validateEvery: Int?
    @Option(help: ArgumentHelp("Validations without a lower loss after which training stops.", valueName: "n")) var patience = 4
    @Option(help: ArgumentHelp("Validations between spoken samples; 0 speaks none.", valueName: "n")) var sampleEvery = 2
    @Option(help: ArgumentHelp("Memory that a step of T3 may take; where it would take more, it takes more time instead.", valueName: "bytes"))
    var memory: ByteCount = ByteCount(argument: "8G")!
    @Option(help: ArgumentHelp("Seed of the matrices, the order and the noise.", valueName: "n")) var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Processor threads; by default one for each processor that this process may use.", valueName: "n")) var threads: Int?
    @OptionGroup var progress: ProgressArguments

    func validate() throws {
        if output == nil, !check { throw ValidationError("-o is missing: the adapter to write, as ada.adapter.safetensors") }
        if let output, !output.hasSuffix(".safetensors") { throw ValidationError("-o \(output): its name must end in .safetensors") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); allowed is 1 to 1024") }
        if sampleEvery < 0 { throw ValidationError("--sample-every is \(sampleEvery); it is at least 0") }
        if let problem = options(rate, steps).problem ?? options(flowRate, flowSteps ?? steps).problem { throw ValidationError(problem) }
    }

    private func options(_ rate: Double, _ steps: Int?, recordings: Int = 100) -> AdapterTrainingOptions {
        var options = AdapterTrainingOptions()
        options.plan = AdapterPlan(
            rank: rank, alpha: alpha ?? Double(2 * rank), layers: layers?.layers,
            modules: modules?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? [])
        (options.batch, options.accumulation, options.rate, options.patience, options.seed) = (batch, accumulate, rate, patience, seed)
        if batch > 0, accumulate > 0 { options.fit(recordings: recordings) }
        options.steps = steps ?? options.steps
        options.interval = validateEvery ?? options.interval
        return options
    }

    func run() async throws {
        let display = progress.display
        defer { display.clear() }
        let wanted = try language.map { code in
            guard let language = Language(code: code) else { throw UsageError("--language is \(code), which no model speaks") }
            return language
        }
        let list = try RecordingList(URL(filePath: recordings))
        let offer = ModelOffer(folders: UserFolders(), display: display)
        defer { withExtendedLifetime(offer) {} }
        let folder = try await offer.folder(of: model)
        display.begin("Loading \(folder.lastPathComponent)")
        let search = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let compute = try ComputeOptions(exact: true, threads: threads)
        let loaded = try await Synthesizer.load(folder, compute: compute, languageTools: .installed(in: search)).model
        if let wanted, !loaded.variant.languages.contains(wanted) {
            throw UsageError("--language is \(wanted.code); \(loaded.variant.title) speaks \(loaded.variant.languages.map(\.code).joined(separator: ", "))")
        }
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
            try StandardOutput.print("\(checked.accepted.count) recordings of \(minutes) min can be learned from, \(checked.refusals.count) are refused")
            return
        }
        try await train(loaded, checked, list, display, threads: compute.threadCount, search)
    }

    private func train(
        _ model: Model, _ checked: RecordingCheck.Result, _ list: RecordingList, _ display: ProgressDisplay, threads: Int, _ search: String
    ) async throws {
        var training = AdapterTraining(
            model, output: URL(filePath: output!), t3: options(rate, steps, recordings: checked.accepted.count),
            flow: trainFlow ? options(flowRate, flowSteps ?? steps, recordings: checked.accepted.count) : nil)
        (training.threads, training.memory, training.sampleInterval) = (threads, memory.bytes, sampleEvery)
        training.ffmpeg = .installed(in: search)
        let isSilent = display.style == .silent
        let result = try await training.run(checked, of: list) { if !isSilent { StandardError.print($0) } }
        for part in result.parts {
            try StandardOutput.print(String(
                format: "%@: %@, loss of recordings that were not learned from %.4f before, %.4f after %d steps", part.file.path,
                part.part == .t3 ? "T3" : "flow", part.before, part.after, part.bestStep))
        }
        try StandardOutput.print("report: \(training.report.path)")
    }
}

/// Numbers and ranges of them, as 0-9,20.
struct LayerRanges: ExpressibleByArgument {
    let layers: [Int]

    init?(argument: String) {
        var layers: Set<Int> = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0.trimmingCharacters(in: .whitespaces)) }
            guard let first = ends.first, let low = first, ends.count <= 2, let high = ends.last ?? nil, low >= 0, low <= high, high < 10_000 else { return nil }
            layers.formUnion(low...high)
        }
        self.layers = layers.sorted()
    }
}
