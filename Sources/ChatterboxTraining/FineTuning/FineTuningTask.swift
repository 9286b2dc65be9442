import Chatterbox
import Foundation
import Torch

/// Recordings as training data, each with a voice that is computed from other recordings of the same
/// speaker, since speech is also made in the voice of a reference.
struct FineTuningExamples: Sendable {
    struct Example: Sendable {
        let text: [Int]
        let features: RecordingFeatures
        let speaker: String
    }

    let training, validation: [Example]
    /// The indices in `training` of each speaker's recordings.
    private let places: [String: [Int]]

    /// - Parameter features: those of the training's recordings, followed by those of the validation's.
    init(_ split: RecordingSplit, _ features: (training: [RecordingFeatures], validation: [RecordingFeatures])) {
        func examples(_ recordings: [CheckedRecording], _ features: [RecordingFeatures]) -> [Example] {
            zip(recordings, features).map { Example(text: $0.textTokens, features: $1, speaker: $0.entry.speaker) }
        }
        (training, validation) = (examples(split.training, features.training), examples(split.validation, features.validation))
        places = Dictionary(grouping: training.indices) { [training] in training[$0].speaker }
    }

    /// Another training recording of the same speaker, or the same one if there is no other.
    ///
    /// - Parameter index: the example's index in `training`; nil for one of the validation's.
    func companion(of example: Example, at index: Int?, using random: inout SplitMix64) -> Example {
        let all = (places[example.speaker] ?? Array(training.indices)).filter { $0 != index }
        return all.randomElement(using: &random).map { training[$0] } ?? example
    }
}

/// What a ``FineTuner`` trains: a network with an adapter, or a network's own weights.
protocol FineTuningTask: AnyObject {
    var part: Adapter.Part { get }
    /// The tensors that are trained themselves, by name.
    var parameters: [String: Tensor] { get }
    /// The length of each example of the training, in positions.
    var lengths: [Int] { get }
    /// A seed with which a step needs the most time and memory.
    var trialSeed: UInt64 { get }
    /// Whether all activations are stored for the backward pass, or layers are computed again; the gradients differ by rounding.
    var keepsLayers: Bool { get }

    /// Gradients of a step's mean loss. An example's random numbers do not depend on how the step is divided.
    ///
    /// - Parameters:
    ///   - step: the indices of the examples.
    ///   - seed: the seed of all random numbers.
    ///   - batches: the number of batches that are computed one after the other, which needs less memory.
    ///   - threads: the threads that compute the parts of each batch.
    func gradients(_ step: [Int], seed: UInt64, batches: Int, threads: TrainingThreads) throws -> LossGradients

    /// Figures over the validation recordings, with the same random numbers each time; the first is the one that training minimises.
    func validate() throws -> [TrainingMetric]
}

extension TrainingThreads {
    /// The sum of the gradients of a step's batches, which are computed one after the other, each in parts at the same time.
    ///
    /// - Parameters:
    ///   - count: the number of batches, which are as even as possible.
    ///   - length: the length of an example.
    fileprivate func sum<Row: Sendable>(
        _ rows: [Row], batches count: Int, length: (Row) -> Int, _ gradients: @escaping @Sendable ([Row]) throws -> LossGradients
    ) throws -> LossGradients {
        let count = max(1, min(count, rows.count))
        return try (0..<count).reduce(into: LossGradients()) { found, number in
            let batch = Array(rows[(rows.count * number / count)..<(rows.count * (number + 1) / count)])
            try found.add(sum(divided(batch, by: length), gradients))
        }
    }
}

/// T3: speech tokens from text, in the voice of other recordings.
final class T3FineTuning: FineTuningTask {
    let part = Adapter.Part.t3
    let parameters: [String: Tensor]
    let lengths: [Int]
    let trialSeed: UInt64
    private let network: T3
    private let examples: FineTuningExamples
    private let batch: Int
    let keepsLayers: Bool
    private let wrongTokens: Double
    /// All tokens of the training.
    private let tokens: [Int]

    /// The share of utterances that lose their text, to train the unconditioned prediction for guidance; 0 without guidance.
    private let unconditionalRate: Double

    /// - Parameters:
    ///   - network: the network, with an adapter or without.
    ///   - parameters: its trained parameters.
    ///   - wrongTokens: see ``FineTuningOptions/wrongTokens``.
    ///   - keepsLayers: whether all activations are stored for the backward pass; otherwise the layers are computed again, see
    ///     ``ActivationCheckpoints``.
    init(
        _ network: T3, _ parameters: [String: Tensor], _ examples: FineTuningExamples, batch: Int, wrongTokens: Double = 0, keepsLayers: Bool
    ) {
        (self.network, self.parameters, self.examples, self.batch) = (network.forTraining, parameters, examples, batch)
        (self.wrongTokens, self.keepsLayers) = (wrongTokens, keepsLayers)
        unconditionalRate = network.configuration.style == .chatterbox ? 0.1 : 0
        tokens = examples.training.flatMap(\.features.tokens)
        lengths = Self.lengths(examples, network.configuration)
        // The longest prompt of some recordings.
        trialSeed = (0..<32).max { Self.promptLength(network, seed: $0) < Self.promptLength(network, seed: $1) }!
    }

    /// The number of positions of each training recording.
    static func lengths(_ examples: FineTuningExamples, _ sizes: T3Configuration) -> [Int] {
        examples.training.map { sizes.prefixLength(text: $0.text.count, prompt: sizes.promptTokens) + $0.features.tokens.count }
    }

    /// An example with its random numbers.
    private struct Row: Sendable {
        let example: FineTuningExamples.Example
        let input: [Int]
        let textShown: Bool
        let prompt: [Int]
        let voice: Tensor

        static func conditioning(_ rows: [Row], _ network: T3) throws -> T3Conditioning {
            T3Conditioning(
                speaker: try Tensor.stack(rows.map(\.voice)).to(network.device).to(network.dtype),
                prompt: try Tensor(rows.flatMap(\.prompt), shape: [rows.count, rows[0].prompt.count], device: network.device),
                emotion: try .full([rows.count], 0.5, dtype: network.dtype, device: network.device))
        }
    }

    func gradients(_ step: [Int], seed: UInt64, batches: Int, threads: TrainingThreads) throws -> LossGradients {
        var random = SplitMix64(seed: seed)
        let promptLength = Self.promptLength(network, using: &random)
        let rows = try step.map { index in
            var own = SplitMix64(seed: random.next())
            return try row(examples.training[index], at: index, promptLength, isLearned: true, using: &own)
        }
        let count = Double(rows.reduce(0) { $0 + $1.input.count + 1 })
        let (network, parameters, keepsLayers) = (network, parameters, keepsLayers)
        return try threads.sum(rows, batches: batches, length: { $0.example.text.count + $0.input.count }) { rows in
            let share = Double(rows.reduce(0) { $0 + $1.input.count + 1 }) / count
            let checkpoints = keepsLayers ? nil : ActivationCheckpoints()
            let (loss, accuracy) = try network.speechLoss(
                text: rows.map(\.example.text), speech: rows.map(\.example.features.tokens), input: rows.map(\.input),
                conditioning: Row.conditioning(rows, network), textShown: rows.map(\.textShown), checkpoints: checkpoints)
            var found = try LossGradients(loss * share, by: parameters, checkpoints: checkpoints)
            found.figures = [
                TrainingMetric("speech", try share * loss.item(Double.self)), TrainingMetric("accuracy", try share * accuracy.item(Double.self)),
            ]
            return found
        }
    }

    func validate() throws -> [TrainingMetric] {
        var random = SplitMix64(seed: 0), loss = 0.0, accuracy = 0.0, count = 0.0
        try withoutGradients {
            for start in stride(from: 0, to: examples.validation.count, by: batch) {
                let promptLength = Self.promptLength(network, using: &random)
                let rows = try examples.validation[start..<min(start + batch, examples.validation.count)].map {
                    try row($0, at: nil, promptLength, isLearned: false, using: &random)
                }
                let found = try network.loss(
                    text: rows.map(\.example.text), speech: rows.map(\.example.features.tokens), conditioning: Row.conditioning(rows, network))
                let tokens = Double(rows.reduce(0) { $0 + $1.input.count + 1 })
                loss += try tokens * found.speech.item(Double.self)
                accuracy += try tokens * found.accuracy.item(Double.self)
                count += tokens
            }
        }
        return [TrainingMetric("speech", loss / count), TrainingMetric("accuracy", accuracy / count)]
    }

    /// Most voices are made from six seconds or more, some from less.
    private static func promptLength(_ network: T3, using random: inout SplitMix64) -> Int {
        let longest = network.configuration.promptTokens
        return Int.random(in: max(1, longest / 3)...longest, using: &random)
    }

    private static func promptLength(_ network: T3, seed: UInt64) -> Int {
        var random = SplitMix64(seed: seed)
        return promptLength(network, using: &random)
    }

    private func row(
        _ example: FineTuningExamples.Example, at index: Int?, _ promptLength: Int, isLearned: Bool, using random: inout SplitMix64
    ) throws -> Row {
        var prompt: [Int] = []
        while prompt.count < promptLength { prompt += examples.companion(of: example, at: index, using: &random).features.tokens }
        // A reference is about as long as several of these together.
        let voices = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            examples.companion(of: example, at: index, using: &random).features.speaker
        }
        let textShown = !isLearned || Double.random(in: 0..<1, using: &random) >= unconditionalRate
        let spoken = example.features.tokens
        let input = !isLearned || wrongTokens == 0 ? spoken : spoken.replacing(share: wrongTokens, with: tokens, using: &random)
        return Row(
            example: example, input: input, textShown: textShown, prompt: Array(prompt.prefix(promptLength)),
            voice: try Tensor.stack(voices).mean(axis: 0).normalised(axis: 0))
    }
}

/// The flow: a recording's mel from its tokens, after another recording as prompt.
final class FlowFineTuning: FineTuningTask {
    let part = Adapter.Part.flow
    let parameters: [String: Tensor]
    let lengths: [Int]
    let trialSeed: UInt64
    private let network: TokenToMel
    private let examples: FineTuningExamples
    private let batch: Int
    let keepsLayers: Bool

    /// The share of steps whose recordings follow another one, as speech follows its prompt; in the others a recording's beginning is the prompt.
    private static let joinedRate = 0.5
    /// The weight of the loss of the encoder's own guess of the mel, relative to the flow's loss.
    private static let meanWeight = 0.3
    /// The share of recordings with which a mean flow learns the mean velocity over a part of a step.
    private static let intervals = 0.5
    /// The largest number of tokens of a prompt.
    private let promptTokens: Int

    /// - Parameters:
    ///   - network: the network, with an adapter or without.
    ///   - parameters: its trained parameters.
    ///   - keepsLayers: whether all activations are stored for the backward pass; otherwise the blocks of encoder and estimator are computed
    ///     again, see ``ActivationCheckpoints``.
    init(
        _ network: TokenToMel, _ parameters: [String: Tensor], _ examples: FineTuningExamples, batch: Int, promptTokens: Int, keepsLayers: Bool
    ) {
        (self.network, self.parameters, self.examples) = (network, parameters, examples)
        (self.batch, self.promptTokens, self.keepsLayers) = (batch, promptTokens, keepsLayers)
        lengths = examples.training.map(\.features.tokens.count)
        trialSeed = (0...).first { seed in
            var random = SplitMix64(seed: seed)
            return Self.isJoined(&random)
        }!
    }

    private static func isJoined(_ random: inout SplitMix64) -> Bool { Double.random(in: 0..<1, using: &random) < joinedRate }

    func gradients(_ step: [Int], seed: UInt64, batches: Int, threads: TrainingThreads) throws -> LossGradients {
        let rows = try rows(step.map { (examples.training[$0], $0) }, seed: seed), count = Double(rows.reduce(0) { $0 + $1.tokens.count })
        let (network, parameters, keepsLayers) = (network, parameters, keepsLayers)
        return try threads.sum(rows, batches: batches, length: \.tokens.count) { rows in
            let share = Double(rows.reduce(0) { $0 + $1.tokens.count }) / count
            let checkpoints = keepsLayers ? nil : ActivationCheckpoints()
            let losses = try FlowExample.losses(rows, network, intervals: Self.intervals, checkpoints: checkpoints)
            var found = try LossGradients((losses.flow + losses.mean * Self.meanWeight) * share, by: parameters, checkpoints: checkpoints)
            found.figures = [
                TrainingMetric("flow", try share * losses.flow.item(Double.self)), TrainingMetric("mean", try share * losses.mean.item(Double.self)),
            ]
            return found
        }
    }

    func validate() throws -> [TrainingMetric] {
        var flow = 0.0, mean = 0.0, count = 0.0
        try withoutGradients {
            // A single draw of times and noise is not enough to evaluate a recording.
            for round in 0..<4 {
                for start in stride(from: 0, to: examples.validation.count, by: batch) {
                    let chosen = examples.validation[start..<min(start + batch, examples.validation.count)]
                    let losses = try FlowExample.losses(
                        rows(chosen.map { ($0, nil) }, seed: UInt64(1000 * round + start)), network, intervals: Self.intervals)
                    flow += try Double(chosen.count) * losses.flow.item(Double.self)
                    mean += try Double(chosen.count) * losses.mean.item(Double.self)
                    count += Double(chosen.count)
                }
            }
        }
        return [TrainingMetric("flow", flow / count), TrainingMetric("mean", mean / count)]
    }

    private func rows(_ chosen: [(FineTuningExamples.Example, Int?)], seed: UInt64) throws -> [FlowExample] {
        var random = SplitMix64(seed: seed)
        let isJoined = Self.isJoined(&random)
        return try chosen.map { example, index in
            var own = SplitMix64(seed: random.next())
            var tokens = example.features.tokens, mel = try example.features.mel(), prompt = 0
            if isJoined {
                let before = examples.companion(of: example, at: index, using: &own).features
                let count = min(promptTokens, before.tokens.count)
                tokens = before.tokens.prefix(count) + tokens
                mel = try Tensor.cat([before.mel().narrow(axis: 1, from: 0, count: 2 * count), mel], axis: 1)
                prompt = 2 * count
            } else if Bool.random(using: &own) {
                prompt = Int.random(in: 0...tokens.count * 6 / 10, using: &own)
            }
            let timbre = examples.companion(of: example, at: index, using: &own).features.timbre
            return FlowExample(tokens: tokens, mel: mel, speaker: timbre, prompt: prompt, seeds: (own.next(), own.next()))
        }
    }
}
