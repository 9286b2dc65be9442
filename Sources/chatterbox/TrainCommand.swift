import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import Torch

/// `chatterbox train …`: makes or adapts a model's networks from recordings.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model's networks on recordings.",
        discussion: """
            The data is a folder with a manifest.jsonl: one JSON object a line with audio, text and speaker. Each network keeps \
            its state in its folder and goes on from there when it is started again.
            """,
        subcommands: [Features.self, TrainTokenizer.self, TrainSpeaker.self, TrainVocoder.self, CopySynthesisCommand.self])
}

/// Options that all trainings share.
struct TrainingArguments: ParsableArguments {
    @Argument(help: "The data: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(help: "Where the features of the recordings lie (see `train features`).")
    var features: String
    @Option(help: "Folder for checkpoint, weights and losses.")
    var out: String
    @Option(help: "config.json of the model; Pico's sizes when left out.")
    var config: String?
    @Option(help: "Steps in all.")
    var steps: Int
    @Option(help: "Highest learning rate.")
    var rate: Double
    @Option(help: "Steps of rising rate.")
    var warmUp = 200
    @Option(help: "Speech tokens (40 ms) of a batch.")
    var batchTokens: Int
    @Option(help: "Processor threads.")
    var threads = 1
    @Option(help: "Seed of weights, order and noise.")
    var seed: UInt64 = 1

    func model() throws -> ModelConfiguration {
        guard let config else { return .pico }
        return try JSONDecoder().decode(ModelConfiguration.self, from: Data(contentsOf: URL(filePath: config)))
    }

    func corpora() throws -> (train: Corpus, heldOut: Corpus) {
        let manifest = try Manifest(URL(filePath: data))
        let store = try FeatureStore(URL(filePath: features))
        return (try Corpus(manifest, store, split: "train"), try Corpus(manifest, store, split: "validation"))
    }

    var settings: OptimizerSettings { OptimizerSettings(schedule: LearningRateSchedule(peak: rate, warmUp: warmUp, steps: steps)) }

    func run(_ task: some TrainingTask) throws {
        var options = TrainingOptions(steps: steps, folder: URL(filePath: out))
        options.seed = seed
        try Trainer(options) { line in
            print(line)
            fflush(nil)
        }.run(task)
    }
}

/// `chatterbox train features`.
struct Features: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Compute what the networks hear of each recording, once.")
    @Argument(help: "The data: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(help: "Folder for the features.")
    var out: String
    @Option(help: "Recordings that are read at once.")
    var threads = 2

    func run() throws {
        try Libtorch.setThreads(1)
        try FeatureStore.extract(Manifest(URL(filePath: data)), to: URL(filePath: out), threads: threads) {
            print(String(format: "%.1f %%", 100 * $0))
            fflush(nil)
        }
    }
}

/// `chatterbox train tokenizer`.
struct TrainTokenizer: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tokenizer", abstract: "Train the S3 tokenizer: recording to speech tokens.")
    @OptionGroup var arguments: TrainingArguments
    @Option(help: "Weight of reading the letters beside telling the mel.")
    var letters = 0.15

    func run() throws {
        try Libtorch.setThreads(arguments.threads)
        let corpora = try arguments.corpora()
        try arguments.run(S3TokenizerTask(
            arguments.model().s3Gen.tokenizer, corpus: corpora.train, heldOut: corpora.heldOut, settings: arguments.settings,
            batchTokens: arguments.batchTokens, letterWeight: letters, seed: arguments.seed))
    }
}
