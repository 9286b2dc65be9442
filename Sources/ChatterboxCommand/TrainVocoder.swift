import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import Torch

/// `chatterbox train vocoder`: mel to waveform.
struct TrainVocoder: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vocoder", abstract: "Train the vocoder and its pitch predictor.")

    @Argument(help: "A folder with manifest.jsonl.", completion: .directory) var data: String
    @Option(help: "Folder with the flow's mels (see `train mels`), used in place of the recordings' own.", completion: .directory) var mels: String?
    @Option(help: "Folder for checkpoints, weights and losses.", completion: .directory) var out: String
    @Option(help: "Weights to continue from, by their names in s3gen.safetensors.", completion: .file()) var from: String?
    @Option(help: "File for the vocoder's weights only, with their names in s3gen.safetensors.", completion: .file()) var export: String?
    @Option(help: "Steps in all.") var steps = 8000
    @Option(help: "The step from which the discriminators are trained; the value of --steps means never.") var judgesFrom = 4000
    @Flag(help: "Train the pitch predictor alone, which is quick.") var onlyPitch = false
    @Option(help: "Excerpts in a batch.") var batch = 4
    @Option(help: "Frames of an excerpt, 20 ms each.") var frames = 25
    @Option(help: "The highest learning rate.") var rate = 1e-3
    @Option(help: "config.json of the model; Pico's sizes when left out.", completion: .file()) var config: String?
    @Option(help: "Seed of weights, order and noise.") var seed: UInt64 = 1
    @Option(help: "Processor threads.") var threads = 1

    func run() throws {
        try Libtorch.setThreads(threads)
        let manifest = try Manifest(URL(filePath: data)), made = try mels.map { try FeatureStore(URL(filePath: $0)) }
        func excerpts(_ split: String) throws -> SpeechExcerpts {
            try made.map { try SpeechExcerpts(manifest, split: split, mels: $0) } ?? SpeechExcerpts(manifest.split(split).map(\.audio))
        }
        var settings = VocoderTaskOptions(steps: steps, judgesFrom: judgesFrom)
        (settings.batch, settings.frames, settings.rate, settings.seed) = (batch, frames, rate, seed)
        settings.pitchRate = 2 * rate
        settings.onlyPitch = onlyPitch
        settings.export = export.map { URL(filePath: $0) }
        let task = try VocoderTask(
            try ModelConfiguration(ofFile: config).s3Gen.vocoder, training: excerpts("train"), heldOut: excerpts("validation"),
            start: from.map { try Weights.load(URL(filePath: $0)) }, settings)
        var options = TrainingOptions(steps: steps, folder: URL(filePath: out))
        (options.seed, options.threads) = (seed, threads)
        options.checkpointSeconds = 300
        try Trainer(options) {
            print($0)
            fflush(nil)
        }.run(task)
    }
}
