import Kernels
import Torch

/// The first half of S3Gen: speech tokens become a mel spectrogram in the prompt's voice.
///
/// Source: `CausalMaskedDiffWithXvec` in `models/s3gen/flow.py`.
public struct TokenToMel: Sendable {
    public let configuration: FlowConfiguration
    let embedding: Embedding
    var speakerProjection, melProjection: Projection
    var encoder: TokenEncoder
    var flow: FlowMatching
    let device: Device
    /// Faster ways through encoder and flow.
    private var packedEncoder: PackedTokenEncoder?
    private var packedFlow: PackedFlow?

    /// Makes the networks from the `flow` scope of `s3gen.safetensors`.
    ///
    /// - Parameters:
    ///   - weights: the `flow` scope.
    ///   - configuration: sizes of the networks, which the weights' shapes must match.
    ///   - flowType: what the estimator computes in; nil: what its weights are stored in.
    /// - Throws: ``FlowError/configuration(_:)`` for impossible sizes, and what `Weights` throws for a tensor that is
    ///   missing or has another shape.
    public init(_ weights: Weights, _ configuration: FlowConfiguration = .chatterbox, flowType: DType? = nil) throws {
        try configuration.validate()
        let size = configuration.encoder.size
        self.configuration = configuration
        embedding = try Embedding(weights["input_embedding"], count: configuration.tokenCount, size: size)
        speakerProjection = try Projection(
            weights["spk_embed_affine_layer"], from: configuration.speakerSize, to: configuration.melChannels, bias: true)
        encoder = try TokenEncoder(weights["encoder"], configuration.encoder)
        melProjection = try Projection(weights["encoder_proj"], from: size, to: configuration.melChannels, bias: true)
        flow = try FlowMatching(flowType.map(weights["decoder"].rounded) ?? weights["decoder"], configuration)
        device = melProjection.weight.device
    }

    /// Speech tokens `[1, tokens]` → log-mel `[1, 80, 2 · tokens]` at 50 Hz.
    ///
    /// - Parameters:
    ///   - tokens: `[1, tokens]`, without the prompt's.
    ///   - prompt: the voice that the speech continues: its tokens, mel and x-vector.
    ///   - steps: Euler steps; the configuration's number when nil.
    ///   - isFinal: false where more tokens follow. The last 3 tokens then serve as lookahead only, and their 6 frames
    ///     are left for the next call, which starts again from all tokens.
    ///   - noise: where the flow starts, `[1, 80, at least prompt and new frames]`, for calls that must agree on the
    ///     frames they share; nil draws it as upstream does.
    ///   - generator: source of the noise.
    ///   - checkpoint: called before each step; what it throws ends the synthesis.
    ///   - pause: called after each piece of a step, none of which takes longer than some hundredths of a second for ten
    ///     seconds of speech; by packed networks alone. What it throws ends the synthesis.
    ///
    /// Throws ``FlowError`` for tokens out of range, for shapes that do not fit, and for a chunk with nothing but
    /// lookahead.
    public func callAsFunction(
        tokens: Tensor, prompt: SpeechPrompt, steps: Int? = nil, isFinal: Bool = true, noise: Tensor? = nil,
        generator: Generator, checkpoint: () throws -> Void = {}, pause: () throws -> Void = {}
    ) throws -> Tensor {
        let steps = steps ?? configuration.steps
        return try mel(of: tokens, prompt: prompt, steps: steps, isFinal: isFinal, noise: noise, generator: generator, pause: pause) { order in
            var history: FlowHistory?
            return try run(order.noise, order.conditions, steps: steps, after: &history, checkpoint: checkpoint, pause: pause)
        }
    }

    /// The same with whatever takes an utterance through the flow.
    ///
    /// - Parameter solve: gives the mel of an order, the prompt's frames among its own.
    func mel(
        of tokens: Tensor, prompt: SpeechPrompt, steps: Int, isFinal: Bool = true, noise: Tensor? = nil, generator: Generator,
        pause: () throws -> Void, solve: (FlowOrder) throws -> Tensor
    ) throws -> Tensor {
        guard steps >= 1 else { throw FlowError.steps(steps) }
        try check(tokens, prompt, isFinal: isFinal)
        let mean = try mean(of: tokens, after: prompt, isFinal: isFinal, pause: pause)
        let (frames, promptFrames) = (mean.shape[2], prompt.mel.shape[1])
        let conditions = try conditions(mean, prompt, from: 0)
        let start =
            try noise?.narrow(axis: 2, from: 0, count: frames).to(device)
            ?? self.noise(tokens: tokens.shape[1], frames: frames, generator: generator)
        let mel = try solve(FlowOrder(noise: start, conditions: conditions))
        return try mel.narrow(axis: 2, from: promptFrames, count: frames - promptFrames).contiguous()
    }

    /// The flow over some frames, by packed networks where there are any.
    ///
    /// - Parameter history: where the frames follow others, see ``FlowHistory``.
    func run(
        _ noise: Tensor, _ conditions: FlowMatching.Conditions, steps: Int, after history: inout FlowHistory?,
        checkpoint: () throws -> Void, pause: () throws -> Void
    ) throws -> Tensor {
        guard let packedFlow else {
            return try flow(
                noise, conditions, padding: SequencePadding(frames: nil), steps: steps, after: &history, checkpoint: checkpoint)
        }
        return try packedFlow(noise, conditions, steps: steps, after: &history, checkpoint: checkpoint, pause: pause)
    }

    /// The same networks with the weights of encoder and flow packed for the CPU.
    func packed(_ format: WeightFormat, team: ThreadTeam) throws -> TokenToMel {
        var copy = self
        copy.packedEncoder = try PackedTokenEncoder(encoder, melProjection: melProjection, format: format, team: team)
        copy.packedFlow = try PackedFlow(flow, format: format, team: team)
        return copy
    }

    /// The same networks, computed by libtorch.
    var unpacked: TokenToMel {
        var copy = self
        (copy.packedEncoder, copy.packedFlow) = (nil, nil)
        return copy
    }

    /// The encoder's guess of the mel over prompt and new tokens, `[1, mel, frames]`.
    package func mean(
        of tokens: Tensor, after prompt: SpeechPrompt, isFinal: Bool = true, pause: () throws -> Void = {}
    ) throws -> Tensor {
        let joined = try Tensor.cat([prompt.tokens.to(.int64).to(device), tokens.to(.int64).to(device)], axis: 1)
        let embedded = try embedding(joined)
        let held = isFinal ? 0 : configuration.encoder.lookahead * configuration.framesPerToken
        func told(_ x: Tensor) throws -> Tensor { try x.narrow(axis: 1, from: 0, count: x.shape[1] - held) }
        let mean = try packedEncoder.map { try told($0(embedded, pause: pause)) } ?? melProjection(told(encoder(embedded)))
        return try mean.transposed(1, 2).contiguous()
    }

    /// The encoder's guess of the mel of tokens that follow others, `[1, mel, frames]`.
    ///
    /// - Parameters:
    ///   - ahead: the tokens behind them that they look ahead to; none at the end.
    ///   - history: the others.
    ///   - context: how many tokens at least, of those before, later ones are to see besides the prompt's.
    func mean(
        of tokens: [Int], ahead: [Int], after history: inout FlowHistory?, context: Int, pause: () throws -> Void
    ) throws -> Tensor {
        let embedded = try embedding(Tensor(tokens + ahead, shape: [1, tokens.count + ahead.count], device: device))
        let mean =
            try packedEncoder?(embedded, ahead: ahead.count, after: &history, pause: pause)
            ?? melProjection(encoder(embedded, ahead: ahead.count, after: &history))
        history?.append(frames: tokens.count, context: context)
        return try mean.transposed(1, 2).contiguous()
    }

    /// Speaker vectors `[batch, speakerSize]`, normalised and projected to `[batch, mel]`.
    func speaker(_ vector: Tensor) throws -> Tensor {
        let vector = try vector.to(device).to(melProjection.weight.dtype)
        return try speakerProjection(vector.normalised(axis: 1))
    }

    /// What the flow is told of frames from `frame` on, counted from the prompt's beginning, of whose encoder's guess is `mean`.
    func conditions(_ mean: Tensor, _ prompt: SpeechPrompt, from frame: Int) throws -> FlowMatching.Conditions {
        let frames = mean.size(2), known = min(frames, max(0, prompt.mel.size(1) - frame))
        let mel = try prompt.mel.to(mean.device).to(mean.dtype).transposed(1, 2).narrow(axis: 2, from: min(frame, prompt.mel.size(1)), count: known)
        return FlowMatching.Conditions(
            mean: mean, speaker: try speaker(prompt.speaker), prompt: try mel.padded([0, frames - known]))
    }

    /// Where upstream's flow starts: one draw over all frames; for mean flow, an earlier draw of 2 frames a token
    /// takes its tail's place.
    private func noise(tokens: Int, frames: Int, generator: Generator) throws -> Tensor {
        let draw =
            { frames in
                try Tensor.randn([1, configuration.melChannels, frames], generator: generator, device: generator.device)
            } as (Int) throws -> Tensor
        guard configuration.meanFlow else { return try draw(frames).to(device) }
        let tail = try draw(tokens * configuration.framesPerToken)
        let all = try draw(frames)
        let kept = min(tail.shape[2], frames)
        let head = try all.narrow(axis: 2, from: 0, count: frames - kept)
        return try Tensor.cat([head, tail.narrow(axis: 2, from: tail.shape[2] - kept, count: kept)], axis: 2).to(device)
    }

    private func check(_ tokens: Tensor, _ prompt: SpeechPrompt, isFinal: Bool) throws {
        let (mel, speaker) = (configuration.melChannels, configuration.speakerSize)
        for (name, tensor) in [("tokens", tokens), ("prompt.tokens", prompt.tokens)] {
            guard tensor.rank == 2, tensor.shape[0] == 1 else {
                throw FlowError.shape(name, expected: "[1, tokens]", found: tensor.shape)
            }
        }
        guard prompt.mel.rank == 3, prompt.mel.shape[0] == 1, prompt.mel.shape[2] == mel else {
            throw FlowError.shape("prompt.mel", expected: "[1, frames, \(mel)]", found: prompt.mel.shape)
        }
        guard prompt.speaker.shape == [1, speaker] else {
            throw FlowError.shape("prompt.speaker", expected: "[1, \(speaker)]", found: prompt.speaker.shape)
        }
        let (count, promptCount) = (tokens.shape[1], prompt.tokens.shape[1])
        guard count > 0 else { throw FlowError.noTokens }
        guard isFinal || count > configuration.encoder.lookahead else {
            throw FlowError.chunkTooShort(tokens: count, lookahead: configuration.encoder.lookahead)
        }
        // A reference that ends in the middle of a token leaves a frame over, which upstream keeps.
        let complete = promptCount * configuration.framesPerToken
        guard (complete...complete + 1).contains(prompt.mel.shape[1]) else {
            throw FlowError.promptLength(
                tokens: promptCount, frames: prompt.mel.shape[1], framesPerToken: configuration.framesPerToken)
        }
        try checkRange(tokens)
        try checkRange(prompt.tokens)
    }

    func checkRange(_ tokens: Tensor) throws {
        let ids = try tokens.array(of: Int.self)
        if let token = ids.first(where: { $0 < 0 || $0 >= configuration.tokenCount }) {
            throw FlowError.tokenOutOfRange(token, limit: configuration.tokenCount)
        }
    }
}

extension TokenToMel: Adaptable {
    mutating func changeProjections(_ change: (String, inout Projection) throws -> Void) rethrows {
        try change("spk_embed_affine_layer", &speakerProjection)
        try change("encoder_proj", &melProjection)
        func encoder(_ name: String, _ block: inout ConformerBlock) throws {
            try change("\(name).self_attn.linear_q", &block.attention.query)
            try change("\(name).self_attn.linear_k", &block.attention.key)
            try change("\(name).self_attn.linear_v", &block.attention.value)
            try change("\(name).self_attn.linear_out", &block.attention.output)
            try change("\(name).feed_forward.w_1", &block.expand)
            try change("\(name).feed_forward.w_2", &block.contract)
        }
        for index in self.encoder.blocks.indices { try encoder("encoder.encoders.\(index)", &self.encoder.blocks[index]) }
        for index in self.encoder.upsampledBlocks.indices { try encoder("encoder.up_encoders.\(index)", &self.encoder.upsampledBlocks[index]) }
        func stage(_ name: String, _ stage: inout EstimatorStage) throws {
            for index in stage.transformers.indices {
                let name = "decoder.estimator.\(name).1.\(index)"
                try change("\(name).attn1.to_q", &stage.transformers[index].query)
                try change("\(name).attn1.to_k", &stage.transformers[index].key)
                try change("\(name).attn1.to_v", &stage.transformers[index].value)
                try change("\(name).attn1.to_out.0", &stage.transformers[index].output)
                try change("\(name).ff.net.0.proj", &stage.transformers[index].expand)
                try change("\(name).ff.net.2", &stage.transformers[index].contract)
            }
        }
        try stage("down_blocks.0", &flow.estimator.first)
        for index in flow.estimator.middle.indices { try stage("mid_blocks.\(index)", &flow.estimator.middle[index]) }
        try stage("up_blocks.0", &flow.estimator.last)
    }
}
