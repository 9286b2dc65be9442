import ArgumentParser
import Chatterbox
import ChatterboxModels
import FileSupport
import Foundation
import SpeechAudio
import SpeechText
import Torch

/// `chatterbox bench`, and `chatterbox bench speed`, which is the same.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the speed for one listener or many, and the quality loss of faster settings and of chunks.",
        subcommands: [BenchSpeed.self, BenchLoad.self, BenchQuality.self, BenchDelivery.self], defaultSubcommand: BenchSpeed.self)
}

/// `chatterbox bench speed`: the time of each stage.
struct BenchSpeed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "speed",
        abstract: "Measure the speed of each stage, and its share of the machine's limits.",
        discussion: """
            Every combination of --model, --device, --dtype, --quantize, --way and --flow is measured --runs times, alternately, each time \
            in a new process. The table shows medians, ± half the range, and in brackets the share of this machine's limit that a stage \
            reaches. The limit is memory bandwidth or arithmetic in the stage's number format, whichever is lower for that stage; both are \
            measured first.

            Examples:
              chatterbox bench
              chatterbox bench --model turbo nano --quantize none int8 --tokens 500
              chatterbox bench --model DIR --voice me.wav --against-python .deps/upstream --markdown
            """)

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Models to measure: names or folders.", valueName: "name|dir"))
    var model: [String] = []
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Devices: cpu, cuda, cuda:1, …, or auto.", valueName: "device"))
    var device = ["auto"]
    @Option(parsing: .upToNextOption, help: "Arithmetic of the language model: float32, bfloat16, float16.")
    var dtype: [ComputeArguments.Precision] = [.float32]
    @Option(parsing: .upToNextOption, help: "Weights: none, int8, int4.")
    var quantize: [Quantization] = [.none]
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "fast: the default path; exact: upstream's operations one by one; on a GPU also uncaptured (without CUDA graphs), tf32 and offload.",
            valueName: "way"))
    var way: [BenchWay] = [.fast]
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "own: the model's own flow; fast: a mean flow of two steps instead; upstream is then measured with its own flow and with the same mean flow.",
            valueName: "own|fast"))
    var flow: [ComputeArguments.Flow] = [.own]
    @Option(help: "Number of measurements of each combination.")
    var runs = 3
    @Option(help: "How often a process speaks the text; the last time is used.")
    var repeats = 2
    @Option(help: "The text to speak, undivided.")
    var text = "The ship was late, and nobody on the quay could say when it would come in."
    @Option(help: ArgumentHelp("Speech tokens to sample, 25 a second; the stop token is never sampled.", valueName: "n"))
    var tokens = 100
    @Option(help: ArgumentHelp("Language of the text, for models that speak several.", valueName: "xx"))
    var language: String?
    @OptionGroup var voice: VoiceArguments
    @Flag(help: "Also measure each start with the files not in the page cache.")
    var cold = false
    @Option(
        help: ArgumentHelp(
            "Also measure upstream's Python package in the same run; the value is a virtual environment that contains it.", valueName: "venv"))
    var againstPython: String?
    #if Hub
        @Option(help: ArgumentHelp("Also measure a server with OpenAI's API, with the same text.", valueName: "url"))
        var againstURL: String?
    #endif
    @Flag(help: "Show memory by component and stage.")
    var memory = false
    @Option(help: ArgumentHelp("Draw the time of each stage as an SVG file.", valueName: "file"))
    var plot: String?
    @Option(help: ArgumentHelp("Processor threads.", valueName: "n"))
    var threads: Int?
    @OptionGroup var common: BenchArguments
    @OptionGroup var progress: ProgressArguments

    func validate() throws {
        guard (1...100).contains(runs) else { throw ValidationError("--runs is \(runs); allowed is 1 to 100") }
        guard (1...100).contains(repeats) else { throw ValidationError("--repeats is \(repeats); allowed is 1 to 100") }
        guard (1...4096).contains(tokens) else { throw ValidationError("--tokens is \(tokens); allowed is 1 to 4096") }
        guard common.seed <= UInt64(UInt32.max) || againstPython == nil else {
            throw ValidationError("--seed is \(common.seed); Python takes up to \(UInt32.max)")
        }
        if let plot, !plot.lowercased().hasSuffix(".svg") { throw ValidationError("--plot \(plot): the picture is SVG; name it so") }
    }

    func run() async throws {
        if let plot { try OutputPlace.check(URL(filePath: plot)) }
        let display = progress.display
        defer { display.clear() }
        let upstream = try againstPython.map { try UpstreamBaseline(environment: URL(filePath: $0)) }
        let locator = UserFolders().modelLocator
        let devices = try device.map { try Device($0).description }
        let models: [String?] = model.isEmpty ? [nil] : model
        let settings = BenchSetting.combinations(
            models: models, devices: devices, dtypes: dtype.map(\.rawValue), quantizations: quantize.map(\.rawValue), ways: way,
            flows: flow.map(\.rawValue))
        let folders = try Dictionary(models.map { ($0, try locator.folder(of: $0)) }, uniquingKeysWith: { first, _ in first })
        display.begin("Measuring the machine")
        let machine = try BenchMachine.measure(threads: threads ?? ComputeOptions.defaultThreads)

        var contenders: [Contender] = settings.map { setting in
            Contender(label: setting.label, folder: folders[setting.model]!, setting: setting) { try await run(setting) }
        }
        if let upstream {
            for (model, folder) in folders.sorted(by: { $0.value.path < $1.value.path }) {
                for device in devices {
                    for fastFlow in try [nil]
                        + (flow.contains(.fast) ? [Model.s3GenFile(of: folder, flow: .fast(elsewhere: UserFolders().fastFlows))] : [])
                    {
                        let name = model.map { URL(filePath: $0).lastPathComponent } ?? "default model"
                        let label = "upstream \(name) \(device)" + (fastFlow == nil ? "" : " " + BenchSetting.fastFlow)
                        let job = BenchJob(
                            folder: folder.path, device: device, voice: voice.voice, text: text, language: language ?? "en", seed: common.seed,
                            maxTokens: tokens, repeats: repeats, threads: threads, fastFlow: fastFlow?.path)
                        contenders.insert(Contender(label: label, folder: folder, setting: nil) { try await upstream.run(job, label: label) }, at: 0)
                    }
                }
            }
        }
        #if Hub
            if let againstURL {
                let server = SpeechServerBaseline(address: againstURL)
                contenders.append(Contender(label: againstURL, folder: nil, setting: nil) { try await server.run(text) })
            }
        #endif
        // Settings alternate, so that changes of the machine's speed affect all of them.
        for round in 1...runs {
            for index in contenders.indices {
                display.begin("Round \(round) of \(runs): \(contenders[index].label)")
                contenders[index].warm.append(try await contenders[index].measure())
                if cold, round == 1, let folder = contenders[index].folder {
                    BenchProcess.evict(folder)
                    contenders[index].cold.append(try await contenders[index].measure())
                }
            }
        }
        let rows = try contenders.map {
            BenchRow($0.label, $0.warm, cold: $0.cold, costs: try costs($0), on: $0.setting?.device == "cpu" ? machine : nil)
        }
        let report = BenchReport(machine: machine, text: text, rows: rows)
        display.clear()
        if let plot { try draw(report, to: URL(filePath: plot)) }
        if common.json { return try StandardOutput.print(json: report) }
        try show(report, folders: folders.values.sorted { $0.path < $1.path })
    }

    private func draw(_ report: BenchReport, to file: URL) throws {
        do {
            try ReplacementFile.write(file) { append in
                try Data(BenchPlot.svg(report).utf8).withUnsafeBytes { try append($0) }
            }
        } catch let error as SystemError {
            throw AudioError.unwritable(name: file.path, reason: error.description)
        }
    }

    private func show(_ report: BenchReport, folders: [URL]) throws {
        try StandardOutput.print(report.machine.sentence + "; in brackets the share of what these allow\n")
        try StandardOutput.print(common.table(report.table))
        guard memory else { return }
        try StandardOutput.print("\n" + common.table(report.memoryTable))
        for folder in folders {
            try StandardOutput.print("\n" + common.table(try WeightTable.rows(of: folder)))
        }
    }

    private struct Contender {
        let label: String
        let folder: URL?
        let setting: BenchSetting?
        let measure: () async throws -> BenchRun
        var warm: [BenchRun] = []
        var cold: [BenchRun] = []

        init(label: String, folder: URL?, setting: BenchSetting?, measure: @escaping () async throws -> BenchRun) {
            (self.label, self.folder, self.setting, self.measure) = (label, folder, setting, measure)
        }
    }

    private func run(_ setting: BenchSetting) async throws -> BenchRun {
        var arguments = [
            "bench-worker", "--text", text, "--max-tokens", String(tokens), "--seed", String(common.seed), "--split", "none", "--no-watermark",
            "--repeats", String(repeats),
        ]
        arguments += setting.arguments
        if let threads { arguments += ["--threads", String(threads)] }
        if let language { arguments += ["--language", language] }
        if let voice = voice.voice { arguments += ["--voice", voice] }
        return try await BenchProcess.run(setting.label, URL(filePath: "/proc/self/exe").resolvingSymlinksInPath(), arguments)
    }

    /// The minimal work of each stage.
    private func costs(_ contender: Contender) throws -> [String: StageCost] {
        guard let setting = contender.setting, let folder = contender.folder,
            let run = contender.warm.last
        else { return [:] }
        return BenchWorkload(try Model.configuration(of: folder), run, setting).stages
    }
}
