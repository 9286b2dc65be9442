import Torch

/// What a voice tells the speech token model (upstream: `T3Cond` in `models/t3/modules/cond_enc.py`).
public struct T3Conditioning: Sendable {
    /// The voice encoder's embedding of the speaker, `[batch, 256]`.
    public let speaker: Tensor
    /// Speech tokens of the reference recording, `[batch, tokens]`, `int64`; `nil` when there is none.
    public let prompt: Tensor?
    /// Exaggeration of the emotion, `[batch]`, 0.5 is neutral; `nil` for models that know none.
    public let emotion: Tensor?

    /// Conditions of a batch, as training has them.
    public init(speaker: Tensor, prompt: Tensor?, emotion: Tensor?) {
        self.speaker = speaker
        self.prompt = prompt
        self.emotion = emotion
    }

    /// Conditions of one voice.
    ///
    /// - Parameters:
    ///   - speaker: `[256]` or `[1, 256]`.
    ///   - prompt: speech tokens of the reference recording.
    ///   - exaggeration: 0.25 to 2, 0.5 is neutral; models without emotion do not look at it.
    public init(speaker: Tensor, prompt: [Int], exaggeration: Double = 0.5) throws {
        self.speaker = try speaker.reshaped([1, speaker.count])
        self.prompt = prompt.isEmpty ? nil : try Tensor(prompt, shape: [1, prompt.count], device: speaker.device)
        self.emotion = try Tensor.full([1], exaggeration, dtype: speaker.dtype, device: speaker.device)
    }

    /// Conditions of a voice, in the type of the model's arithmetic.
    public init(_ voice: Voice, dtype: DType = .float32, exaggeration: Double = 0.5) throws {
        try self.init(
            speaker: voice.speakerEmbedding.to(dtype), prompt: voice.conditioningTokens.array(of: Int.self), exaggeration: exaggeration)
    }
}

/// Turns a voice's conditions into the inputs that stand before the text (upstream: `T3CondEnc`).
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

    /// One vector for the speaker, the prompt's, and one for the emotion.
    ///
    /// - Parameter prompt: the embedded prompt tokens `[batch, tokens, hidden]`.
    /// - Returns: `[batch, conditions, hidden]`.
    /// - Throws: `T3Error.missingCondition` when the model needs an emotion and there is none.
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
