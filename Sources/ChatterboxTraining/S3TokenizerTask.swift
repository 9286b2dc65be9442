import Chatterbox
import Foundation
import Torch

/// Trains an S3 tokenizer with two small decoders that are discarded later. One predicts the mel from the rounded tokens and the speaker, the other
/// the phonemes, or the letters of the text where the manifest has no phonemes, so that the tokens represent words rather than the speaker's
/// identity.
///
/// Rounding passes gradients straight through (Bengio et al. 2013; finite scalar quantisation, Mentzer et al. 2023).
public final class S3TokenizerTask: TrainingTask {
    public let tokenizer: S3Tokenizer
    private let weights: Weights, decoderWeights: Weights
    private let networks: Networks
    private let corpus: Corpus, heldOut: Corpus
    private let settings: OptimizerSettings
    private var order: ExampleOrder
    /// The weight of the symbols' loss relative to the mel's.
    private let symbolWeight: Double

    /// - Parameters:
    ///   - configuration: sizes of the tokenizer.
    ///   - corpus: utterances to learn from.
    ///   - heldOut: utterances for validation.
    ///   - settings: the optimiser's settings.
    ///   - batchTokens: tokens of a batch, including padding.
    ///   - symbolWeight: weight of the loss of phonemes or letters relative to the mel's.
    ///   - seed: the seed of initial weights and of the order of examples.
    ///   - initial: weights to continue from, under `tokenizer`; otherwise random ones from the seed.
    public init(
        _ configuration: S3TokenizerConfig, corpus: Corpus, heldOut: Corpus, settings: OptimizerSettings,
        batchTokens: Int = 2000, symbolWeight: Double = 0.15, seed: UInt64 = 1, initial: Weights? = nil
    ) throws {
        let generator = try Generator(seed: seed)
        weights = initial ?? Weights(initialising: generator)
        decoderWeights = Weights(initialising: generator)
        tokenizer = try S3Tokenizer(weights["tokenizer"], configuration)
        let names = Set(corpus.numbers.map { corpus.manifest.utterances[$0].speaker }).sorted()
        networks = Networks(
            tokenizer: tokenizer,
            decoder: try MelDecoder(decoderWeights["decoder"], digits: configuration.digits, speakers: names.count + 1),
            symbols: try SymbolReader(decoderWeights["symbols"], digits: configuration.digits),
            speakers: Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 + 1) }))
        self.corpus = corpus
        self.heldOut = heldOut
        self.settings = settings
        self.symbolWeight = symbolWeight
        order = ExampleOrder(lengths: corpus.tokenCounts, batchLength: batchTokens, seed: seed)
    }

    public var groups: [ParameterGroup] {
        [ParameterGroup("tokenizer", weights["tokenizer"].parameters.merging(decoderWeights.parameters) { $1 }, settings)]
    }

    public func step(_ number: Int, generator: Generator, descent: Descent) throws -> [TrainingMetric] {
        let batch = order.batch(at: number), lengths = batch.map { self.corpus.tokenCounts[$0] }, all = Double(lengths.reduce(0, +))
        // Convolutions depend on the padding after an utterance, so that every part has the length of the step's longest.
        let longest = lengths.max()!, networks = networks, corpus = corpus, symbolWeight = symbolWeight
        return try descent("tokenizer", descent.threads.divided(batch) { corpus.tokenCounts[$0] }) { part in
            let losses = try networks.losses(part, of: corpus, padded: longest)
            // The mel's loss is a mean over frames, that of the symbols over utterances.
            let (frames, utterances) = (Double(losses.tokens.reduce(0, +)) / all, Double(part.count) / Double(batch.count))
            return PartOfLoss(
                try losses.mel * frames + losses.symbols * (utterances * symbolWeight),
                [
                    TrainingMetric("mel", try losses.mel.item() * MelDecoder.deviation * frames),
                    TrainingMetric("symbols", try losses.symbols.item() * utterances),
                ])
        }
    }

    private struct Networks: Sendable {
        let tokenizer: S3Tokenizer
        let decoder: MelDecoder
        let symbols: SymbolReader
        /// Numbers of the speakers, from 1; 0 is any other speaker.
        let speakers: [String: Int]

        func losses(_ batch: [Int], of corpus: Corpus, padded tokens: Int) throws -> (mel: Tensor, symbols: Tensor, tokens: [Int]) {
            let (logMel, frames) = try corpus.logMels(batch, tokens: tokens)
            let counts = batch.map { corpus.tokenCounts[$0] }
            let levels = try tokenizer.levels(logMel, lengths: frames)
            let rounded = try levels + (levels.round() - levels).detached()
            let speaker = try Tensor(batch.map { speakers[corpus.utterance($0).speaker] ?? 0 })
            let mel = try corpus.mels(batch, tokens: tokens).transposed(1, 2)
            let visible = try Tensor.arange(mel.size(1)).unsqueezed(0).less(than: Tensor(counts.map { 2 * $0 }).unsqueezed(1))
                .to(.float32).unsqueezed(2)
            let error =
                try ((decoder(rounded, speaker: speaker) - MelDecoder.scaled(mel)).abs() * visible).sum()
                / (Double(2 * counts.reduce(0, +) * mel.size(2)))
            let expected = batch.map { SymbolReader.symbols(of: corpus.utterance($0)) }
            return (error, try symbols.loss(rounded, lengths: counts, expected: expected), counts)
        }
    }

    /// Losses over held-out utterances, the number of different tokens, and the perplexity of their frequencies.
    public func validate() throws -> [TrainingMetric] {
        var mel = 0.0, symbols = 0.0, counts = [Int](repeating: 0, count: tokenizer.config.tokenCount)
        let batches = stride(from: 0, to: min(heldOut.count, 96), by: 12).map { Array($0..<min($0 + 12, heldOut.count)) }
        for batch in batches {
            let longest = batch.map { heldOut.tokenCounts[$0] }.max()!
            let losses = try networks.losses(batch, of: heldOut, padded: longest)
            mel += try losses.mel.item() * MelDecoder.deviation
            symbols += try losses.symbols.item()
            let (logMel, frames) = try heldOut.logMels(batch, tokens: longest)
            let tokens = try tokenizer.tokens(logMel, lengths: frames)
            for (row, count) in losses.tokens.enumerated() {
                for token in try tokens[row, 0..<count].array(of: Int.self) { counts[token] += 1 }
            }
        }
        let total = Double(counts.reduce(0, +))
        let entropy = counts.filter { $0 > 0 }.reduce(0.0) { $0 - Double($1) / total * log(Double($1) / total) }
        let n = Double(batches.count)
        return [
            TrainingMetric("mel", mel / n), TrainingMetric("symbols", symbols / n),
            TrainingMetric("different tokens", Double(counts.filter { $0 > 0 }.count)),
            TrainingMetric("effective tokens", exp(entropy)),
        ]
    }
}

/// Predicts the mel from rounded tokens and the speaker. Only training needs it.
struct MelDecoder: Sendable {
    static let deviation = 2.5, mean = -6.0
    private let input: Conv1d
    private let blocks: [(norm: LayerNorm, convolution: Conv1d, output: Conv1d)]
    private let speaker: Embedding
    private let output: Linear

    init(_ weights: Weights, digits: Int, speakers: Int, width: Int = 192, depth: Int = 3) throws {
        input = try Conv1d(weights["input"], from: digits, to: width, kernel: 3, padding: 1)
        speaker = try Embedding(weights["speaker"], count: speakers, size: width)
        blocks = try (0..<depth).map {
            let scope = weights["blocks"][$0]
            return (
                try LayerNorm(scope["norm"], size: width),
                try Conv1d(scope["convolution"], from: width, to: width, kernel: 5, padding: 2),
                try Conv1d(scope["output"], from: width, to: width, kernel: 1)
            )
        }
        output = try Linear(weights["output"], from: width, to: 160)
    }

    /// `[batch, tokens, digits]` and `[batch]` → scaled mel `[batch, 2 · tokens, 80]`.
    func callAsFunction(_ digits: Tensor, speaker number: Tensor) throws -> Tensor {
        var x = try input(digits.transposed(1, 2)).transposed(1, 2) + speaker(number).unsqueezed(1)
        for block in blocks {
            x = try x + block.output(block.convolution(block.norm(x).transposed(1, 2)).gelu()).transposed(1, 2)
        }
        return try output(x).reshaped([x.size(0), 2 * x.size(1), 80])
    }

    static func scaled(_ mel: Tensor) throws -> Tensor { try (mel - mean) / deviation }
}

/// Predicts the phonemes or the letters of an utterance from rounded tokens. Only training needs it.
struct SymbolReader: Sendable {
    /// Letters and digits of a text, then the phonemes that are not among them: capitals, which some dictionaries write for diphthongs, and the
    /// signs of the International Phonetic Alphabet.
    private static let alphabet: [Character: Int] = {
        let phonetic = (0x250...0x2AF).compactMap { Unicode.Scalar($0 as Int).map(Character.init) }
        let all = " 'abcdefghijklmnopqrstuvwxyz0123456789" + "AEIOQSTWYæçðøŋœθᵊᵻ" + phonetic
        return Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0 + 1) })
    }()
    private let input, output: Conv1d

    init(_ weights: Weights, digits: Int, width: Int = 128) throws {
        input = try Conv1d(weights["input"], from: digits, to: width, kernel: 5, padding: 2)
        output = try Conv1d(weights["output"], from: width, to: Self.alphabet.count + 1, kernel: 3, padding: 1)
    }

    /// The phonemes of an utterance without spaces and stress, or else the letters of its text, as numbers from 1.
    static func symbols(of utterance: Manifest.Utterance) -> [Int] {
        (utterance.phonemes?.filter { $0 != " " } ?? utterance.text.lowercased()).compactMap { alphabet[$0] }
    }

    func loss(_ digits: Tensor, lengths: [Int], expected: [[Int]]) throws -> Tensor {
        let logits = try output(input(digits.transposed(1, 2)).gelu())
        let longest = max(1, expected.map(\.count).max() ?? 1)
        let targets = try Tensor(expected.flatMap { $0 + Array(repeating: 0, count: longest - $0.count) }, shape: [expected.count, longest])
        return try logits.permuted([2, 0, 1]).logSoftmax(axis: -1)
            .ctcLoss(targets: targets, lengths: lengths, targetLengths: expected.map(\.count))
    }
}
