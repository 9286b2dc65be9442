import Chatterbox
import SpeechText
import Torch

/// Finds the heads of a T3 whose attention follows the text as it is spoken, for computing word times.
///
/// Given recordings' speech tokens and texts, every head is evaluated by two numbers. *Diagonal* is the share of its attention within one token of
/// the best monotonic path through the text; *order* is the correlation of the mean position of its attention with time. A head whose attention
/// stays at one position has a high first and a low second number.
public struct AlignmentHeadSearch {
    private let model: T3
    private let corpus: Corpus
    private let voices: ExampleVoices
    private let tokenizer: EnglishTokenizer

    /// - Parameters:
    ///   - model: the model whose heads are evaluated.
    ///   - corpus: utterances that the model was not trained on.
    ///   - tokens: the utterances' speech tokens.
    ///   - speakers: the speaker embeddings of each speaker.
    ///   - tokenizer: the model's.
    public init(_ model: T3, corpus: Corpus, tokens: SpeechTokenStore, speakers: SpeakerTable, tokenizer: EnglishTokenizer) {
        (self.model, self.corpus, self.tokenizer) = (model, corpus, tokenizer)
        voices = ExampleVoices(tokens: tokens, speakers: speakers)
    }

    /// How well a head's attention follows the text.
    public struct Score: Sendable, Hashable {
        public let head: AttentionHead
        /// Means over the utterances, at best 1.
        public let diagonal, order: Double
        /// The score by which heads are ranked.
        public var value: Double { diagonal * max(0, order) }
    }

    /// Every head of the model, the best first.
    ///
    /// - Parameters:
    ///   - limit: largest number of utterances to use.
    ///   - seed: seed for choosing voices.
    public func scores(limit: Int, seed: UInt64 = 1) throws -> [Score] {
        var random = SplitMix64(seed: seed)
        let index = SpeakerIndex(corpus)
        var sums: [AttentionHead: (diagonal: Double, order: Double)] = [:]
        var count = 0.0
        try withoutGradients {
            for example in 0..<min(limit, corpus.count) {
                let text = model.configuration.framed(tokenizer.encode(TextNormalizer.english(corpus.utterance(example).text)))
                guard let speech = voices.tokens[corpus.numbers[example]], speech.count >= text.count else { continue }
                let voice = try voices.conditioning(
                    of: [example], in: corpus, index, promptLength: model.configuration.promptTokens, dtype: model.dtype, using: &random)
                for (layer, heads) in try model.attention(text: text, speech: speech, conditioning: voice).enumerated() {
                    let weights = try heads.array(of: Float.self)
                    for head in 0..<heads.size(0) {
                        let frames = (0..<speech.count).map { frame in
                            weights[((head * speech.count + frame) * text.count)...].prefix(text.count).map(Double.init)
                        }
                        let place = AttentionHead(layer: layer, head: head), sum = sums[place] ?? (0, 0)
                        sums[place] = (sum.diagonal + Self.diagonal(frames), sum.order + Self.order(frames))
                    }
                }
                count += 1
            }
        }
        guard count > 0 else { throw TrainingError.noExamples(corpus.manifest.url, split: "of at least as many speech as text tokens") }
        return sums.map { Score(head: $0, diagonal: $1.diagonal / count, order: $1.order / count) }.sorted {
            ($1.value, $0.head.layer, $0.head.head) < ($0.value, $1.head.layer, $1.head.head)
        }
    }

    /// The share of attention within a token of the best monotonic path, `[frames][tokens]`.
    static func diagonal(_ attention: [[Double]]) -> Double {
        guard let path = MonotonicPath.states(attention, mayBeSkipped: attention[0].map { _ in false }) else { return 0 }
        let onPath = zip(attention, path).reduce(0.0) { sum, frame in
            sum + frame.0[max(0, frame.1 - 1)...min(frame.0.count - 1, frame.1 + 1)].reduce(0, +)
        }
        return onPath / Double(attention.count)
    }

    /// The correlation between time and the mean position of the attention.
    static func order(_ attention: [[Double]]) -> Double {
        let places = attention.map { frame in
            frame.enumerated().reduce(0.0) { $0 + Double($1.offset) * $1.element } / max(1e-9, frame.reduce(0, +))
        }
        let count = Double(places.count), middle = (count - 1) / 2, mean = places.reduce(0, +) / count
        var (both, time, place) = (0.0, 0.0, 0.0)
        for (frame, value) in places.enumerated() {
            both += (Double(frame) - middle) * (value - mean)
            time += (Double(frame) - middle) * (Double(frame) - middle)
            place += (value - mean) * (value - mean)
        }
        return place > 1e-9 ? both / (time * place).squareRoot() : 0
    }
}
