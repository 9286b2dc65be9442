import ArgumentParser
import Chatterbox
import ChatterboxEvaluation
import Foundation
import SpeechAudio
import Torch

/// `chatterbox bench delivery`: the quality loss of delivery in chunks.
struct BenchDelivery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delivery",
        abstract: "Measure the quality loss of speech in chunks against the same speech computed whole.",
        discussion: """
            Each text is spoken in chunks and whole, with the same tokens and the same noise. The table shows the spectrum error (dB), on \
            average and near the joins between chunks; for comparison, the difference that other noise makes in whole speech; and the \
            largest step between two samples at a join, as a share of the largest elsewhere in the same speech. --to also writes the \
            speech of each text, in chunks and whole, with manifests for scripts/measure-speech.

            Examples:
              chatterbox bench delivery --model pico --file scripts/speech/test.txt --to spoken
              chatterbox bench delivery --model turbo --quantize int8 --text "The ship was late." --first 12 24 48
            """)

    @OptionGroup var model: ModelArguments
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Texts to speak.", valueName: "text"))
    var text = BenchLoad.texts
    @Option(help: ArgumentHelp("A file with the texts to speak instead, one on each line; in a line with tabs, the second field.", valueName: "file"))
    var file: String?
    @Option(help: ArgumentHelp("Largest number of texts.", valueName: "n"))
    var limit = 200
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Sizes of the first chunk to measure, in tokens, 25 a second.", valueName: "n"))
    var first = [ChunkSizes.standard[0]]
    @Option(
        help: ArgumentHelp(
            "Smallest number of context tokens before a chunk, besides the prompt; context always consists of whole chunks.", valueName: "n"))
    var context = ChunkSizes.standard.context
    @Option(help: ArgumentHelp("Folder to write speech to: subfolders chunks and whole, for the first value of --first.", valueName: "folder"))
    var to: String?
    @OptionGroup var voice: VoiceArguments
    @OptionGroup var common: BenchArguments
    @OptionGroup var progress: ProgressArguments

    func validate() throws {
        guard first.allSatisfy({ (1...1000).contains($0) }) else { throw ValidationError("--first is \(first); allowed is 1 to 1000") }
        guard (0...1000).contains(context) else { throw ValidationError("--context is \(context); allowed is 0 to 1000") }
        guard limit > 0 else { throw ValidationError("--limit is \(limit); at least 1 is needed") }
    }

    func run() async throws {
        let display = progress.display
        defer { display.clear() }
        let source = try voice.source(for: model)
        let texts = try Array((file.map(Self.lines) ?? text).prefix(limit))
        let synthesizer = try await model.load(display)
        let voice = try await source?.load(synthesizer, display)
        var rows: [Row] = []
        for first in first {
            let sizes = ChunkSizes.standard.beginning(with: first, context: context)
            var loss = DeliveryLoss()
            for (index, text) in texts.enumerated() {
                display.begin("First chunk of \(first) tokens, text \(index + 1) of \(texts.count)")
                try await loss.add(text, synthesizer, voice: voice, seed: common.seed &+ UInt64(index), sizes: sizes)
            }
            rows.append(Row(first: first, loss))
        }
        if let to { try await keep(texts, synthesizer, voice, in: URL(filePath: to), display) }
        display.clear()
        if common.json { return try StandardOutput.print(json: rows) }
        try StandardOutput.print(common.table([Row.headings] + rows.map(\.cells)))
    }

    private static func lines(of path: String) throws -> [String] {
        try String(contentsOf: URL(filePath: path), encoding: .utf8).split(separator: "\n").map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            return String(fields.count > 1 ? fields[1] : fields[0])
        }
    }

    /// Writes each text's speech as it is delivered, with manifests.
    private func keep(_ texts: [String], _ synthesizer: Synthesizer, _ voice: Voice?, in folder: URL, _ display: ProgressDisplay) async throws {
        for delivery in SpeechOptions.Delivery.allCases {
            let place = folder.appending(path: delivery == .chunks ? "chunks" : "whole")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            var manifest = Data()
            for (index, text) in texts.enumerated() {
                display.begin("Keeping \(place.lastPathComponent), text \(index + 1) of \(texts.count)")
                var options = SpeechOptions(seed: common.seed &+ UInt64(index), delivery: delivery, takes: 1)
                options.chunkSizes = ChunkSizes.standard.beginning(with: first[0], context: context)
                let speech = try await synthesizer.speak(text, voice: voice, options: options)
                let entry = Entry(audio: "\(index).wav", text: text, speaker: "chunks", split: "test", end: speech.report.end?.rawValue)
                try AudioFile.write(speech.audio, to: place.appending(path: entry.audio))
                manifest += try JSONEncoder().encode(entry) + Data("\n".utf8)
            }
            try manifest.write(to: place.appending(path: "manifest.jsonl"), options: .atomic)
        }
    }

    private struct Entry: Encodable {
        let audio, text, speaker, split: String
        let end: String?
    }

    /// The losses for one chunk size, as printed by `--json`.
    struct Row: Encodable {
        let first, utterances, joins: Int
        let spectralDecibels, joinDecibels, noiseDecibels, largestStep, meanStep: Double

        enum CodingKeys: String, CodingKey {
            case first, utterances, joins
            case spectralDecibels = "spectral_decibels", joinDecibels = "join_decibels", noiseDecibels = "noise_decibels"
            case largestStep = "largest_step", meanStep = "mean_step"
        }

        init(first: Int, _ loss: DeliveryLoss) {
            (self.first, utterances, joins) = (first, loss.utterances, loss.joins)
            (spectralDecibels, joinDecibels, noiseDecibels) = (loss.spectralDecibels, loss.joinDecibels, loss.noiseDecibels)
            (largestStep, meanStep) = (loss.largestStep, loss.meanStep)
        }

        static let headings = ["first chunk", "texts", "joins", "spectrum off", "around joins", "other noise", "largest step", "mean step"]

        var cells: [String] {
            [
                "\(first) tokens", String(utterances), String(joins), String(format: "%.2f dB", spectralDecibels),
                String(format: "%.2f dB", joinDecibels), String(format: "%.2f dB", noiseDecibels), String(format: "%.2f", largestStep),
                String(format: "%.2f", meanStep),
            ]
        }
    }
}
