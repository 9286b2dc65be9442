import Torch

/// The speech token model: predicts speech tokens, 25 a second, from a voice and text tokens (upstream: `models/t3/t3.py`).
///
/// A sequence is the voice's conditions, the text, and the speech so far. `T3` itself computes whole sequences, as training needs them; `T3Decoder`
/// decodes token by token.
public struct T3: Sendable {
    /// Its sizes.
    public let configuration: T3Configuration
    /// The transformer between embeddings and heads.
    package internal(set) var backbone: any Backbone
    let conditioning: ConditioningEncoder
    let textEmbedding, speechEmbedding: Embedding
    let textPositions, speechPositions: PositionTable?
    let textHead, speechHead: Linear

    /// - Parameters:
    ///   - weights: the root of a checkpoint such as `t3_cfg.safetensors`.
    ///   - configuration: the sizes of the networks, which the weights' shapes must match.
    /// - Throws: an error of `Weights` if a tensor is missing, superfluous or has another shape.
    package init(_ weights: Weights, _ configuration: T3Configuration = .chatterbox) throws {
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

    /// Logits of a whole sequence with given speech, for training (upstream: `T3.forward`).
    ///
    /// - Parameters:
    ///   - textTokens: text with start and stop tokens, `[batch, text]`, `int64`.
    ///   - speechTokens: speech after its start token, `[batch, speech]`, `int64`.
    ///   - conditioning: conditions of a batch of one, or of the tokens' batch.
    /// - Returns: `text` `[batch, text, textVocabulary]`; `speech` `[batch, speech, speechVocabulary]`, where position *i* predicts token *i* + 1.
    ///   Differentiable by every weight.
    package func logits(
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
    package func embedded(_ conditioning: T3Conditioning) throws -> Tensor {
        try self.conditioning(
            conditioning, prompt: conditioning.prompt.map { try embedded(speech: $0, from: [0]) })
    }

    /// Text tokens `[batch, text]` as inputs of the backbone, `[batch, text, hidden]`; with `guidance` the batch of one is followed by a row that
    /// contains only the positions.
    func embedded(text tokens: Tensor, guidance: Bool = false) throws -> Tensor {
        var text = try textEmbedding(tokens)
        if guidance {
            text = try Tensor.cat([text, text * 0])
        }
        return try textPositions.map { try text + $0(from: [0], count: tokens.size(1)) } ?? text
    }

    /// Speech tokens `[batch, speech]` as inputs of the backbone, `[batch, speech, hidden]`.
    ///
    /// - Parameter starts: the speech position of each row's first token; a single number applies to all rows.
    func embedded(speech tokens: Tensor, from starts: [Int]) throws -> Tensor {
        let speech = try speechEmbedding(tokens)
        return try speechPositions.map { try speech + $0(from: starts, count: tokens.size(1)) } ?? speech
    }

    /// The inputs before the first token that is drawn: conditions, text, and the start token of speech, which the Chatterbox style has twice, both
    /// at position 0.
    ///
    /// - Parameter guidance: whether a second row without the text's tokens follows.
    /// - Returns: `[1 or 2, time, hidden]`.
    package func prompt(text: [Int], conditioning: T3Conditioning, guidance: Bool) throws -> Tensor {
        let behind = try prompt(text: text, guidance: guidance)
        return try Tensor.cat([embedded(conditioning).repeated(behind.size(0)), behind], axis: 1)
    }

    /// The same without the conditions, so that it does not depend on the voice.
    func prompt(text: [Int], guidance: Bool) throws -> Tensor {
        let start = try embedded(speech: Tensor([configuration.startSpeech], shape: [1, 1], device: device), from: [0])
        let starts = Array(repeating: start, count: configuration.startTokens)
        let text = try embedded(text: Tensor(text, shape: [1, text.count], device: device), guidance: guidance)
        return try Tensor.cat([text] + starts.map { try $0.repeated(text.size(0)) }, axis: 1)
    }
}

extension Tensor {
    /// Expands a batch of one, `[1, time, hidden]`, to several rows.
    fileprivate func repeated(_ rows: Int) throws -> Tensor { try expanded([rows, size(1), size(2)]) }
}

extension T3Configuration {
    /// The number of rows of the text's position table, the largest number of a text's tokens.
    var textPositions: Int { maximumText + 2 }
    /// The number of rows of the speech position table.
    var speechPositions: Int { maximumSpeech + 4 }
    /// How many start tokens of speech precede the first token that is drawn.
    var startTokens: Int { style == .chatterbox ? 2 : 1 }
    /// The number of positions of conditions, text and the start of speech before the first token that is drawn.
    ///
    /// - Parameters:
    ///   - text: the number of text tokens, with start and stop tokens.
    ///   - prompt: the number of tokens in the voice's prompt.
    public func prefixLength(text: Int, prompt: Int) -> Int {
        1 + (perceiver?.queries ?? prompt) + (emotion ? 1 : 0) + text + startTokens
    }
    /// The number of positions of the longest sequence that the backbone supports: conditions, text and speech.
    var longestSequence: Int {
        backbone.sizes.longestSequence ?? 1 + (perceiver?.queries ?? promptTokens) + 1 + textPositions + speechPositions
    }
}

/// The conditions that a voice gives to the speech token model (upstream: `T3Cond` in `models/t3/modules/cond_enc.py`).
package struct T3Conditioning: Sendable {
    /// The voice encoder's embedding of the speaker, `[batch, 256]`.
    package let speaker: Tensor
    /// Speech tokens of the reference recording, `[batch, tokens]`, `int64`; `nil` when there is none.
    package let prompt: Tensor?
    /// Exaggeration of the emotion, `[batch]`, 0.5 is neutral; `nil` for models without emotion.
    package let emotion: Tensor?

    /// Conditions of a batch, for training.
    package init(speaker: Tensor, prompt: Tensor?, emotion: Tensor?) {
        self.speaker = speaker
        self.prompt = prompt
        self.emotion = emotion
    }

    /// Conditions of one voice.
    ///
    /// - Parameters:
    ///   - speaker: `[256]` or `[1, 256]`.
    ///   - prompt: speech tokens of the reference recording.
    ///   - exaggeration: 0.25 to 2, 0.5 is neutral; models without emotion ignore it.
    package init(speaker: Tensor, prompt: [Int], exaggeration: Double = 0.5) throws {
        self.speaker = try speaker.reshaped([1, speaker.count])
        self.prompt = prompt.isEmpty ? nil : try Tensor(prompt, shape: [1, prompt.count], device: speaker.device)
        self.emotion = try Tensor.full([1], exaggeration, dtype: speaker.dtype, device: speaker.device)
    }

    /// Conditions of a voice, in the type of the model's arithmetic.
    package init(_ voice: Voice, dtype: DType = .float32, exaggeration: Double = 0.5) throws {
        try self.init(
            speaker: voice.speakerEmbedding.to(dtype), prompt: voice.conditioningTokens.array(of: Int.self), exaggeration: exaggeration)
    }
}

/// Converts a voice's conditions into the inputs before the text (upstream: `T3CondEnc`).
struct ConditioningEncoder: Sendable {
    let speakerSize: Int
    let speaker: Linear
    let emotion: Linear?
    let perceiver: Perceiver?

    init(_ weights: Weights, _ configuration: T3Configuration) throws {
        let size = configuration.backbone.hiddenSize
        speakerSize = configuration.speakerSize
        speaker = try Linear(weights["spkr_enc"], from: speakerSize, to: size)
        emotion = configuration.emotion ? try Linear(weights["emotion_adv_fc"], from: 1, to: size, bias: false) : nil
        perceiver = try configuration.perceiver.map { try Perceiver(weights["perceiver"], size: size, $0) }
    }

    /// One vector for the speaker, the vectors of the prompt, and one for the emotion.
    ///
    /// - Parameter prompt: the embedded prompt tokens `[batch, tokens, hidden]`.
    /// - Returns: `[batch, conditions, hidden]`.
    /// - Throws: `T3Error.missingCondition` if the model needs an emotion and there is none.
    func callAsFunction(_ conditioning: T3Conditioning, prompt: Tensor?) throws -> Tensor {
        let dtype = speaker.weight.dtype
        var parts = [try speaker(conditioning.speaker.to(dtype).reshaped([-1, speakerSize])).unsqueezed(1)]
        if let prompt {
            parts.append(try perceiver?(prompt) ?? prompt)
        }
        if let emotion {
            guard let exaggeration = conditioning.emotion else { throw T3Error.missingCondition("emotion") }
            parts.append(try emotion(exaggeration.to(dtype).reshaped([-1, 1, 1])))
        }
        return try Tensor.cat(parts, axis: 1)
    }
}

/// Sizes of the perceiver (upstream: `models/t3/modules/perceiver.py`).
public struct PerceiverConfiguration: Sendable, Codable, Hashable {
    /// Number of learned queries, which is also the number of output vectors.
    public var queries = 32
    /// Number of attention heads.
    public var heads = 4

    /// Without arguments the sizes of the released models.
    public init(queries: Int = 32, heads: Int = 4) {
        self.queries = queries
        self.heads = heads
    }
}

/// Condenses a sequence of any length into a fixed number of vectors (after Jaegle et al. 2021).
///
/// One attention block is used twice: learned queries attend to the sequence, then to one another.
struct Perceiver: Sendable {
    let queries: Tensor
    let attention: PerceiverAttention

    init(_ weights: Weights, size: Int, _ configuration: PerceiverConfiguration) throws {
        let bound = (3.0 * 2.0 / Double(2 * configuration.queries)).squareRoot()
        queries = try weights.tensor(
            "pre_attention_query", shape: [1, configuration.queries, size], initial: .uniform(bound))
        attention = try PerceiverAttention(weights["attn"], size: size, heads: configuration.heads)
    }

    /// `[batch, time, hidden]` → `[batch, queries, hidden]`.
    func callAsFunction(_ sequence: Tensor) throws -> Tensor {
        let queries = try queries.expanded([sequence.size(0), queries.size(1), queries.size(2)])
        let condensed = try attention(queries, to: sequence)
        return try attention(condensed, to: condensed)
    }
}

/// Multi-head attention from one sequence to another, added to the first; both are normalised by the same layer.
struct PerceiverAttention: Sendable {
    let heads: Int
    let norm: LayerNorm
    let query, key, value, output: Linear

    init(_ weights: Weights, size: Int, heads: Int) throws {
        guard heads > 0, size % heads == 0 else { throw T3Error.unevenHeads(hiddenSize: size, heads: heads) }
        self.heads = heads
        norm = try LayerNorm(weights["norm"], size: size)
        query = try Linear(weights["to_q"], from: size, to: size)
        key = try Linear(weights["to_k"], from: size, to: size)
        value = try Linear(weights["to_v"], from: size, to: size)
        output = try Linear(weights["proj_out"], from: size, to: size)
    }

    /// `x` `[batch, queries, hidden]`, `context` `[batch, time, hidden]` → `[batch, queries, hidden]`.
    func callAsFunction(_ x: Tensor, to context: Tensor) throws -> Tensor {
        let normalised = try norm(context)
        let attended = try query(norm(x)).splitIntoHeads(heads).attention(
            key: key(normalised).splitIntoHeads(heads), value: value(normalised).splitIntoHeads(heads))
        return try x + output(attended.joinedHeads())
    }
}

/// One row of numbers for each position: a learned embedding, or the cosines or sines of a rotary one.
struct PositionTable: Sendable {
    /// `[positions, size]`.
    let rows: Tensor

    /// The number of positions.
    var count: Int { rows.size(0) }

    init(_ rows: Tensor) {
        self.rows = rows
    }

    /// A learned table (upstream: `learned_pos_emb.py`; GPT-2's `wpe`).
    init(_ weights: Weights, count: Int, size: Int) throws {
        rows = try weights.tensor("weight", shape: [count, size], initial: .normal(std: 0.02))
    }

    /// The rows of a batch's new positions: `[batch or 1, count, size]`.
    func callAsFunction(of memory: some AttentionMemory, count: Int) throws -> Tensor {
        guard let positions = memory.positions else { return try self(from: memory.firstPositions, count: count) }
        return try rows.indexSelect(axis: 0, positions).unsqueezed(1)
    }

    /// The rows of `count` positions from each of `starts` on: `[starts, count, size]`, or `[1, count, size]` if all starts are the same.
    ///
    /// - Throws: `T3Error.sequenceTooLong` beyond the table's end.
    func callAsFunction(from starts: [Int], count length: Int) throws -> Tensor {
        let last = (starts.max() ?? 0) + length
        guard last <= count else { throw T3Error.sequenceTooLong(positions: last, limit: count) }
        if Set(starts).count == 1 {
            return try rows.narrow(axis: 0, from: starts[0], count: length).unsqueezed(0)
        }
        let index = try Tensor(starts.flatMap { $0..<$0 + length }, device: rows.device)
        return try rows.indexSelect(axis: 0, index).viewed([starts.count, length, rows.size(1)])
    }
}
