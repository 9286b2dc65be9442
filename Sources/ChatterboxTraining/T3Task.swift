import Chatterbox
import Foundation
import SpeechText
import Torch

/// Trains a T3: speech tokens from text, in the voice of a speaker embedding and of a prompt from other utterances of the
/// same speaker.
public final class T3Task: TrainingTask {
    public let model: T3
    private let weights: Weights
    private let corpus: Corpus, heldOut: Corpus
    private let tokens: SpeechTokenStore
    private let voices: ExampleVoices
    private let tokenizer: EnglishTokenizer
    private let settings: OptimizerSettings
    private let index: SpeakerIndex, heldOutIndex: SpeakerIndex
    private let seed: UInt64
    private var order: ExampleOrder

    /// Share of utterances that lose their text, so that guidance has something to steer away from.
    public var unconditionalRate = 0.1
    /// Share of speech tokens in whose place another of the batch is heard: less can be learnt by heart, and a model that speaks
    /// hears its own mistakes.
    public var wrongTokenRate = 0.0
    /// Weight of the text's loss beside the speech's.
    public var textWeight = 0.05
    /// Steps over which the pull of some heads' attention towards the diagonal between speech and text fades; 0 for none.
    public var guidedSteps = 0

    /// - Parameters:
    ///   - configuration: sizes of the T3.
    ///   - initial: the weights to begin with: those of a checkpoint to fine-tune, or fresh ones. Their type is that of the
    ///     arithmetic.
    ///   - corpus: utterances to learn from.
    ///   - heldOut: utterances to watch progress on.
    ///   - tokens: the utterances' speech tokens.
    ///   - speakers: how the speaker encoders hear each speaker.
    ///   - tokenizer: the model's.
    ///   - settings: how the parameters learn.
    ///   - batchTokens: speech tokens of a batch, padding counted.
    ///   - seed: tells the order of examples and what each step draws.
    public init(
        _ configuration: T3Configuration, initial: Weights, corpus: Corpus, heldOut: Corpus, tokens: SpeechTokenStore,
        speakers: SpeakerTable, tokenizer: EnglishTokenizer, settings: OptimizerSettings, batchTokens: Int, seed: UInt64
    ) throws {
        weights = initial
        model = try T3(initial, configuration)
        (self.corpus, self.heldOut, self.tokens, self.tokenizer) = (corpus, heldOut, tokens, tokenizer)
        voices = ExampleVoices(tokens: tokens, speakers: speakers)
        (self.settings, self.seed) = (settings, seed)
        (index, heldOutIndex) = (SpeakerIndex(corpus), SpeakerIndex(heldOut))
        order = ExampleOrder(lengths: corpus.tokenCounts, batchLength: batchTokens, seed: seed)
    }

    public var groups: [ParameterGroup] { [ParameterGroup("t3", weights.parameters, settings)] }

    public func step(
        _ number: Int, generator: Generator, update: (String, Tensor) throws -> Void
    ) throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
        let pull = guidedSteps > 0 ? max(0, 1 - Double(number) / Double(guidedSteps)) : 0
        let loss = try loss(
            order.batch(at: number), of: corpus, index, shown: 1 - unconditionalRate, wrong: wrongTokenRate, guided: pull > 0, &random)
        var sum = try loss.speech + loss.text * textWeight
        if let alignment = loss.alignment { sum = try sum + alignment * pull }
        try update("t3", sum)
        return [
            TrainingMetric("speech", try loss.speech.item()), TrainingMetric("text", try loss.text.item()),
            TrainingMetric("accuracy", try loss.accuracy.item()),
        ] + (try loss.alignment.map { [TrainingMetric("alignment", try $0.item())] } ?? [])
    }

    private func loss(
        _ batch: [Int], of corpus: Corpus, _ index: SpeakerIndex, shown: Double, wrong: Double = 0, guided: Bool = false,
        _ random: inout SplitMix64
    ) throws -> (text: Tensor, speech: Tensor, accuracy: Tensor, alignment: Tensor?) {
        let configuration = model.configuration
        // Most voices are prepared from six seconds or more, some from less.
        let promptLength = Int.random(in: configuration.promptTokens / 3...configuration.promptTokens, using: &random)
        let conditioning = try voices.conditioning(
            of: batch, in: corpus, index, promptLength: promptLength, dtype: model.dtype, using: &random)
        let hears = batch.map { _ in Double.random(in: 0..<1, using: &random) < shown }
        let speech = batch.map { tokens[corpus.numbers[$0]] ?? [] }
        let all = speech.flatMap { $0 }
        let heard =
            wrong == 0
            ? nil
            : speech.map { row in
                row.map { Double.random(in: 0..<1, using: &random) < wrong ? all.randomElement(using: &random)! : $0 }
            }
        return try model.loss(
            text: batch.map { configuration.framed(tokenizer.encode(TextNormalizer.english(corpus.utterance($0).text))) },
            speech: speech, heard: heard, conditioning: conditioning, textShown: hears, guided: guided)
    }

    public func validate() throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed)
        var sums = [0.0, 0.0, 0.0], batches = 0.0
        for start in stride(from: 0, to: min(heldOut.count, 96), by: 16) {
            let loss = try loss(Array(start..<min(start + 16, heldOut.count)), of: heldOut, heldOutIndex, shown: 1, &random)
            for (place, value) in [loss.speech, loss.text, loss.accuracy].enumerated() { sums[place] += try value.item(Double.self) }
            batches += 1
        }
        return zip(["speech", "text", "accuracy"], sums).map { TrainingMetric($0, $1 / batches) }
    }
}
