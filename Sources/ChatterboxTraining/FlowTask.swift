import Chatterbox
import Foundation
import Torch

/// Trains the flow: speech tokens to mel, with the speaker's x-vector and the beginning of the mel as prompt.
public final class FlowTask: TrainingTask {
    public let model: TokenToMel
    private let weights: Weights
    private let corpus: Corpus, heldOut: Corpus
    private let tokens: SpeechTokenStore
    private let speakers: SpeakerTable
    private let settings: OptimizerSettings
    private let index: SpeakerIndex, heldOutIndex: SpeakerIndex
    private let seed: UInt64
    private var order: ExampleOrder

    /// Share of batches whose examples begin with another utterance of the speaker, as speech begins with its prompt. This is chosen for whole
    /// batches, because one long example would pad all the others of its batch.
    public var joinedRate = 0.2
    /// Weight of the loss of the mel that the encoder predicts, relative to the flow's loss.
    public var meanWeight = 0.3

    /// - Parameters:
    ///   - configuration: sizes of the flow.
    ///   - initial: the weights to begin with, under `flow`. Their type is that of the arithmetic.
    ///   - corpus: utterances to learn from.
    ///   - heldOut: utterances for validation.
    ///   - tokens: the utterances' speech tokens.
    ///   - speakers: the speaker embeddings of each speaker.
    ///   - settings: the optimiser's settings.
    ///   - batchTokens: speech tokens of a batch, including padding.
    ///   - seed: seed of the order of examples and of all random numbers.
    public init(
        _ configuration: FlowConfiguration, initial: Weights, corpus: Corpus, heldOut: Corpus, tokens: SpeechTokenStore,
        speakers: SpeakerTable, settings: OptimizerSettings, batchTokens: Int, seed: UInt64
    ) throws {
        weights = initial["flow"]
        model = try TokenToMel(weights, configuration)
        (self.corpus, self.heldOut, self.tokens, self.speakers) = (corpus, heldOut, tokens, speakers)
        (self.settings, self.seed) = (settings, seed)
        (index, heldOutIndex) = (SpeakerIndex(corpus), SpeakerIndex(heldOut))
        order = ExampleOrder(lengths: corpus.tokenCounts, batchLength: batchTokens, seed: seed)
    }

    public var groups: [ParameterGroup] { [ParameterGroup("flow", weights.parameters, settings)] }

    public func step(_ number: Int, generator: Generator, descent: Descent) throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
        let examples = try examples(order.batch(at: number), of: corpus, index, &random)
        let all = Double(examples.reduce(0) { $0 + $1.tokens.count }), model = model, meanWeight = meanWeight
        return try descent("flow", descent.threads.divided(examples, by: \.tokens.count)) { part in
            let losses = try FlowExample.losses(part, model), share = Double(part.reduce(0) { $0 + $1.tokens.count }) / all
            return PartOfLoss(
                try (losses.flow + losses.mean * meanWeight) * share,
                [TrainingMetric("flow", try losses.flow.item() * share), TrainingMetric("mean", try losses.mean.item() * share)])
        }
    }

    private func examples(_ batch: [Int], of corpus: Corpus, _ index: SpeakerIndex, _ random: inout SplitMix64) throws -> [FlowExample] {
        let joined = Double.random(in: 0..<1, using: &random) < joinedRate
        return try batch.map { example in
            let parts = (joined ? [index.companion(of: example, in: corpus, using: &random)] : []) + [example]
            let tokens = parts.flatMap { self.tokens[corpus.numbers[$0]] ?? [] }
            return FlowExample(
                tokens: tokens, mel: try Tensor.cat(parts.map { try corpus.features.mel(corpus.numbers[$0]).to(.float32) }, axis: 1),
                speaker: try speakers.vector(.xvector, of: corpus.utterance(example).speaker, using: &random),
                prompt: joined
                    ? 2 * Int.random(in: 0...tokens.count * 6 / 10, using: &random)
                    : Bool.random(using: &random) ? 0 : Int.random(in: 0...tokens.count * 6 / 10, using: &random),
                seeds: (random.next(), random.next()))
        }
    }

    public func validate() throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed)
        var flow = 0.0, mean = 0.0, batches = 0.0
        for start in stride(from: 0, to: min(heldOut.count, 96), by: 16) {
            let chosen = Array(start..<min(start + 16, heldOut.count))
            let losses = try FlowExample.losses(examples(chosen, of: heldOut, heldOutIndex, &random), model)
            flow += try losses.flow.item()
            mean += try losses.mean.item()
            batches += 1
        }
        return [TrainingMetric("flow", flow / batches), TrainingMetric("mean", mean / batches)]
    }
}
