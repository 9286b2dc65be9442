import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio

/// `chatterbox batch`: many texts in one process, on one machine or on many.
struct BatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch", abstract: "Speak many texts, each into its own file.",
        usage: """
            chatterbox batch MANIFEST -o DIR [options]
            chatterbox batch MANIFEST -o DIR --merge
            """,
        discussion: """
            MANIFEST is JSON lines or CSV with a header. Its fields are: text, or file (the path of a text file); id (the name of the \
            output file); voice, model, language, seed, adapter, format, exaggeration, cfg_weight, temperature, top_p, top_k, min_p, \
            repetition_penalty, steps, max_tokens, takes, judge, speed, loudness. Missing fields have the values given on the command \
            line. The default seed is computed from the id.

            The sound files are written to DIR, and results.jsonl with a line for each text: the path of its sound, or why it failed. When \
            the command is started again, existing sounds are kept if text, voice, model and options are the same; --retry repeats failed \
            texts.

            Several processes can divide the work with --shard 0/8 to 7/8; on Slurm and Kubernetes the number comes from the environment. \
            Afterwards --merge reports what is missing, and writes DIR/merged.jsonl with a line for each text.

            Examples:
              chatterbox batch lines.jsonl -o spoken/ --voice me.wav --format flac
              chatterbox batch lines.csv -o spoken/ --model turbo --quantize int8 --at-once 8
              chatterbox batch lines.jsonl -o spoken/ --shard 3/16
              chatterbox batch lines.jsonl -o spoken/ --merge
            """)

    @Argument(help: ArgumentHelp("The texts: JSON lines or CSV.", valueName: "manifest"), completion: .file()) var manifest: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The folder for sound files and results.", valueName: "dir"), completion: .directory) var output:
        String
    @Option(help: "Format of the sound files.") var format: AudioFormat = .wav
    @Option(help: ArgumentHelp("Number of texts that are spoken at the same time. (default: 4, on a GPU 16)", valueName: "n")) var atOnce: Int?
    @Option(help: ArgumentHelp("Number of models that are kept loaded, if texts name several.", valueName: "n")) var keepModels = 2
    @Flag(help: "Speak nothing: merge the results of all parts into one list, and report what failed and what is missing.") var merge = false
    @Flag(help: "Repeat texts that failed before.") var retry = false
    @Flag(help: "Print the figures as one JSON object on standard output.") var json = false
    @Option(help: ArgumentHelp("Speak part i of n, with i from 0 to n − 1.", valueName: "i/n")) var shard: String?
    @Option(
        help: ArgumentHelp(
            "Number of parts, if SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX gives the part's number. (default: the number of tasks in Slurm's array)",
            valueName: "n"))
    var shards: Int?

    @OptionGroup(title: "Voice and speech") var voice: VoiceArguments
    @OptionGroup(title: "Voice and speech") var speaking: SpeakingArguments
    @OptionGroup(title: "Voice and speech") var judging: JudgeArguments
    @OptionGroup(title: "Model") var model: ModelArguments
    @OptionGroup(title: "Model") var adapters: AdapterArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    func validate() throws {
        if let atOnce, !(1...1024).contains(atOnce) { throw ValidationError("--at-once is \(atOnce); allowed is 1 to 1024") }
        if !(1...64).contains(keepModels) { throw ValidationError("--keep-models is \(keepModels); allowed is 1 to 64") }
    }

    func run() async throws {
        guard !merge else { return try printMerged() }
        try model.check()
        _ = try speaking.options()
        _ = try voice.source(for: model)
        let shard = try BatchShard(shard, count: shards, environment: ProcessInfo.processInfo.environment)
        let manifest = try BatchManifest(URL(filePath: manifest))
        let results = try BatchResults(URL(filePath: output, directoryHint: .isDirectory), name: shard.resultsName)
        let display = progress.display
        defer { display.clear() }
        let uses = try adapters.uses(), ofFlow = uses.filter { $0.adapter.part == .flow }
        let engine = SpeechEngine(), compute = model.compute
        let resources = BatchResources(models: keepModels, UserFolders(), display) { name in
            try await compute.load(name.isEmpty ? nil : name, display, engine: engine, adapters: ofFlow)
        }
        // If no text can be spoken, the error is reported at once and not for every text.
        let first = try await resources.model(model.model ?? "").value
        try speaking.check(first.model)
        if let judge = judging.judge { _ = try await resources.judge(judge) }
        let run = BatchRun(
            manifest: manifest, results: results, shard: shard, resources: resources, speaking: speaking, judge: judging.judge, voice: voice.voice,
            model: model.model ?? "",
            adapters: zip(adapters.adapter, uses).filter { $1.adapter.part == .t3 }.map { "\($0.0.path)=\($0.0.weight)" }, format: format,
            arithmetic: compute.facts(first.model)
                + ofFlow.map { "\($0.adapter.name)=\($0.weight)" },
            width: atOnce ?? (first.model.device.isCUDA ? 16 : 4), retries: retry, display: display)
        let summary = try await run()
        display.finish(Self.sentence(summary, results.folder.appending(path: shard.resultsName)))
        if json { try StandardOutput.print(json: summary) }
        if summary.failed + summary.failedBefore > 0 { throw ExitCode(1) }
    }

    private func printMerged() throws {
        let manifest = try BatchManifest(URL(filePath: manifest)), folder = URL(filePath: output, directoryHint: .isDirectory)
        guard folder.isFolder else { throw BatchFolderError(folder, "there is no such folder") }
        let merged = try BatchMerging(manifest, folder)
        try merged.write(to: folder.appending(path: "merged.jsonl"))
        for line in merged.problems.prefix(20) { try StandardOutput.print(line) }
        if merged.problems.count > 20 { try StandardOutput.print("… and \(merged.problems.count - 20) more, see merged.jsonl") }
        try StandardOutput.print(
            String(
                format: "%d of %d done (%.1f min of sound), %d failed, %d missing; see %@", merged.done, manifest.count, merged.audioSeconds / 60,
                merged.failed,
                merged.missing, folder.appending(path: "merged.jsonl").relativePath))
        if merged.failed + merged.missing > 0 { throw ExitCode(1) }
    }

    private static func sentence(_ summary: BatchRun.Summary, _ results: URL) -> String {
        var parts = [
            String(
                format: "%d spoken, %.1f min of sound in %.1f min (%.1f s a second)", summary.spoken, summary.audioSeconds / 60,
                summary.wallSeconds / 60,
                summary.audioSecondsPerSecond)
        ]
        if summary.alreadyDone > 0 { parts.append("\(summary.alreadyDone) were there") }
        if summary.failed > 0 { parts.append("\(summary.failed) failed") }
        if summary.failedBefore > 0 { parts.append("\(summary.failedBefore) failed before and were not tried again (--retry does)") }
        return parts.joined(separator: "; ") + "; see \(results.relativePath)"
    }
}
