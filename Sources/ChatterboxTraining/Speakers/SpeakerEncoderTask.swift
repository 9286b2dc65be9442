import Chatterbox
import Foundation
import Torch

/// Trains a `SpeakerEncoder` to tell speakers apart: see ``SpeakerLosses/additiveMargin(_:directions:speakers:margin:scale:)``.
///
/// Its batch normalisation uses each batch's own statistics and keeps their running means for later.
public final class SpeakerEncoderTask: TrainingTask {
    /// Recordings in a batch.
    public static let batch = 32
    /// Frames, 10 ms each, of the shortest and the longest cut.
    public static let frames = 120...300

    public let groups: [ParameterGroup]
    public let buffers: [String: Tensor]
    private let config: SpeakerEncoderConfig
    private let training, heldOut: SpeakerRecordings
    private let parameters: [String: Tensor]
    private let directions: Tensor
    private let export: URL?
    private let seed: UInt64

    /// - Parameters:
    ///   - config: sizes of the encoder.
    ///   - training: at least two speakers.
    ///   - heldOut: recordings for speaker verification, at least two of each speaker.
    ///   - start: weights to continue from, by their names in `s3gen.safetensors`; nil uses random ones.
    ///   - export: the file to which the encoder is written with each checkpoint, under its names in `s3gen.safetensors`.
    ///   - steps: length of the learning rate's schedule.
    ///   - rate: its peak, after 50 steps.
    ///   - seed: the seed of random weights and of the random numbers of each step.
    public init(
        _ config: SpeakerEncoderConfig, training: SpeakerRecordings, heldOut: SpeakerRecordings,
        start: Weights? = nil, export: URL? = nil, steps: Int, rate: Double = 2e-3, seed: UInt64
    ) throws {
        (self.config, self.training, self.heldOut, self.export, self.seed) = (config, training, heldOut, export, seed)
        let generator = try Generator(seed: seed)
        let weights = start ?? Weights(initialising: generator)
        _ = try SpeakerEncoder(weights["speaker_encoder"], config)
        let tensors = try weights.parameters.mapValues { try $0.to(.float32).clone() }
        buffers = tensors.filter { Self.isStatistic($0.key) }
        parameters = tensors.filter { !Self.isStatistic($0.key) }
        directions = try Tensor.randn([training.speakers.count, config.embeddingSize], generator: generator)
        // An average of the weights would not fit the statistics of the latest weights.
        var settings = OptimizerSettings(schedule: .init(peak: rate, warmUp: 50, steps: steps))
        settings.averaging = nil
        settings.maximumNorm = 5
        groups = [ParameterGroup("encoder", parameters.merging(["directions": directions]) { $1 }, settings)]
    }

    private static func isStatistic(_ name: String) -> Bool { name.hasSuffix(".running_mean") || name.hasSuffix(".running_var") }

    private var weights: Weights { Weights(tensors: parameters.merging(buffers) { $1 }, named: "training") }

    public func step(
        _ number: Int, generator: Generator, descent: Descent
    ) throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed &* 1_000_003 &+ UInt64(number))
        let frames = Int.random(in: Self.frames, using: &random)
        let known = training.recordings.indices.filter { !training.recordings[$0].isEmpty }
        var speakers: [Int] = []
        let cuts = try (0..<Self.batch).map { _ in
            let speaker = known.randomElement(using: &random)!
            speakers.append(speaker)
            let whole = training.recordings[speaker].randomElement(using: &random)!.filterbank
            return try Self.withoutMean(SpeakerRecordings.cut(whole, frames: min(frames, whole.size(0)), using: &random))
                .padded([0, 0, 0, max(0, frames - whole.size(0))])
        }
        let encoder = try SpeakerEncoder(weights["speaker_encoder"].updatingStatistics, config)
        let (loss, accuracy) = try SpeakerLosses.additiveMargin(
            encoder(Tensor.stack(cuts)), directions: directions, speakers: Tensor(speakers.map(Int64.init)))
        try descent("encoder", loss)
        return [TrainingMetric("loss", try loss.item()), TrainingMetric("accuracy", accuracy)]
    }

    public func validate() throws -> [TrainingMetric] {
        if let export {
            try SafetensorsWriter.write(parameters.merging(buffers) { $1 }.mapValues { try $0.detached() }, to: export)
        }
        let encoder = try SpeakerEncoder(weights["speaker_encoder"], config)
        return try heldOut.verification { try encoder(Self.withoutMean($0.filterbank).unsqueezed(0)) }
    }

    private static func withoutMean(_ filterbank: Tensor) throws -> Tensor {
        try filterbank - filterbank.mean(axis: 0, keepAxis: true)
    }
}
