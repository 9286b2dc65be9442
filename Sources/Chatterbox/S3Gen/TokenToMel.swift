import Kernels
import Torch

/// The first half of S3Gen: speech tokens become a mel spectrogram in the prompt's voice.
///
/// Source: `CausalMaskedDiffWithXvec` in `models/s3gen/flow.py`.
public struct TokenToMel: Sendable {
    /// Its sizes.
    public let configuration: FlowConfiguration
    let embedding: Embedding
    var speakerProjection: Projection
    /// Encoder and flow in libtorch's operations, which training and adapters change.
    var exact: FlowNetworks<ExactArithmetic>
    /// The same with packed weights; nil where libtorch computes.
    private var packed: FlowNetworks<PackedArithmetic>?
    let device: Device

    /// Makes the networks from the `flow` scope of `s3gen.safetensors`.
    ///
    /// - Parameters:
    ///   - weights: the `flow` scope.
    ///   - configuration: sizes of the networks, which the weights' shapes must match.
    ///   - flowType: the type in which the estimator computes; nil uses the type of its stored weights.
    /// - Throws: ``FlowError/configuration(_:)`` for impossible sizes, and what `Weights` throws for a tensor that is
    ///   missing or has another shape.
    package init(_ weights: Weights, _ configuration: FlowConfiguration = .chatterbox, flowType: DType? = nil) throws {
        try configuration.validate()
        let size = configuration.encoder.size
        self.configuration = configuration
        embedding = try Embedding(weights["input_embedding"], count: configuration.tokenCount, size: size)
        speakerProjection = try Projection(
            weights["spk_embed_affine_layer"], from: configuration.speakerSize, to: configuration.melChannels, bias: true)
        let encoder = try TokenEncoder(
            weights["encoder"], projection: weights["encoder_proj"], configuration.encoder, melChannels: configuration.melChannels)
        exact = FlowNetworks(
            encoder: encoder, flow: try FlowMatching(flowType.map(weights["decoder"].rounded) ?? weights["decoder"], configuration))
        device = speakerProjection.weight.device
    }

    /// Speech tokens `[1, tokens]` → log-mel `[1, 80, 2 · tokens]` at 50 Hz.
    ///
    /// - Parameters:
    ///   - tokens: `[1, tokens]`, without the prompt's.
    ///   - prompt: the voice that the speech continues: its tokens, mel and x-vector.
    ///   - steps: Euler steps; the configuration's number when nil.
    ///   - noise: the noise from which the flow starts, `[1, 80, at least prompt and new frames]`, for calls that must agree on the
    ///     frames they share; nil draws it as upstream does.
    ///   - generator: source of the noise.
    ///   - checkpoint: called before each step; what it throws ends the synthesis.
    ///   - pause: called after each piece of a step, none of which takes longer than some hundredths of a second for ten
    ///     seconds of speech; only by packed networks. What it throws ends the synthesis.
    ///
    /// Throws ``FlowError`` for tokens out of range and for shapes that do not fit.
    package func callAsFunction(
        tokens: Tensor, prompt: SpeechPrompt, steps: Int? = nil, noise: Tensor? = nil,
        generator: Generator, checkpoint: () throws -> Void = {}, pause: () throws -> Void = {}
    ) throws -> Tensor {
        let steps = steps ?? configuration.steps
        return try mel(of: tokens, prompt: prompt, steps: steps, noise: noise, generator: generator, pause: pause) { order in
            var history: FlowHistory?
            return try network.mel(from: order.noise, order.conditions, steps: steps, after: &history, checkpoint: checkpoint, pause: pause)
        }
    }

    /// The same with a given function that computes the flow.
    ///
    /// - Parameter solve: returns the mel of an order, `[1, frames, mel]`, including the prompt's frames.
    func mel(
        of tokens: Tensor, prompt: SpeechPrompt, steps: Int, noise: Tensor? = nil, generator: Generator,
        pause: () throws -> Void, solve: (FlowOrder) throws -> Tensor
    ) throws -> Tensor {
        guard steps >= 1 else { throw FlowError.steps(steps) }
        try check(tokens, prompt)
        let mean = try mean(of: tokens, after: prompt, pause: pause)
        let (frames, promptFrames) = (mean.size(1), prompt.mel.size(1))
        let start =
            try noise?.narrow(axis: 2, from: 0, count: frames).to(device)
            ?? self.noise(tokens: tokens.size(1), frames: frames, generator: generator)
        let mel = try solve(FlowOrder(noise: start.transposed(1, 2).contiguous(), conditions: conditions(mean, prompt, from: 0)))
        return try mel.narrow(axis: 1, from: promptFrames, count: frames - promptFrames).transposed(1, 2)
    }

    /// The arithmetic of encoder and flow.
    var network: any FlowNetwork { if let packed { packed } else { exact } }

    /// The same networks with the weights of encoder and flow packed for the CPU.
    func packed(_ format: WeightFormat, team: ThreadTeam) throws -> TokenToMel {
        var copy = self
        copy.packed = try FlowNetworks(exact, LayerPacking(format: format, team: team))
        return copy
    }

    /// The same networks, computed by libtorch.
    var unpacked: TokenToMel {
        var copy = self
        copy.packed = nil
        return copy
    }

    /// The encoder's guess of the mel over prompt and new tokens, `[1, frames, mel]`.
    package func mean(
        of tokens: Tensor, after prompt: SpeechPrompt, pause: () throws -> Void = {}
    ) throws -> Tensor {
        let joined = try Tensor.cat([prompt.tokens.to(.int64).to(device), tokens.to(.int64).to(device)], axis: 1)
        var history: FlowHistory?
        return try network.mean(embedding(joined), ahead: 0, after: &history, pause: pause)
    }

    /// The encoder's guess of the mel of tokens that follow others, `[1, frames, mel]`.
    ///
    /// - Parameters:
    ///   - ahead: the tokens after them that are only lookahead; none at the end.
    ///   - history: the preceding tokens.
    ///   - context: the smallest number of preceding tokens on which later ones are to depend, besides the prompt's.
    func mean(
        of tokens: [Int], ahead: [Int], after history: inout FlowHistory?, context: Int, pause: () throws -> Void
    ) throws -> Tensor {
        let embedded = try embedding(Tensor(tokens + ahead, shape: [1, tokens.count + ahead.count], device: device))
        let mean = try network.mean(embedded, ahead: ahead.count, after: &history, pause: pause)
        history?.append(frames: tokens.count, context: context)
        return mean
    }

    /// Speaker vectors `[batch, speakerSize]`, normalised and projected to `[batch, mel]`.
    func speaker(_ vector: Tensor) throws -> Tensor {
        let vector = try vector.to(device).to(speakerProjection.weight.dtype)
        return try speakerProjection(vector.normalised(axis: 1))
    }

    /// The conditions of frames from `frame` on, counted from the prompt's beginning; `mean` is the encoder's guess of their mel.
    func conditions(_ mean: Tensor, _ prompt: SpeechPrompt, from frame: Int) throws -> FlowConditions {
        let frames = mean.size(1), known = min(frames, max(0, prompt.mel.size(1) - frame))
        let mel = try prompt.mel.to(mean.device).to(mean.dtype).narrow(axis: 1, from: min(frame, prompt.mel.size(1)), count: known)
        return FlowConditions(mean: mean, speaker: try speaker(prompt.speaker), prompt: try mel.padded([0, 0, 0, frames - known]))
    }

    /// The noise from which upstream's flow starts: drawn once for all frames; for mean flow, the end is replaced by an earlier
    /// draw of 2 frames a token.
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

    private func check(_ tokens: Tensor, _ prompt: SpeechPrompt) throws {
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
        // A reference that ends in the middle of a token has one more frame, which upstream keeps.
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
        try exact.encoder.output.changeProjection("encoder_proj", change)
        func encoder(_ name: String, _ block: inout TransformerBlock<ExactArithmetic>) throws {
            try change("\(name).self_attn.linear_q", &block.attention.query)
            try change("\(name).self_attn.linear_k", &block.attention.key)
            try change("\(name).self_attn.linear_v", &block.attention.value)
            try block.output.changeProjection("\(name).self_attn.linear_out", change)
            try block.expand.changeProjection("\(name).feed_forward.w_1", change)
            try block.contract.changeProjection("\(name).feed_forward.w_2", change)
        }
        for index in exact.encoder.blocks.indices { try encoder("encoder.encoders.\(index)", &exact.encoder.blocks[index]) }
        for index in exact.encoder.upsampledBlocks.indices {
            try encoder("encoder.up_encoders.\(index)", &exact.encoder.upsampledBlocks[index])
        }
        func stage(_ name: String, _ stage: inout EstimatorStage<ExactArithmetic>) throws {
            for index in stage.transformers.indices {
                let name = "decoder.estimator.\(name).1.\(index)"
                try change("\(name).attn1.to_q", &stage.transformers[index].attention.query)
                try change("\(name).attn1.to_k", &stage.transformers[index].attention.key)
                try change("\(name).attn1.to_v", &stage.transformers[index].attention.value)
                try stage.transformers[index].output.changeProjection("\(name).attn1.to_out.0", change)
                try stage.transformers[index].expand.changeProjection("\(name).ff.net.0.proj", change)
                try stage.transformers[index].contract.changeProjection("\(name).ff.net.2", change)
            }
        }
        try stage("down_blocks.0", &exact.flow.estimator.first)
        for index in exact.flow.estimator.middle.indices { try stage("mid_blocks.\(index)", &exact.flow.estimator.middle[index]) }
        try stage("up_blocks.0", &exact.flow.estimator.last)
    }
}

// MARK: arithmetic

/// Encoder and flow in some arithmetic.
protocol FlowNetwork: Sendable {
    /// The encoder's guess of the mel of embedded tokens, `[1, tokens, size]` → `[1, frames, mel]`.
    ///
    /// - Parameters:
    ///   - ahead: how many of the last tokens are only lookahead.
    ///   - history: the preceding tokens; the new ones are not added to its count.
    func mean(_ embeddings: Tensor, ahead: Int, after history: inout FlowHistory?, pause: () throws -> Void) throws -> Tensor

    /// The flow over some frames, `[1, frames, mel]` → the same.
    ///
    /// - Parameter history: the state of preceding frames, if there are any; see ``FlowHistory``.
    func mel(
        from noise: Tensor, _ conditions: FlowConditions, steps: Int, after history: inout FlowHistory?, checkpoint: () throws -> Void,
        pause: () throws -> Void
    ) throws -> Tensor
}

struct FlowNetworks<A: FrameArithmetic>: FlowNetwork {
    var encoder: TokenEncoder<A>
    var flow: FlowMatching<A>

    func mean(_ embeddings: Tensor, ahead: Int, after history: inout FlowHistory?, pause: () throws -> Void) throws -> Tensor {
        try encoder(embeddings, ahead: ahead, after: &history) { if !A.followsUpstream { try pause() } }
    }

    func mel(
        from noise: Tensor, _ conditions: FlowConditions, steps: Int, after history: inout FlowHistory?, checkpoint: () throws -> Void,
        pause: () throws -> Void
    ) throws -> Tensor {
        try flow(noise, conditions, steps: steps, after: &history, checkpoint: checkpoint) { if !A.followsUpstream { try pause() } }
    }
}

extension FlowNetworks where A == PackedArithmetic {
    init(_ exact: FlowNetworks<ExactArithmetic>, _ pack: LayerPacking) throws {
        encoder = try TokenEncoder(exact.encoder, pack)
        flow = try FlowMatching(exact.flow, pack)
    }
}
