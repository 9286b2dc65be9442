import Torch

/// The speech token model: reads a voice and text tokens, writes speech tokens, 25 a second
/// (upstream: `models/t3/t3.py`).
///
/// A sequence is the voice's conditions, the text, and the speech so far. `T3` itself computes whole sequences, as
/// training needs them; `T3Decoder` speaks token by token.
public struct T3: Sendable {
    public let configuration: T3Configuration
    /// The transformer between embeddings and heads.
    public internal(set) var backbone: any Backbone
    let conditioning: ConditioningEncoder
    let textEmbedding, speechEmbedding: Embedding
    let textPositions, speechPositions: PositionTable?
    let textHead, speechHead: Linear

    /// - Parameters:
    ///   - weights: the root of a checkpoint such as `t3_cfg.safetensors`.
    ///   - configuration: sizes of the networks, which the weights' shapes must match.
    /// - Throws: an error of `Weights` when a tensor is missing, superfluous or of another shape.
    public init(_ weights: Weights, _ configuration: T3Configuration = .chatterbox) throws {
        self.configuration = configuration
        let size = configuration.backbone.hiddenSize
        let sizes = configuration.backbone.sizes
        backbone = try sizes.makeBackbone(weights["tfmr"], positions: configuration.longestSequence)
        conditioning = try ConditioningEncoder(weights["cond_enc"], configuration)
        textEmbedding = try Embedding(weights["text_emb"], count: configuration.textVocabulary, size: size)
        speechEmbedding = try Embedding(weights["speech_emb"], count: configuration.speechVocabulary, size: size)
        if configuration.learnedPositions {
            textPositions = try PositionTable(
                weights["text_pos_emb"]["emb"], count: configuration.textPositions, size: size)
            speechPositions = try PositionTable(
                weights["speech_pos_emb"]["emb"], count: configuration.speechPositions, size: size)
        } else {
            (textPositions, speechPositions) = (nil, nil)
        }
        textHead = try Linear(weights["text_head"], from: size, to: configuration.textVocabulary, bias: false)
        speechHead = try Linear(
            weights["speech_head"], from: size, to: configuration.speechVocabulary, bias: sizes.hasSpeechHeadBias)
        try weights.requireAllUsed()
    }

    /// Where the weights are.
    public var device: Device { speechHead.weight.device }
    /// The weights' precision, which is also that of keys and values.
    public var dtype: DType { speechHead.weight.dtype }

    /// Logits of a whole sequence of given speech, for training (upstream: `T3.forward`).
    ///
    /// - Parameters:
    ///   - textTokens: framed text, `[batch, text]`, `int64`.
    ///   - speechTokens: speech after its start token, `[batch, speech]`, `int64`.
    ///   - conditioning: of a batch of one, or of as many as the tokens.
    /// - Returns: `text` `[batch, text, textVocabulary]`; `speech` `[batch, speech, speechVocabulary]`, where position
    ///   *i* predicts token *i* + 1. Gradients flow to every weight.
    public func logits(
        textTokens: Tensor, speechTokens: Tensor, conditioning: T3Conditioning
    ) throws -> (text: Tensor, speech: Tensor) {
        let (text, speech) = (textTokens.size(1), speechTokens.size(1))
        var inputs = try embedded(conditioning)
        if inputs.size(0) != textTokens.size(0) {
            inputs = try inputs.expanded([textTokens.size(0), inputs.size(1), inputs.size(2)])
        }
        let conditions = inputs.size(1)
        inputs = try Tensor.cat([inputs, embedded(text: textTokens), embedded(speech: speechTokens, from: [0])], axis: 1)
        let hidden = try backbone(inputs, memory: WholeSequence())
        return (
            try textHead(hidden.narrow(axis: 1, from: conditions, count: text)),
            try speechHead(hidden.narrow(axis: 1, from: conditions + text, count: speech))
        )
    }

    /// The voice's conditions as inputs of the backbone, `[batch, conditions, hidden]`.
    public func embedded(_ conditioning: T3Conditioning) throws -> Tensor {
        try self.conditioning(
            conditioning, prompt: conditioning.prompt.map { try embedded(speech: $0, from: [0]) })
    }

    /// Text tokens `[batch, text]` as inputs of the backbone, `[batch, text, hidden]`; with `guidance` the batch of one
    /// is followed by a row in which only the positions are left.
    func embedded(text tokens: Tensor, guidance: Bool = false) throws -> Tensor {
        var text = try textEmbedding(tokens)
        if guidance {
            text = try Tensor.cat([text, text * 0])
        }
        return try textPositions.map { try text + $0(from: [0], count: tokens.size(1)) } ?? text
    }

    /// Speech tokens `[batch, speech]` as inputs of the backbone, `[batch, speech, hidden]`.
    ///
    /// - Parameter starts: the speech position of each row's first token; one number stands for all rows.
    func embedded(speech tokens: Tensor, from starts: [Int]) throws -> Tensor {
        let speech = try speechEmbedding(tokens)
        return try speechPositions.map { try speech + $0(from: starts, count: tokens.size(1)) } ?? speech
    }

    /// What stands before the first token that is drawn: conditions, text, and the start of speech, which the
    /// Chatterbox style has twice, both at position 0.
    ///
    /// - Parameter guidance: whether a second row without the text's tokens follows.
    /// - Returns: `[1 or 2, time, hidden]`.
    package func prompt(text: [Int], conditioning: T3Conditioning, guidance: Bool) throws -> Tensor {
        let behind = try prompt(text: text, guidance: guidance)
        return try Tensor.cat([embedded(conditioning).repeated(behind.size(0)), behind], axis: 1)
    }

    /// The same without the conditions: what of the prompt a voice has no part in.
    func prompt(text: [Int], guidance: Bool) throws -> Tensor {
        let start = try embedded(speech: Tensor([configuration.startSpeech], shape: [1, 1], device: device), from: [0])
        let starts = Array(repeating: start, count: configuration.startTokens)
        let text = try embedded(text: Tensor(text, shape: [1, text.count], device: device), guidance: guidance)
        return try Tensor.cat([text] + starts.map { try $0.repeated(text.size(0)) }, axis: 1)
    }
}

extension Tensor {
    /// A batch of one, `[1, time, hidden]`, as a batch of several.
    fileprivate func repeated(_ rows: Int) throws -> Tensor { try expanded([rows, size(1), size(2)]) }
}

extension T3Configuration {
    /// Rows of the text's position table, as many as a text may have tokens.
    var textPositions: Int { maximumText + 2 }
    /// Rows of the speech position table.
    var speechPositions: Int { maximumSpeech + 4 }
    /// How often the start of speech stands before the first token that is drawn.
    var startTokens: Int { style == .chatterbox ? 2 : 1 }
    /// Positions that conditions, text and the start of speech take before the first token is drawn.
    ///
    /// - Parameters:
    ///   - text: text tokens, framed.
    ///   - prompt: tokens of the voice's prompt.
    public func prefixLength(text: Int, prompt: Int) -> Int {
        1 + (perceiver?.queries ?? prompt) + (emotion ? 1 : 0) + text + startTokens
    }
    /// Positions of the longest sequence that the backbone takes: conditions, text and speech.
    var longestSequence: Int {
        backbone.sizes.longestSequence ?? 1 + (perceiver?.queries ?? promptTokens) + 1 + textPositions + speechPositions
    }
}
