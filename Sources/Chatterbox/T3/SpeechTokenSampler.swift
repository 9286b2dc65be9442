import Torch

/// Draws one request's speech tokens from logits and remembers which it drew.
///
/// On CPU in float32 the draws are those of upstream's `T3.inference` and `T3.inference_turbo` with the same seed.
public final class SpeechTokenSampler {
    public let options: SamplingOptions
    private let style: DecodingStyle
    /// `[vocabulary]`: the tokens that the repetition penalty strikes.
    private let seen: Tensor
    private let generator: Generator
    private var isFirst = true
    private let startToken: Int

    /// - Parameters:
    ///   - startToken: the start of speech, penalised like a token already drawn (in Turbo for the first draw only).
    ///   - generator: on the device of the logits.
    public init(
        _ options: SamplingOptions, style: DecodingStyle, vocabulary: Int, startToken: Int, generator: Generator,
        device: Device = .cpu
    ) throws {
        self.options = options
        self.style = style
        self.generator = generator
        self.startToken = startToken
        seen = try Tensor.zeros([vocabulary], dtype: .bool, device: device)
        try remember([startToken])
    }

    /// Draws the next token.
    ///
    /// - Parameter logits: `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without.
    public func draw(from logits: Tensor) throws -> Int {
        let token = try probabilities(logits).multinomial(1, generator: generator).item(Int.self)
        if isFirst, style == .turbo { try mark(startToken, false) }
        isFirst = false
        try remember([token])
        return token
    }

    /// Lets the repetition penalty strike these tokens as if they had been drawn.
    func remember(_ tokens: [Int]) throws {
        for token in tokens { try mark(token, true) }
    }

    /// The probabilities `[vocabulary]` that the next token is drawn from.
    public func probabilities(_ logits: Tensor) throws -> Tensor {
        var logits = try logits.to(.float32)
        switch style {
        case .chatterbox:
            logits = try logits.size(0) == 2 ? logits.guided(by: options.guidance) : logits.select(axis: 0, 0)
            if options.repetitionPenalty != 1 { logits = try logits.penalised(seen, by: options.repetitionPenalty) }
            if options.temperature != 1 { logits = try logits / options.temperature }
            if options.minP > 0 { logits = try logits.keepingShare(options.minP) }
            if options.topP < 1 { logits = try logits.keepingNucleus(options.topP) }
        case .turbo:
            logits = try logits.select(axis: 0, 0)
            if options.temperature != 1 { logits = try logits / options.temperature }
            if let topK = options.topK { logits = try logits.keepingTop(topK) }
            if options.topP < 1 { logits = try logits.keepingNucleus(options.topP) }
            if options.repetitionPenalty != 1 { logits = try logits.penalised(seen, by: options.repetitionPenalty) }
        }
        return try logits.softmax(axis: -1)
    }

    private func mark(_ token: Int, _ isSeen: Bool) throws {
        try seen.narrow(axis: 0, from: token, count: 1).fill(isSeen ? 1 : 0)
    }
}
