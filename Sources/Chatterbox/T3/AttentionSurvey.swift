import Torch

/// Runs whole sequences and keeps what the speech of each attends to of the text, in every layer.
final class AttentionSurvey: AttentionMemory {
    let firstPositions = [0]
    /// For each layer so far `[batch, heads, speech, text]`.
    private(set) var layers: [Tensor] = []
    private let text, speech: Range<Int>

    init(text: Range<Int>, speech: Range<Int>) {
        self.text = text
        self.speech = speech
    }

    func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
        let queries = try query.narrow(axis: 2, from: speech.lowerBound, count: speech.count)
        let scores = try queries.matmul(key.transposed(2, 3)).to(.float32) / Double(query.size(3)).squareRoot()
        let hidden = try Tensor.ones([speech.count, query.size(2)], device: query.device).triu(speech.lowerBound + 1).greater(than: 0)
        let attention = try scores.maskedFill(hidden, -.infinity).softmax(axis: -1)
        layers.append(try attention.narrow(axis: 3, from: text.lowerBound, count: text.count))
        return try query.attention(key: key, value: value, causal: true)
    }
}

extension T3 {
    /// What every head attends to of a text while it predicts the speech of it, as decoding would find it.
    ///
    /// - Parameters:
    ///   - text: framed text tokens.
    ///   - speech: speech tokens, without start and stop.
    ///   - conditioning: of a batch of one.
    /// - Returns: for each layer `[heads, speech, text]`, shares of all attention.
    public func attention(text: [Int], speech: [Int], conditioning: T3Conditioning) throws -> [Tensor] {
        precondition(!speech.isEmpty, "speech of at least one token")
        let prompt = try prompt(text: text, conditioning: conditioning, guidance: false)
        let textEnd = prompt.size(1) - configuration.startTokens, first = prompt.size(1) - 1
        let spoken = try embedded(speech: Tensor(speech, shape: [1, speech.count], device: device), from: [1])
        let inputs = try Tensor.cat([prompt, spoken.narrow(axis: 1, from: 0, count: speech.count - 1)], axis: 1)
        let survey = AttentionSurvey(text: textEnd - text.count..<textEnd, speech: first..<first + speech.count)
        _ = try backbone(inputs, memory: survey)
        return try survey.layers.map { try $0.select(axis: 0, 0) }
    }
}
