import Chatterbox
import Foundation
import Torch

/// How a vocoder is trained.
public struct VocoderTaskOptions: Sendable {
    /// Steps in all.
    public var steps: Int
    /// The step from which discriminators are trained (``WaveformDiscriminator``); they take as much time as the vocoder itself.
    public var judgesFrom: Int
    /// Whether only the pitch predictor is trained, which takes a twentieth of the time.
    public var onlyPitch = false
    /// Cuts in a batch.
    public var batch = 4
    /// Frames of a cut, 20 ms each.
    public var frames = 25
    /// Highest learning rates.
    public var rate = 1e-3, pitchRate = 2e-3, judgeRate = 5e-4
    public var seed: UInt64 = 1
    /// The file to which the vocoder is written with each checkpoint, under its names in `s3gen.safetensors`.
    public var export: URL?
    /// Weights of the losses.
    public var convergence = 1.0, logarithm = 1.0, mel = 1.0, adversarial = 0.2, features = 1.0

    public init(steps: Int, judgesFrom: Int) { (self.steps, self.judgesFrom) = (steps, judgesFrom) }
}

/// Trains a `Vocoder` and its pitch predictor on recordings.
///
/// The vocoder is excited with measured F0, so that it need not learn to hide the predictor's errors; the predictor learns the same F0 from
/// the mel. Losses: ``SpectralLoss`` from the first step, discriminators from a later one.
public final class VocoderTask: TrainingTask {
    public let groups: [ParameterGroup]
    private let configuration: VocoderConfiguration
    private let options: VocoderTaskOptions
    private let excerpts: SpeechExcerpts
    private let heldOut: SpeechExcerpts.Batch
    /// By their names in `s3gen.safetensors`.
    private let parameters: [String: Tensor]
    private let judgeParameters: [String: Tensor]
    private let loss: SpectralLoss

    /// Mean distance of F0 in Hz is divided by this.
    private static let pitchScale = 100.0

    /// - Parameters:
    ///   - configuration: sizes of the vocoder.
    ///   - training: cuts to learn from.
    ///   - heldOut: excerpts for validation.
    ///   - start: weights to continue from, by their names in `s3gen.safetensors`; nil uses random ones.
    ///   - options: how it is trained.
    public init(
        _ configuration: VocoderConfiguration, training: SpeechExcerpts, heldOut: SpeechExcerpts, start: Weights? = nil, _ options: VocoderTaskOptions
    ) throws {
        (self.configuration, self.options) = (configuration, options)
        excerpts = training
        var random = SplitMix64(seed: 7)
        self.heldOut = try heldOut.batch(16, frames: 50, using: &random)
        loss = try SpectralLoss()
        parameters = try Self.parameters(configuration, start: start, seed: options.seed)
        let judges = Weights(initialising: try Generator(seed: options.seed))
        _ = try WaveformDiscriminator(judges)
        judgeParameters = Dictionary(uniqueKeysWithValues: judges.parameters.map { ("judges.\($0.key)", $0.value) })

        func settings(_ rate: Double, steps: Int) -> OptimizerSettings {
            var settings = OptimizerSettings(schedule: .init(peak: rate, warmUp: 100, steps: steps, floor: 0.05))
            settings.beta1 = 0.8
            settings.beta2 = 0.99
            settings.maximumNorm = 5
            return settings
        }
        var ofJudges = settings(options.judgeRate, steps: options.steps)
        ofJudges.averaging = nil
        let pitch = ParameterGroup(
            "pitch", parameters.filter { Self.isOfPitch($0.key) }, settings(options.pitchRate, steps: options.steps))
        groups =
            options.onlyPitch
            ? [pitch]
            : [
                ParameterGroup("vocoder", parameters.filter { !Self.isOfPitch($0.key) }, settings(options.rate, steps: options.steps)),
                pitch, ParameterGroup("judges", judgeParameters, ofJudges),
            ]
    }

    private static func isOfPitch(_ name: String) -> Bool { name.hasPrefix("mel2wav.f0_predictor.") }

    /// The vocoder's tensors; random ones are scaled to the range of speech.
    static func parameters(_ configuration: VocoderConfiguration, start: Weights?, seed: UInt64) throws -> [String: Tensor] {
        let weights = try start ?? Weights(initialising: Generator(seed: seed))
        _ = try Vocoder(weights["mel2wav"], configuration)
        var parameters = try weights.parameters.mapValues { try $0.to(.float32).clone() }
        if start == nil {
            // Initial log magnitudes are low instead of at full scale, and initial F0 is in hundreds of hertz instead of a few.
            let bins = configuration.transformSize / 2 + 1
            let softly = [Float](repeating: -4, count: bins) + [Float](repeating: 0, count: bins)
            parameters["mel2wav.conv_post.bias"] = try parameters["mel2wav.conv_post.bias"]! + Tensor(softly)
            parameters["mel2wav.f0_predictor.classifier.weight"] = try parameters["mel2wav.f0_predictor.classifier.weight"]! * pitchScale
            parameters["mel2wav.f0_predictor.classifier.bias"] = try .full([1], pitchScale)
        }
        return parameters
    }

    private static func vocoder(_ parameters: [String: Tensor], _ configuration: VocoderConfiguration) throws -> Vocoder {
        try Vocoder(Weights(tensors: parameters, named: "training")["mel2wav"], configuration)
    }

    public func step(_ number: Int, generator: Generator, descent: Descent) throws -> [TrainingMetric] {
        // Each part has its own random numbers, and the number of parts does not depend on the threads, so that the results do not either.
        var random = SplitMix64(seed: options.seed &* 1_000_003 &+ UInt64(number))
        let (parameters, configuration, excerpts, options) = (parameters, configuration, excerpts, options)
        let drawn = stride(from: 0, to: options.batch, by: Self.together).map {
            (count: min(Self.together, options.batch - $0), seed: random.next())
        }
        let parts = try descent.threads.map(drawn) { part in
            var own = SplitMix64(seed: part.seed)
            return Cuts(
                excerpts: try excerpts.batch(part.count, frames: options.frames, using: &own), noise: own.next(),
                share: Double(part.count) / Double(options.batch))
        }
        let pitchMetrics = try descent("pitch", parts) { cuts in
            let pitch = try Self.vocoder(parameters, configuration).pitchPredictor(cuts.excerpts.mel)
            let loss = try (pitch - cuts.excerpts.pitch).abs().mean() / Self.pitchScale
            return PartOfLoss(try loss * cuts.share, [TrainingMetric("pitch", try loss.item() * Self.pitchScale * cuts.share)])
        }
        if options.onlyPitch { return pitchMetrics }
        let spectra = loss
        @Sendable func weighted(_ distance: SpectralLoss.Distance) throws -> Tensor {
            try distance.convergence * options.convergence + distance.logarithm * options.logarithm + distance.mel * options.mel
        }
        @Sendable func made(of cuts: Cuts) throws -> Tensor {
            let (mel, pitch) = (cuts.excerpts.mel, cuts.excerpts.pitch)
            return try Self.vocoder(parameters, configuration)(mel, pitch: pitch, generator: Generator(seed: cuts.noise)).waveform
        }
        guard number >= options.judgesFrom else {
            return try descent("vocoder", parts) { cuts in
                let distance = try spectra(made(of: cuts), target: cuts.excerpts.waveform)
                let figures = try Self.metrics(distance).map { TrainingMetric($0.name, $0.value * cuts.share) }
                return PartOfLoss(try weighted(distance) * cuts.share, figures)
            } + pitchMetrics
        }

        // The discriminators' feature loss is relative to the features of the whole batch, so its gradient goes first to the waveforms of all
        // parts, and from there to the parameters part by part. In one graph made by several threads, the order of autograd's additions varies.
        let partWaveforms = try descent.threads.map(parts, made), recorded = try Tensor.cat(parts.map(\.excerpts.waveform))
        let waveforms = try Tensor.cat(partWaveforms).detached().requiresGradient(true)
        let distance = try spectra(waveforms, target: recorded)
        let judges = try WaveformDiscriminator(Weights(tensors: judgeParameters, named: "training")["judges"])
        let judgeLoss = try judges.loss(recorded: recorded, made: waveforms)
        try descent("judges", judgeLoss)
        let taught = try judges.teach(recorded: recorded, made: waveforms)
        let vocoderLoss = try weighted(distance) + taught.adversarial * options.adversarial + taught.features * options.features
        let gradients = try vocoderLoss.gradients(of: [waveforms])[0]!.split(Self.together, axis: 0)
        try descent("vocoder", Array(zip(partWaveforms, gradients))) { waveform, gradient in PartOfLoss(try (waveform * gradient).sum()) }
        return try Self.metrics(distance) + pitchMetrics + [
            TrainingMetric("judges", try judgeLoss.item()), TrainingMetric("adversarial", try taught.adversarial.item()),
            TrainingMetric("features", try taught.features.item()),
        ]
    }

    /// Cuts that are computed together, with the seed of their noise and their share of the batch.
    private struct Cuts: Sendable {
        let excerpts: SpeechExcerpts.Batch
        let noise: UInt64
        let share: Double
    }

    /// The excerpts of a part: the convolutions of a single one are too small for libtorch's fast kernels.
    private static let together = 2

    public func validate() throws -> [TrainingMetric] {
        if let export = options.export { try SafetensorsWriter.write(parameters.mapValues { try $0.detached() }, to: export) }
        let vocoder = try Self.vocoder(parameters, configuration)
        let pitch = try vocoder.pitchPredictor(heldOut.mel)
        let made = try vocoder(heldOut.mel, pitch: pitch, generator: Generator(seed: 1)).waveform
        let threshold = configuration.voicedThreshold
        let isVoiced = try heldOut.pitch.greater(than: threshold)
        let wrongly = try isVoiced.notEqual(to: pitch.greater(than: threshold)).to(.float32).mean()
        let error = try (pitch - heldOut.pitch).abs().maskedSelect(isVoiced).mean()
        return try Self.metrics(loss(made, target: heldOut.waveform)) + [
            TrainingMetric("pitch of voiced frames", error.item()), TrainingMetric("voicing errors", wrongly.item()),
        ]
    }

    private static func metrics(_ distance: SpectralLoss.Distance) throws -> [TrainingMetric] {
        [
            TrainingMetric("mel", try distance.mel.item()), TrainingMetric("convergence", try distance.convergence.item()),
            TrainingMetric("logarithm", try distance.logarithm.item()),
        ]
    }
}
