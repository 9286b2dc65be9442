import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechAudio
import Torch

/// `chatterbox bench quality`: the quality loss of faster settings.
struct BenchQuality: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality",
        abstract: "Measure the quality loss of faster settings against the exact path, on the CPU.",
        discussion: """
            Each setting gets the same preceding tokens as the exact path and computes the logits of the next token. The table shows the \
            relative root-mean-square error of the logits, how often the most likely token is the same, the perplexity of the spoken \
            tokens, and the errors of mel and spectrum (dB). For recordings (--data) it also shows the share of equal speech tokens.

            Examples:
              chatterbox bench quality --model chatterbox --voice me.wav --quantize none int8 int4
              chatterbox bench quality --model pico --data recordings/manifest.jsonl --split test --limit 40
            """)

    @Option(help: ArgumentHelp("The model: a name, or a folder with a model's files.", valueName: "name|dir"))
    var model: String?
    @Option(parsing: .upToNextOption, help: "Settings to measure: none (packed float32), int8, int4.")
    var quantize: [Quantization] = Quantization.allCases
    @Option(parsing: .upToNextOption, help: "Texts to speak, each undivided.")
    var text = ["The ship was late, and nobody on the quay could say when it would come in."]
    @Option(help: ArgumentHelp("Speech tokens to sample for each text, 25 a second.", valueName: "n"))
    var tokens = 100
    @Option(help: ArgumentHelp("Recordings whose tokens are used instead: a manifest.jsonl or its folder.", valueName: "manifest"))
    var data: String?
    @Option(help: "Split of the manifest.")
    var split = "test"
    @Option(help: ArgumentHelp("Speaker of the recordings; the model's voice of the same name is used.", valueName: "name"))
    var speaker: String?
    @Option(help: "Largest number of recordings.")
    var limit = 40
    @OptionGroup var voice: VoiceArguments
    @Option(help: ArgumentHelp("Processor threads.", valueName: "n"))
    var threads: Int?
    @OptionGroup var common: BenchArguments
    @OptionGroup var progress: ProgressArguments

    func validate() throws {
        guard (1...1000).contains(tokens) else { throw ValidationError("--tokens is \(tokens); allowed is 1 to 1000") }
        guard limit > 0 else { throw ValidationError("--limit is \(limit); at least 1 is needed") }
        if speaker != nil, data == nil { throw ValidationError("--speaker chooses among the recordings of --data, which is missing") }
    }

    func run() async throws {
        let display = progress.display
        defer { display.clear() }
        // The models are compared on this task's threads.
        if let threads { try Libtorch.setThreads(threads) }
        var arguments = try ModelArguments.parse([])
        arguments.model = model
        arguments.compute.threads = threads
        arguments.compute.exact = true
        let source = try voice.source(for: arguments)
        let exact = try await arguments.load(display)
        // The same folder again, without looking up its name.
        (arguments.compute.exact, arguments.model) = (false, exact.model.folder.path)
        var others: [Model] = []
        for quantization in quantize {
            arguments.compute.quantize = quantization
            others.append(try await arguments.load(display).model)
        }
        var speech = try await source?.load(exact, display) ?? exact.model.builtInVoice
        if let speaker, voice.voice == nil {
            speech = try await exact.voice(from: VoiceLibrary(ofModel: exact.model.folder).entry(named: speaker).file)
        }
        guard let speech else { throw CheckpointError.noBuiltInVoice(exact.model.folder) }

        var comparison = try SettingComparison(exact: exact.model, others: others)
        if let data {
            let chosen = try Manifest(URL(filePath: data)).split(split).filter { speaker == nil || $0.speaker == speaker }.prefix(limit)
            for (index, utterance) in chosen.enumerated() {
                display.begin("Recording \(index + 1) of \(chosen.count)")
                let spoken = try comparison.hear(AudioFile.read(utterance.audio))
                try comparison.add(utterance.text, tokens: spoken, voice: speech, seed: common.seed)
            }
        } else {
            for (index, text) in text.enumerated() {
                display.begin("Text \(index + 1) of \(text.count)")
                try comparison.add(text, voice: speech, limit: tokens, seed: common.seed)
            }
        }
        display.clear()
        let rows = zip(quantize, comparison.losses).map(Row.init)
        if common.json { return try StandardOutput.print(json: rows) }
        try StandardOutput.print(common.table([Row.headings] + rows.map(\.cells)))
    }

    /// The losses of a setting, as printed by `--json`.
    struct Row: Encodable {
        let quantize: String
        let utterances, tokens: Int
        let logitError, topAgreement, perplexity, exactPerplexity, melDecibels, spectralDecibels: Double
        let hearingAgreement: Double?

        enum CodingKeys: String, CodingKey {
            case quantize, utterances, tokens, perplexity
            case logitError = "logit_error", topAgreement = "top_agreement", exactPerplexity = "exact_perplexity"
            case hearingAgreement = "hearing_agreement"
            case melDecibels = "mel_decibels", spectralDecibels = "spectral_decibels"
        }

        init(_ quantization: Quantization, _ loss: SettingLoss) {
            quantize = quantization.rawValue
            (utterances, tokens) = (loss.utterances, loss.tokens)
            (logitError, topAgreement) = (loss.logitError, loss.topAgreement)
            (perplexity, exactPerplexity) = (loss.perplexity, loss.exactPerplexity)
            (melDecibels, spectralDecibels) = (loss.melDecibels, loss.spectralDecibels)
            hearingAgreement = loss.hearingAgreement
        }

        static let headings = [
            "weights", "tokens", "logits off", "same choice", "perplexity", "against exact", "mel off", "spectrum off", "recordings alike",
        ]

        var cells: [String] {
            [
                quantize == "none" ? "float32" : quantize, String(tokens), String(format: "%.1e", logitError),
                String(format: "%.1f %%", 100 * topAgreement), String(format: "%.3f", perplexity),
                String(format: "%+.2f %%", 100 * (perplexity / exactPerplexity - 1)), String(format: "%.3f dB", melDecibels),
                String(format: "%.3f dB", spectralDecibels), hearingAgreement.map { String(format: "%.1f %%", 100 * $0) } ?? "–",
            ]
        }
    }
}
