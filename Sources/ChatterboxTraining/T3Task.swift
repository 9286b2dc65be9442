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

    /// Share of utterances whose text is dropped, to train the unconditioned prediction for guidance.
    public var unconditionalRate = 0.1
    /// Share of input speech tokens that are replaced by others of the batch: this reduces memorising, and prepares the model for its own mistakes
    /// when it speaks.
    public var wrongTokenRate = 0.0
    /// Weight of the text's loss relative to the speech's.
    public var textWeight = 0.05
    /// Steps over which the guided-attention loss of some heads (towards the diagonal between speech and text) decays to 0; 0 for no such
    /// loss.
    public var guidedSteps = 0

    /// - Parameters:
    ///   - configuration: sizes of the T3.
    ///   - initial: the weights to begin with: those of a checkpoint to fine-tune, or fresh ones. Their type is that of the
    ///     arithmetic.
    ///   - corpus: utterances to learn from.
    ///   - heldOut: utterances for validation.
    ///   - tokens: the utterances' speech tokens.
    ///   - speakers: the speaker embeddings of each speaker.
    ///   - tokenizer: the model's.
    ///   - settings: the optimiser's settings.
    ///   - batchTokens: speech tokens of a batch, including padding.
    ///   - seed: seed of the order of examples and of all random numbers.
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

    public func step(_ number: Int, generator: Generator, descent: Descent) throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
        let pull = guidedSteps > 0 ? max(0, 1 - Double(number) / Double(guidedSteps)) : 0
        let batch = try Batch(
            self, order.batch(at: number), of: corpus, index, shown: 1 - unconditionalRate, wrong: wrongTokenRate, using: &random)
        let whole = batch.counts(batch.rows), model = model.forTraining, textWeight = textWeight
        return try descent("t3", descent.threads.divided(batch.lengths)) { rows in
            let found = try batch.loss(of: rows, model, guided: pull > 0), part = batch.counts(rows)
            // Means over all predicted tokens of the step.
            let (speech, text) = (Double(part.speech) / Double(whole.speech), Double(part.text) / Double(max(1, whole.text)))
            var loss = try found.speech * speech + found.text * (text * textWeight)
            var figures = [
                TrainingMetric("speech", try found.speech.item() * speech), TrainingMetric("text", try found.text.item() * text),
                TrainingMetric("accuracy", try found.accuracy.item() * speech),
            ]
            if let alignment = found.alignment {
                let guided = Double(part.guided) / Double(max(1, whole.guided))
                loss = try loss + alignment * (guided * pull)
                figures.append(TrainingMetric("alignment", try alignment.item() * guided))
            }
            return PartOfLoss(loss, figures)
        }
    }

    /// Examples with their random numbers.
    private struct Batch: Sendable {
        let text, speech: [[Int]]
        /// The speech tokens from which the model predicts the next one.
        let input: [[Int]]?
        let conditioning: T3Conditioning
        let textShown: [Bool]

        var rows: [Int] { Array(speech.indices) }
        /// The values of each row, except what all rows have in common.
        var lengths: [Int] { zip(text, speech).map { $0.count + $1.count } }

        init(
            _ task: T3Task, _ batch: [Int], of corpus: Corpus, _ index: SpeakerIndex, shown: Double, wrong: Double = 0, using random: inout SplitMix64
        ) throws {
            let configuration = task.model.configuration
            // Most voices are prepared from six seconds or more, some from less.
            let promptLength = Int.random(in: configuration.promptTokens / 3...configuration.promptTokens, using: &random)
            conditioning = try task.voices.conditioning(
                of: batch, in: corpus, index, promptLength: promptLength, dtype: task.model.dtype, using: &random)
            textShown = batch.map { _ in Double.random(in: 0..<1, using: &random) < shown }
            let speech = batch.map { task.tokens[corpus.numbers[$0]] ?? [] }
            let all = speech.flatMap { $0 }
            input = wrong == 0 ? nil : speech.map { $0.replacing(share: wrong, with: all, using: &random) }
            self.speech = speech
            text = batch.map { configuration.framed(task.tokenizer.encode(TextNormalizer.english(corpus.utterance($0).text))) }
        }

        /// The predicted tokens of some rows, and their guided attention.
        func counts(_ rows: [Int]) -> (speech: Int, text: Int, guided: Int) {
            let speech = rows.map { self.speech[$0].count + 1 }, shown = zip(rows, speech).filter { textShown[$0.0] }
            return (speech.reduce(0, +), shown.reduce(0) { $0 + text[$1.0].count - 1 }, shown.reduce(0) { $0 + $1.1 })
        }

        func loss(of rows: [Int], _ model: T3, guided: Bool) throws -> (text: Tensor, speech: Tensor, accuracy: Tensor, alignment: Tensor?) {
            let places = try Tensor(rows)
            let conditioning = T3Conditioning(
                speaker: try self.conditioning.speaker.indexSelect(axis: 0, places),
                prompt: try self.conditioning.prompt?.indexSelect(axis: 0, places),
                emotion: try self.conditioning.emotion?.indexSelect(axis: 0, places))
            return try model.loss(
                text: rows.map { text[$0] }, speech: rows.map { speech[$0] }, input: input.map { input in rows.map { input[$0] } },
                conditioning: conditioning, textShown: rows.map { textShown[$0] }, guided: guided)
        }
    }

    public func validate() throws -> [TrainingMetric] {
        var random = SplitMix64(seed: seed)
        var sums = [0.0, 0.0, 0.0], batches = 0.0
        for start in stride(from: 0, to: min(heldOut.count, 96), by: 16) {
            let batch = try Batch(self, Array(start..<min(start + 16, heldOut.count)), of: heldOut, heldOutIndex, shown: 1, using: &random)
            let loss = try batch.loss(of: batch.rows, model, guided: false)
            for (place, value) in [loss.speech, loss.text, loss.accuracy].enumerated() { sums[place] += try value.item(Double.self) }
            batches += 1
        }
        return zip(["speech", "text", "accuracy"], sums).map { TrainingMetric($0, $1 / batches) }
    }
}

extension [Int] {
    /// Speech tokens of which a random share is replaced by random others.
    ///
    /// - Parameters:
    ///   - share: the expected share, 0 to 1.
    ///   - others: the tokens that may take their place; at least one.
    func replacing(share: Double, with others: [Int], using random: inout SplitMix64) -> [Int] {
        map { Double.random(in: 0..<1, using: &random) < share ? others.randomElement(using: &random)! : $0 }
    }
}
