import Chatterbox
import Foundation
import Torch

/// Trains a `VoiceEncoder` to place recordings of one speaker together: see ``SpeakerLosses/endToEnd(_:scale:offset:)``.
public final class VoiceEncoderTask: TrainingTask {
    /// Speakers in a batch and recordings of each.
    public static let batch = (speakers: 32, recordings: 4)

    public let groups: [ParameterGroup]
    private let config: VoiceEncoderConfiguration
    private let training, heldOut: SpeakerRecordings
    private let parameters: [String: Tensor]
    private let export: URL?
    private let seed: UInt64

    /// - Parameters:
    ///   - config: sizes of the encoder.
    ///   - training: at least two speakers.
    ///   - heldOut: recordings for speaker verification, at least two of each speaker.
    ///   - start: weights to continue from, under the names of `ve.safetensors`; nil uses random ones.
    ///   - export: the file to which the encoder is written with each checkpoint, in the format of `ve.safetensors`.
    ///   - steps: length of the learning rate's schedule.
    ///   - rate: its peak, after 50 steps.
    ///   - seed: the seed of random weights and of the random numbers of each step.
    public init(
        _ config: VoiceEncoderConfiguration, training: SpeakerRecordings, heldOut: SpeakerRecordings,
        start: Weights? = nil, export: URL? = nil, steps: Int, rate: Double = 2e-3, seed: UInt64
    ) throws {
        (self.config, self.training, self.heldOut, self.export, self.seed) = (config, training, heldOut, export, seed)
        let weights = try start ?? Weights(initialising: Generator(seed: seed))
        _ = try VoiceEncoder(weights, config)
        var parameters = try weights.parameters.mapValues { try $0.to(.float32).clone() }
        if start == nil {
            // Powers may be in the hundreds, at which the gates are saturated and the embeddings of all recordings become the same.
            parameters["lstm.weight_ih_l0"] = try parameters["lstm.weight_ih_l0"]! / Self.level(of: training)
        }
        parameters["similarity_weight"] = try Tensor([Float(10)])
        parameters["similarity_bias"] = try Tensor([Float(-5)])
        self.parameters = parameters
        var settings = OptimizerSettings(schedule: .init(peak: rate, warmUp: 50, steps: steps))
        settings.averaging = 0.99
        groups = [ParameterGroup("encoder", parameters, settings)]
    }

    /// The root mean square of the inputs, from one recording of each speaker.
    private static func level(of training: SpeakerRecordings) throws -> Double {
        let mels = training.recordings.compactMap { $0.first?.mel }
        return max(1e-9, try Tensor.cat(mels).square().mean().item(Double.self).squareRoot())
    }

    public func step(
        _ number: Int, generator: Generator, descent: Descent
    ) throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed &* 1_000_003 &+ UInt64(number))
        let speakers = training.recordings.filter { $0.count > 1 }.shuffled(using: &random).prefix(Self.batch.speakers)
        let cuts = try speakers.flatMap { recordings in
            try (0..<Self.batch.recordings).map { _ in
                let mel = recordings[Int.random(in: recordings.indices, using: &random)].mel
                return try SpeakerRecordings.cut(mel, frames: config.partialFrames, using: &random)
            }
        }
        let encoder = try VoiceEncoder(Weights(tensors: parameters, named: "training"), config)
        let embeddings = try encoder(Tensor.stack(cuts)).reshaped([speakers.count, Self.batch.recordings, -1])
        let (loss, accuracy) = try SpeakerLosses.endToEnd(
            embeddings, scale: parameters["similarity_weight"]!, offset: parameters["similarity_bias"]!)
        try descent("encoder", loss)
        return [TrainingMetric("loss", try loss.item()), TrainingMetric("accuracy", accuracy)]
    }

    public func validate() throws -> [TrainingMetric] {
        if let export { try SafetensorsWriter.write(parameters.mapValues { try $0.detached() }, to: export) }
        let encoder = try VoiceEncoder(Weights(tensors: parameters, named: "training"), config)
        return try heldOut.verification { try encoder.embedding(ofMel: $0.mel) }
    }
}

extension SpeakerRecordings {
    /// How well an encoder distinguishes speakers by these recordings.
    func verification(_ embed: (Recording) throws -> Tensor) throws -> [TrainingMetric] {
        var embeddings: [Tensor] = [], names: [String] = []
        for (speaker, recordings) in zip(speakers, recordings) {
            embeddings += try recordings.map(embed)
            names += recordings.map { _ in speaker }
        }
        let result = try SpeakerVerification(embeddings: Tensor.cat(embeddings), speakers: names)
        return [
            TrainingMetric("equal error rate", result.equalErrorRate), TrainingMetric("same", result.meanSame),
            TrainingMetric("different", result.meanDifferent),
        ]
    }
}
