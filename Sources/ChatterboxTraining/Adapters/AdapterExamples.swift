import Chatterbox
import Foundation
import Torch

/// Recordings as adapters are trained on them, with the voices that stand before them: each is heard from other recordings of the same
/// speaker, as speech is made in the voice of a reference.
struct AdapterExamples: Sendable {
    struct Example: Sendable {
        let text: [Int]
        let features: RecordingFeatures
        let speaker: String
    }

    let training, validation: [Example]
    /// Places in `training` of each speaker's.
    private let places: [String: [Int]]

    /// - Parameter features: of the training's recordings, then of the validation's.
    init(_ split: RecordingSplit, _ features: (training: [RecordingFeatures], validation: [RecordingFeatures])) {
        func examples(_ recordings: [CheckedRecording], _ features: [RecordingFeatures]) -> [Example] {
            zip(recordings, features).map { Example(text: $0.textTokens, features: $1, speaker: $0.entry.speaker) }
        }
        (training, validation) = (examples(split.training, features.training), examples(split.validation, features.validation))
        places = Dictionary(grouping: training.indices) { [training] in training[$0].speaker }
    }

    /// Another recording of the same speaker that is learned from, or the same where there is no other.
    ///
    /// - Parameter index: the example's place in `training`; nil for one of the validation's.
    func companion(of example: Example, at index: Int?, using random: inout SplitMix64) -> Example {
        let all = (places[example.speaker] ?? Array(training.indices)).filter { $0 != index }
        return all.randomElement(using: &random).map { training[$0] } ?? example
    }
}

/// What an ``AdapterTrainer`` trains: a network with an adapter whose matrices are its parameters.
protocol AdapterTask: AnyObject {
    /// Its matrices are the parameters themselves.
    var adapter: Adapter { get }
    /// How long each example of the training is, in positions.
    var lengths: [Int] { get }

    /// Adds the gradients of a batch's mean loss, times `weight`, to the parameters'.
    ///
    /// - Parameter seed: of whatever is drawn.
    /// - Returns: figures to log.
    func addGradients(_ batch: [Int], seed: UInt64, weight: Double) throws -> [TrainingMetric]

    /// Figures over the recordings that are not learned from, with the same draws each time; the first is what training lowers.
    func validate() throws -> [TrainingMetric]
}

/// T3 with an adapter: speech tokens from text, in the voice of other recordings.
final class T3AdapterTask: AdapterTask {
    let adapter: Adapter
    let lengths: [Int]
    private let network: T3
    private let examples: AdapterExamples
    private let batch: Int
    private let keepsLayers: Bool

    /// Share of utterances that lose their text, so that guidance has something to steer away from; none where there is no guidance.
    private let unconditionalRate: Double

    /// - Parameter keepsLayers: see ``T3/addSpeechGradients(text:speech:heard:conditioning:textShown:weight:keepingLayers:)``.
    init(_ base: T3, _ adapter: Adapter, _ examples: AdapterExamples, batch: Int, keepsLayers: Bool) throws {
        (self.adapter, self.examples, self.batch, self.keepsLayers) = (adapter, examples, batch, keepsLayers)
        network = try base.adapted(by: [AdapterUse(adapter)])
        let sizes = base.configuration
        unconditionalRate = sizes.style == .chatterbox ? 0.1 : 0
        lengths = Self.lengths(examples, sizes)
    }

    /// Positions of each recording that is learned from.
    static func lengths(_ examples: AdapterExamples, _ sizes: T3Configuration) -> [Int] {
        examples.training.map { sizes.prefixLength(text: $0.text.count, prompt: sizes.promptTokens) + $0.features.tokens.count }
    }

    func addGradients(_ batch: [Int], seed: UInt64, weight: Double) throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed)
        let chosen = batch.map { examples.training[$0] }
        let (loss, accuracy) = try network.addSpeechGradients(
            text: chosen.map(\.text), speech: chosen.map(\.features.tokens), conditioning: conditioning(of: Array(zip(chosen, batch)), using: &random),
            textShown: chosen.map { _ in Double.random(in: 0..<1, using: &random) >= unconditionalRate }, weight: weight, keepingLayers: keepsLayers)
        return [TrainingMetric("speech", loss), TrainingMetric("accuracy", accuracy)]
    }

    func validate() throws -> [TrainingMetric] {
        var random = SplitMix64(seed: 0), loss = 0.0, accuracy = 0.0, count = 0.0
        try withoutGradients {
            for start in stride(from: 0, to: examples.validation.count, by: batch) {
                let chosen = Array(examples.validation[start..<min(start + batch, examples.validation.count)])
                let found = try network.loss(
                    text: chosen.map(\.text), speech: chosen.map(\.features.tokens),
                    conditioning: conditioning(of: chosen.map { ($0, nil) }, using: &random))
                let tokens = Double(chosen.reduce(0) { $0 + $1.features.tokens.count + 1 })
                loss += try tokens * found.speech.item(Double.self)
                accuracy += try tokens * found.accuracy.item(Double.self)
                count += tokens
            }
        }
        return [TrainingMetric("speech", loss / count), TrainingMetric("accuracy", accuracy / count)]
    }

    /// For each example a speaker embedding, and a prompt of other recordings' tokens.
    private func conditioning(of chosen: [(AdapterExamples.Example, Int?)], using random: inout SplitMix64) throws -> T3Conditioning {
        let longest = network.configuration.promptTokens
        // Most voices are made of six seconds and more, some of less.
        let promptLength = Int.random(in: max(1, longest / 3)...longest, using: &random)
        var prompts: [Int] = [], voices: [Tensor] = []
        for (example, index) in chosen {
            var prompt: [Int] = []
            while prompt.count < promptLength { prompt += examples.companion(of: example, at: index, using: &random).features.tokens }
            prompts += prompt.prefix(promptLength)
            // A reference is about as long as some of these together.
            let heard = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                examples.companion(of: example, at: index, using: &random).features.speaker
            }
            voices.append(try Tensor.stack(heard).mean(axis: 0).normalised(axis: 0))
        }
        return T3Conditioning(
            speaker: try Tensor.stack(voices).to(network.device).to(network.dtype),
            prompt: try Tensor(prompts, shape: [chosen.count, promptLength], device: network.device),
            emotion: try .full([chosen.count], 0.5, dtype: network.dtype, device: network.device))
    }
}

/// The flow with an adapter: a recording's mel from its tokens, after another recording as prompt.
final class FlowAdapterTask: AdapterTask {
    let adapter: Adapter
    let lengths: [Int]
    private let network: TokenToMel
    private let examples: AdapterExamples
    private let batch: Int

    /// Share of batches whose recordings follow another one, as speech follows its prompt; the others begin with some of their own.
    private static let joinedRate = 0.5
    /// Weight of the encoder's own guess of the mel beside the flow.
    private static let meanWeight = 0.3
    /// Share of recordings that teach a mean flow the mean velocity over a part of a step.
    private static let intervals = 0.5
    /// Tokens of the prompt at most.
    private let promptTokens: Int

    init(_ base: TokenToMel, _ adapter: Adapter, _ examples: AdapterExamples, batch: Int, promptTokens: Int) throws {
        (self.adapter, self.examples, self.batch, self.promptTokens) = (adapter, examples, batch, promptTokens)
        network = try base.adapted(by: [AdapterUse(adapter)])
        lengths = examples.training.map(\.features.tokens.count)
    }

    func addGradients(_ batch: [Int], seed: UInt64, weight: Double) throws -> [TrainingMetric] {
        let losses = try losses(batch.map { (examples.training[$0], $0) }, seed: seed)
        try ((losses.flow + losses.mean * Self.meanWeight) * weight).backward()
        return [TrainingMetric("flow", try losses.flow.item()), TrainingMetric("mean", try losses.mean.item())]
    }

    func validate() throws -> [TrainingMetric] {
        var flow = 0.0, mean = 0.0, count = 0.0
        try withoutGradients {
            // One draw of times and noise says little about a recording.
            for round in 0..<4 {
                for start in stride(from: 0, to: examples.validation.count, by: batch) {
                    let chosen = examples.validation[start..<min(start + batch, examples.validation.count)]
                    let losses = try losses(chosen.map { ($0, nil) }, seed: UInt64(1000 * round + start))
                    flow += try Double(chosen.count) * losses.flow.item(Double.self)
                    mean += try Double(chosen.count) * losses.mean.item(Double.self)
                    count += Double(chosen.count)
                }
            }
        }
        return [TrainingMetric("flow", flow / count), TrainingMetric("mean", mean / count)]
    }

    private func losses(_ chosen: [(AdapterExamples.Example, Int?)], seed: UInt64) throws -> (flow: Tensor, mean: Tensor) {
        var random = SplitMix64(seed: seed)
        let isJoined = Double.random(in: 0..<1, using: &random) < Self.joinedRate
        var codes: [[Int]] = [], mels: [Tensor] = [], timbres: [Tensor] = [], prompts: [Int] = []
        for (example, index) in chosen {
            var tokens = example.features.tokens, mel = try example.features.mel(), prompt = 0
            if isJoined {
                let before = examples.companion(of: example, at: index, using: &random).features
                let count = min(promptTokens, before.tokens.count)
                tokens = before.tokens.prefix(count) + tokens
                mel = try Tensor.cat([before.mel().narrow(axis: 1, from: 0, count: 2 * count), mel], axis: 1)
                prompt = 2 * count
            } else if Bool.random(using: &random) {
                prompt = Int.random(in: 0...tokens.count * 6 / 10, using: &random)
            }
            codes.append(tokens)
            mels.append(mel)
            prompts.append(prompt)
            timbres.append(examples.companion(of: example, at: index, using: &random).features.timbre)
        }
        let longest = codes.map(\.count).max()!
        return try network.losses(
            tokens: Tensor(codes.flatMap { $0 + Array(repeating: 0, count: longest - $0.count) }, shape: [chosen.count, longest]),
            lengths: codes.map(\.count), mel: Corpus.stacked(mels, frames: 2 * longest, padding: Corpus.silence),
            speaker: Tensor.stack(timbres), prompts: prompts, intervals: Self.intervals,
            generator: Generator(seed: random.next()))
    }
}
