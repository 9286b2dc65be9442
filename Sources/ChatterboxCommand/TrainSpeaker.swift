import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import Pico
import Torch

/// `chatterbox train speaker`: trains the two networks that distinguish voices.
struct TrainSpeaker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "speaker", abstract: "Train the voice encoder (for T3) or the speaker encoder (for S3Gen).")

    enum Encoder: String, ExpressibleByArgument, CaseIterable {
        case voice, timbre
    }

    @Argument(help: "A folder with manifest.jsonl.", completion: .directory) var data: String
    @Option(help: "voice: the LSTM whose embedding T3 uses. timbre: CAMPPlus, whose x-vector S3Gen uses.") var encoder: Encoder
    @Option(help: "Folder for checkpoints, weights and losses.", completion: .directory) var out: String
    @Option(help: "File for the encoder's weights only, with the names that they have in checkpoints.", completion: .file()) var export: String?
    @Option(help: "Steps in all.") var steps = 1000
    @Option(help: "Highest learning rate.") var rate = 2e-3
    @Option(help: "Largest number of recordings of each speaker.") var perSpeaker = 30
    @Option(help: "config.json of the model; Pico's sizes when left out.", completion: .file()) var config: String?
    @Option(help: "Seed of weights, order and noise.") var seed: UInt64 = 1
    @Option(help: "Processor threads.") var threads = 1

    func run() throws {
        try Libtorch.setThreads(threads)
        let manifest = try Manifest(URL(filePath: data))
        func recordings(_ utterances: [Manifest.Utterance], _ count: Int) throws -> SpeakerRecordings {
            try SpeakerRecordings(utterances, perSpeaker: count, seed: seed) {
                print("\($0) recordings read")
                fflush(nil)
            }
        }
        // The speakers of this split do not occur in training.
        let training = try recordings(manifest.split("train"), perSpeaker)
        let known = Set(training.speakers)
        let validation = try manifest.split("validation")
        let unheard = validation.filter { !known.contains($0.speaker) }
        let heldOut = try recordings(unheard.isEmpty ? validation : unheard, 10)
        print("\(training.speakers.count) speakers for training, \(heldOut.speakers.count) for validation")

        var options = TrainingOptions(steps: steps, folder: URL(filePath: out))
        options.seed = seed
        let trainer = Trainer(options) {
            print($0)
            fflush(nil)
        }
        let file = export.map { URL(filePath: $0) }
        let sizes = try ModelConfiguration(ofFile: config)
        switch encoder {
        case .voice:
            try trainer.run(
                VoiceEncoderTask(
                    sizes.voiceEncoder, training: training, heldOut: heldOut, export: file, steps: steps, rate: rate, seed: seed))
        case .timbre:
            try trainer.run(
                SpeakerEncoderTask(
                    sizes.s3Gen.speakerEncoder, training: training, heldOut: heldOut, export: file, steps: steps, rate: rate, seed: seed))
        }
    }
}

extension ModelConfiguration {
    /// The sizes in a `config.json`; nil for Pico's.
    ///
    /// - Throws: `CheckpointError.configuration`, `UsageError` if Pico is not installed with the program.
    init(ofFile path: String?) throws { self = try Variant(ofFile: path).configuration }
}

extension Variant {
    /// The model that a `config.json` describes, like the English model if it has only sizes; nil for Pico.
    ///
    /// - Throws: `CheckpointError.configuration`, `UsageError` if Pico is not installed with the program.
    init(ofFile path: String?) throws {
        guard let url = path.map({ URL(filePath: $0) }) ?? Pico.folder?.appending(path: "config.json") else {
            throw UsageError("Pico's config.json, the default for the sizes, is not next to this program; give --config")
        }
        if let described = try Variant.described(by: url) {
            self = described
        } else {
            self = .chatterbox
            configuration = try ModelConfiguration(url)
        }
    }
}
