import Foundation
import Torch

/// Carries noise along a learned flow to a mel spectrogram, and scores how well the flow was learned.
///
/// Conditional flow matching (Lipman et al. 2023) with classifier-free guidance, or mean flow (Geng et al. 2025) where
/// the estimator knows a step's end. Source: `models/s3gen/flow_matching.py`.
struct FlowMatching: Sendable {
    var estimator: FlowEstimator
    let configuration: FlowConfiguration

    init(_ weights: Weights, _ configuration: FlowConfiguration) throws {
        estimator = try FlowEstimator(weights["estimator"], configuration)
        self.configuration = configuration
    }

    /// What the flow is told, each as the estimator takes it.
    struct Conditions {
        /// The encoder's first guess of the mel, `[batch, mel, frames]`.
        var mean: Tensor
        /// The projected speaker vector, `[batch, mel]`.
        var speaker: Tensor
        /// The prompt's mel, then zeros, `[batch, mel, frames]`.
        var prompt: Tensor
    }

    /// Noise `[batch, mel, frames]` → mel of that shape, in `steps` Euler steps.
    ///
    /// - Parameters:
    ///   - history: where these frames follow others; they are added to it.
    ///   - checkpoint: called before each step; what it throws ends the flow.
    func callAsFunction(
        _ noise: Tensor, _ conditions: Conditions, padding: SequencePadding, steps: Int, after history: inout FlowHistory?,
        checkpoint: () throws -> Void
    ) throws -> Tensor {
        let times = try schedule(steps)
        let inputs = try allRows(of: conditions)
        let padding = isGuided ? try SequencePadding(frames: padding.frames.map { try Tensor.cat([$0, $0]) }) : padding
        let rows = inputs.shape[0]

        var x = noise
        for (step, (start, end)) in zip(times, times.dropFirst()).enumerated() {
            try checkpoint()
            func velocity(_ recorder: FlowRecorder?) throws -> Tensor {
                try self.velocity(
                    at: x, conditions: inputs, time: .full([rows], Double(start), device: x.device),
                    end: configuration.meanFlow ? .full([rows], Double(end), device: x.device) : nil, padding: padding, recorder)
            }
            x = try x + (history?.step(step, velocity) ?? velocity(nil)) * Double(end - start)
        }
        return x
    }

    /// Whether the estimator also computes each sequence without conditions (classifier-free guidance).
    private var isGuided: Bool { configuration.guidance != 0 }

    /// The estimator's conditions, `[rows, 3 · mel, frames]`; with guidance the second half of the rows has none.
    private func allRows(of conditions: Conditions) throws -> Tensor {
        let all = try estimator.conditions(mean: conditions.mean, speaker: conditions.speaker, prompt: conditions.prompt)
        return isGuided ? try Tensor.cat([all, .zeros(all.shape, dtype: all.dtype, device: all.device)]) : all
    }

    /// The velocity of noisy mels, `[batch, mel, frames]`, with guidance where the flow has it.
    ///
    /// - Parameters:
    ///   - conditions: `[rows, 3 · mel, frames]`: of the batch, and with guidance zeros of the same shape behind it.
    ///   - time: where the step starts, `[rows]`; `end` is where it ends, for mean flow only.
    ///   - padding: of each row.
    func velocity(
        at x: Tensor, conditions: Tensor, time: Tensor, end: Tensor?, padding: SequencePadding, _ recorder: FlowRecorder?
    ) throws -> Tensor {
        let found = try estimator(
            isGuided ? Tensor.cat([x, x]) : x, conditions: conditions, time: time, end: end, padding: padding, recorder
        ).to(x.dtype)
        guard isGuided else { return found }
        let conditioned = try found.narrow(axis: 0, from: 0, count: x.shape[0])
        let unconditioned = try found.narrow(axis: 0, from: x.shape[0], count: x.shape[0])
        return try conditioned * (1 + configuration.guidance) - unconditioned * configuration.guidance
    }

    /// Times of the steps' ends, from 0 to 1: evenly for mean flow, else small steps first.
    func schedule(_ steps: Int) throws -> [Float] {
        let even = try Tensor.linspace(from: 0, to: 1, count: steps + 1)
        return try configuration.meanFlow ? even.array() : warped(even).array()
    }

    private func warped(_ time: Tensor) throws -> Tensor {
        try 1 - (time * 0.5 * Double.pi).cos()
    }

    /// Mean squared error of the velocity at a random time of each utterance, over frames that count.
    ///
    /// Draws: times, noise, then which utterances lose their conditions.
    /// With a mean-flow estimator a step's end is its start, the velocity of that very moment, but for `intervals`.
    ///
    /// - Parameter intervals: the share of utterances, with a mean-flow estimator, that learn the mean velocity from a time within a step
    ///   of the solver to the step's end: u = v + (end − time) · du/dt, of which the right side is given (Geng et al. 2025, equation 6,
    ///   where time runs the other way). The derivative along the way is a difference over a hundredth.
    func loss(
        mel: Tensor, _ conditions: Conditions, padding: SequencePadding, intervals: Double = 0, draws: FlowDraws
    ) throws -> Tensor {
        let (batch, device) = (mel.shape[0], mel.device)
        var time = try warped(draws.uniform(1, batch).reshaped([batch, 1, 1]).to(device))
        let noise = try draws.normal(mel.shape).to(device)
        var end: Tensor?
        if configuration.meanFlow, intervals > 0 {
            let drawn = try draws.uniform(3, batch).reshaped([3, batch, 1, 1]).to(device)
            let steps = Double(configuration.steps), step = try (drawn[1] * steps).floor()
            let chosen = try drawn[0].less(than: intervals).to(time.dtype)
            let within = try (step + drawn[2]) / steps, stepEnd = try (step + 1) / steps
            time = try time + chosen * (within - time)
            end = try time + chosen * (stepEnd - time)
        }
        let kept = 1 - configuration.noiseFloor
        let noisy = try (1 - time * kept) * noise + time * mel
        let velocity = try mel - noise * kept

        var told = try estimator.conditions(
            mean: conditions.mean, speaker: conditions.speaker, prompt: conditions.prompt)
        if configuration.unconditionalRate > 0 {
            let drawn = try draws.uniform(1, batch).reshaped([batch, 1, 1]).to(device)
            told = try told * drawn.greater(than: configuration.unconditionalRate).to(told.dtype)
        }
        let predicted = try estimator(
            noisy, conditions: told, time: time.reshaped([batch]), end: end?.reshaped([batch]), padding: padding
        ).to(mel.dtype)
        var target = velocity
        if let end {
            let little = 0.01
            let moved = try withoutGradients {
                try estimator(
                    noisy + velocity * little, conditions: told, time: (time + little).reshaped([batch]), end: end.reshaped([batch]), padding: padding
                )
            }
            target = try (velocity + (end - time) * (moved.to(mel.dtype) - predicted) / little).detached()
        }
        let error = try padding.silenced(predicted - target).square().sum()
        let frames =
            try padding.frames.map { try $0.to(mel.dtype).sum() }
            ?? Tensor(Double(batch * mel.shape[2]), device: device)
        return try error / (frames * Double(mel.shape[1]))
    }
}

/// What the utterances of a batch draw their times and noise from in training.
package enum FlowDraws {
    /// One generator for all of them, as upstream draws.
    case shared(Generator)
    /// Generators of each utterance's own, so that what one draws does not depend on the others: one of its noise, of which a longer batch
    /// takes more, and one of all else.
    case own([(numbers: Generator, noise: Generator)])

    /// Numbers from 0 to 1, `[count, batch]`.
    func uniform(_ count: Int, _ batch: Int) throws -> Tensor {
        switch self {
        case .shared(let generator): try .rand([count, batch], generator: generator, device: generator.device)
        case .own(let generators): try .cat(generators.map { try .rand([count, 1], generator: $0.numbers, device: $0.numbers.device) }, axis: 1)
        }
    }

    /// Normally distributed numbers of a shape `[batch, channels, frames]`.
    func normal(_ shape: [Int]) throws -> Tensor {
        switch self {
        case .shared(let generator): return try .randn(shape, generator: generator, device: generator.device)
        case .own(let generators):
            // Frame by frame, so that a longer batch gives an utterance the same noise.
            let rows = try generators.map { (_, generator) in
                try Tensor.cat((0..<shape[2]).map { _ in try .randn([1, shape[1], 1], generator: generator, device: generator.device) }, axis: 2)
            }
            return try .cat(rows)
        }
    }
}

/// Predicts where a noisy mel should move: stages of causal convolutions told the time, each followed by transformer
/// blocks, with one skip from the first stage to the last.
///
/// Source: `ConditionalDecoder` in `models/s3gen/decoder.py`, Matcha-TTS's U-Net (Mehta et al. 2023) with one level.
struct FlowEstimator: Sendable {
    let times: EstimatorTimes
    var first, last: EstimatorStage
    var middle: [EstimatorStage]
    let afterFirst, afterLast: EstimatorConvolution
    let finalBlock: EstimatorConvolutionBlock
    let projection: Conv1d
    /// Precision of the weights, which inputs take.
    let dtype: DType

    init(_ weights: Weights, _ configuration: FlowConfiguration) throws {
        let estimator = configuration.estimator
        let channels = estimator.channels
        let inputs = 4 * configuration.melChannels
        let stage = { try EstimatorStage($0, from: $1, estimator) } as (Weights, Int) throws -> EstimatorStage
        times = try EstimatorTimes(
            weights, inputs: inputs, size: estimator.timeSize, pairs: configuration.meanFlow)
        first = try stage(weights["down_blocks"][0], inputs)
        afterFirst = try EstimatorConvolution(weights["down_blocks"][0][2], from: channels, to: channels)
        middle = try (0..<estimator.middleStageCount).map { try stage(weights["mid_blocks"][$0], channels) }
        last = try stage(weights["up_blocks"][0], 2 * channels)
        afterLast = try EstimatorConvolution(weights["up_blocks"][0][2], from: channels, to: channels)
        finalBlock = try EstimatorConvolutionBlock(weights["final_block"]["block"], from: channels, to: channels)
        projection = try Conv1d(weights["final_proj"], from: channels, to: configuration.melChannels, kernel: 1)
        dtype = times.dtype
    }

    /// The velocity, `[batch, mel, frames]`.
    ///
    /// - Parameters:
    ///   - x: the noisy mel, `[batch, mel, frames]`.
    ///   - conditions: what stays the same over a flow's steps, from ``conditions(mean:speaker:prompt:)``.
    ///   - time: where on the way from noise (0) to mel (1) each of the batch is, `[batch]`.
    ///   - end: where its step ends, `[batch]`; for mean flow, nil otherwise.
    ///   - recorder: where the frames follow others.
    func callAsFunction(
        _ x: Tensor, conditions: Tensor, time: Tensor, end: Tensor? = nil, padding: SequencePadding, _ recorder: FlowRecorder? = nil
    ) throws -> Tensor {
        let time = try times(time, end: end)
        let noisy = try x.to(dtype)
        let skip = try first(Tensor.cat([noisy, conditions], axis: 1), time: time, padding: padding, recorder)
        var hidden = try afterFirst(padding.silenced(skip), recorder)
        for stage in middle { hidden = try stage(hidden, time: time, padding: padding, recorder) }
        hidden = try last(Tensor.cat([hidden, skip], axis: 1), time: time, padding: padding, recorder)
        hidden = try finalBlock(afterLast(padding.silenced(hidden), recorder), padding: padding, recorder)
        return try padding.silenced(projection(hidden))
    }

    /// Joins the encoder's mel `[batch, mel, frames]`, the speaker `[batch, mel]` and the prompt's mel
    /// `[batch, mel, frames]` into `[batch, 3 · mel, frames]`.
    func conditions(mean: Tensor, speaker: Tensor, prompt: Tensor) throws -> Tensor {
        let everywhere = try speaker.unsqueezed(2).expanded([speaker.shape[0], speaker.shape[1], mean.shape[2]])
        return try Tensor.cat([mean, everywhere, prompt], axis: 1).to(dtype)
    }
}

extension FlowEstimatorConfiguration {
    /// Width of the time embedding.
    var timeSize: Int { 4 * channels }
}

/// One stage of the estimator: two causal convolutions with the time between them, then transformer blocks.
///
/// Source: the triples of `ConditionalDecoder` and `CausalResnetBlock1D` in `models/s3gen/decoder.py`.
struct EstimatorStage: Sendable {
    let before, after: EstimatorConvolutionBlock
    let time: Linear
    let shortcut: Conv1d
    var transformers: [EstimatorTransformer]

    init(_ weights: Weights, from inputs: Int, _ configuration: FlowEstimatorConfiguration) throws {
        let convolutions = weights[0]
        let channels = configuration.channels
        before = try EstimatorConvolutionBlock(convolutions["block1"]["block"], from: inputs, to: channels)
        time = try Linear(convolutions["mlp"][1], from: configuration.timeSize, to: channels)
        after = try EstimatorConvolutionBlock(convolutions["block2"]["block"], from: channels, to: channels)
        shortcut = try Conv1d(convolutions["res_conv"], from: inputs, to: channels, kernel: 1)
        transformers = try (0..<configuration.blocksPerStage).map {
            try EstimatorTransformer(weights[1][$0], configuration)
        }
    }

    /// `[batch, inputs, frames]` and an activated time `[batch, timeSize]` → `[batch, channels, frames]`.
    func callAsFunction(
        _ x: Tensor, time embedding: Tensor, padding: SequencePadding, _ recorder: FlowRecorder? = nil
    ) throws -> Tensor {
        let timed = try before(x, padding: padding, recorder) + time(embedding).unsqueezed(2)
        let convolved = try after(timed, padding: padding, recorder) + shortcut(padding.silenced(x))
        let visible = try padding.frames?.unsqueezed(1)
        let attended = try transformers.reduce(convolved.transposed(1, 2).contiguous()) {
            try $1($0, visible: visible, recorder)
        }
        return try attended.transposed(1, 2).contiguous()
    }
}

/// Convolution over a frame and the two before it. `[batch, from, frames]` → `[batch, to, frames]`. With a recorder the frames
/// follow others.
struct EstimatorConvolution: Sendable {
    let convolution: Conv1d

    init(_ weights: Weights, from inputs: Int, to outputs: Int) throws {
        convolution = try Conv1d(weights, from: inputs, to: outputs, kernel: 3)
    }

    func callAsFunction(_ x: Tensor, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        try convolution(recorder?.led(x, taps: 3, axis: 2) ?? x.padded([2, 0]))
    }
}

/// Causal convolution, normalisation over channels, Mish. `[batch, from, frames]` → `[batch, to, frames]`.
struct EstimatorConvolutionBlock: Sendable {
    let convolution: EstimatorConvolution
    let norm: LayerNorm

    init(_ weights: Weights, from inputs: Int, to outputs: Int) throws {
        convolution = try EstimatorConvolution(weights[0], from: inputs, to: outputs)
        norm = try LayerNorm(weights[2], size: outputs)
    }

    func callAsFunction(_ x: Tensor, padding: SequencePadding, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        let normalised = try norm(convolution(padding.silenced(x), recorder).transposed(1, 2))
        return try padding.silenced(normalised.transposed(1, 2).contiguous().mish())
    }
}

/// Attention over all frames, then a feed-forward layer with GELU, each on normalised input beside a residual.
///
/// Source: `BasicTransformerBlock` in `models/s3gen/matcha/transformer.py`, with diffusers' attention.
struct EstimatorTransformer: Sendable {
    let attentionNorm, feedForwardNorm: LayerNorm
    var query, key, value, output: Projection
    var expand, contract: Projection
    let headCount, headSize: Int

    init(_ weights: Weights, _ configuration: FlowEstimatorConfiguration) throws {
        let channels = configuration.channels
        let attention = weights["attn1"]
        let feedForward = weights["ff"]["net"]
        headCount = configuration.headCount
        headSize = configuration.headSize
        let heads = headCount * headSize
        attentionNorm = try LayerNorm(weights["norm1"], size: channels)
        query = try Projection(attention["to_q"], from: channels, to: heads)
        key = try Projection(attention["to_k"], from: channels, to: heads)
        value = try Projection(attention["to_v"], from: channels, to: heads)
        output = try Projection(attention["to_out"][0], from: heads, to: channels, bias: true)
        feedForwardNorm = try LayerNorm(weights["norm3"], size: channels)
        let inner = channels * configuration.feedForwardFactor
        expand = try Projection(feedForward[0]["proj"], from: channels, to: inner, bias: true)
        contract = try Projection(feedForward[2], from: inner, to: channels, bias: true)
    }

    /// `[batch, frames, channels]` → the same.
    ///
    /// - Parameters:
    ///   - visible: `[batch, 1, 1, frames]`, true at keys to attend to; nil for all.
    ///   - recorder: where these frames follow others.
    func callAsFunction(_ x: Tensor, visible: Tensor?, _ recorder: FlowRecorder? = nil) throws -> Tensor {
        let attended = try self.attended(attentionNorm(x), visible: visible, recorder) + x
        return try contract(expand(feedForwardNorm(attended)).gelu()) + attended
    }

    private func attended(_ x: Tensor, visible: Tensor?, _ recorder: FlowRecorder?) throws -> Tensor {
        let (batch, frames) = (x.shape[0], x.shape[1])
        let heads =
            { try ($0 as Tensor).reshaped([batch, frames, headCount, headSize]).transposed(1, 2) }
            as (Tensor) throws -> Tensor
        var (keys, values) = (try heads(key(x)), try heads(value(x)))
        try recorder?.attend { before in
            let own = FlowTape.Keys.tensors(key: keys, value: values)
            (keys, values) = try FlowTape.Keys.joined(before + [own])
            return own
        }
        let seen = try heads(query(x)).attention(key: keys, value: values, mask: visible)
        return try output(seen.transposed(1, 2).reshaped([batch, frames, headCount * headSize]))
    }
}

/// Embeds the time of a flow step, or for mean flow its start and end, for the convolution blocks.
///
/// Source: `SinusoidalPosEmb` and `TimestepEmbedding` in `models/s3gen/matcha/decoder.py`; the mixer of start and end
/// is that of IntMeanFlow (arXiv 2510.07979, 3.3).
struct EstimatorTimes: Sendable {
    private let rates: Tensor
    private let expand, refine: Linear
    private let mixer: Linear?
    let dtype: DType

    init(_ weights: Weights, inputs: Int, size: Int, pairs: Bool) throws {
        let perceptron = weights["time_mlp"]
        expand = try Linear(perceptron["linear_1"], from: inputs, to: size)
        refine = try Linear(perceptron["linear_2"], from: size, to: size)
        mixer = pairs ? try Linear(weights["time_embed_mixer"], from: 2 * size, to: size, bias: false) : nil
        let half = inputs / 2
        dtype = expand.weight.dtype
        rates = try (Tensor.arange(from: 0, to: Double(half)) * -(log(10000) / Double(half - 1))).exp()
            .to(expand.weight.device)
    }

    /// Times `[batch]` between 0 and 1 → `[batch, size]`, through the activation that every block starts with.
    func callAsFunction(_ time: Tensor, end: Tensor?) throws -> Tensor {
        guard let mixer else { return try embedded(time).mish() }
        return try mixer(Tensor.cat([embedded(time), embedded(end ?? time)], axis: 1)).mish()
    }

    private func embedded(_ time: Tensor) throws -> Tensor {
        let angles = try (time * 1000).unsqueezed(1) * rates
        return try refine(expand(Tensor.cat([angles.sin(), angles.cos()], axis: -1).to(dtype)).silu())
    }
}

/// Which frames of a batch are filling, in the forms that convolution and attention want. Empty for equal lengths,
/// so that nothing is computed where there is nothing to hide.
struct SequencePadding: Sendable {
    /// `[batch, 1, frames]`, true at frames that count; nil where all do.
    let frames: Tensor?

    init(frames: Tensor?) { self.frames = frames }

    init(lengths: [Int]?, count: Int, device: Device) throws {
        guard let lengths, lengths.contains(where: { $0 != count }) else {
            frames = nil
            return
        }
        let ends = try Tensor(lengths, shape: [lengths.count, 1, 1], device: device)
        frames = try Tensor.arange(count, device: device).less(than: ends)
    }

    /// `[batch, 1, 1, frames]`, true at keys that attention must not see.
    var hiddenKeys: Tensor? {
        get throws { try frames?.logicalNot().unsqueezed(1) }
    }

    /// Sets the filling of `[batch, channels, frames]` to zero.
    func silenced(_ x: Tensor) throws -> Tensor {
        guard let frames else { return x }
        return try x * frames.to(x.dtype)
    }
}
