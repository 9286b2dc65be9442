import Foundation
import Torch

/// The inputs of the estimator that are the same in all steps of a flow.
struct FlowConditions {
    /// The encoder's first guess of the mel, `[sequences, frames, mel]`.
    var mean: Tensor
    /// The projected speaker vector, `[sequences, mel]`.
    var speaker: Tensor
    /// The prompt's mel, then zeros, `[sequences, frames, mel]`.
    var prompt: Tensor
}

/// Turns noise into a mel spectrogram by following a learned flow.
///
/// Conditional flow matching (Lipman et al. 2023) with classifier-free guidance, or mean flow (Geng et al. 2025) where
/// the estimator gets a step's end. Source: `models/s3gen/flow_matching.py`.
struct FlowMatching<A: FrameArithmetic>: Sendable {
    var estimator: FlowEstimator<A>
    let configuration: FlowConfiguration

    /// Noise `[sequences, frames, mel]` → mel of that shape, in `steps` Euler steps.
    ///
    /// - Parameters:
    ///   - history: the preceding frames, if there are any; these frames are added to it.
    ///   - checkpoint: called before each step; what it throws ends the flow.
    ///   - pause: called after each part of a step; what it throws ends the flow.
    func callAsFunction(
        _ noise: Tensor, _ conditions: FlowConditions, steps: Int, after history: inout FlowHistory?, checkpoint: () throws -> Void,
        pause: () throws -> Void = {}
    ) throws -> Tensor {
        let schedule = try schedule(steps), inputs = try allRows(of: conditions)
        let times = try stageTimes(schedule, rows: inputs.size(0), device: noise.device)
        let workspace = FrameWorkspace()
        var x = noise
        for step in 0..<steps {
            try checkpoint()
            let velocity = try FlowHistory.step(step, of: &history) { recorder in
                try self.velocity(at: x, conditions: inputs, times: times[step], recorder, workspace, pause)
            }
            x = try x + velocity * Double(schedule[step + 1] - schedule[step])
        }
        return x
    }

    /// Each step's ``FlowEstimator/StageTimes``.
    private func stageTimes(_ schedule: [Float], rows: Int, device: Device) throws -> [FlowEstimator<A>.StageTimes] {
        let (starts, ends) = (Array(schedule.dropLast()), Array(schedule.dropFirst()))
        guard A.followsUpstream else {
            // Computed for all steps at once, so that the weights are read once.
            let all = try estimator.stageTimes(Tensor(starts, device: device), end: configuration.meanFlow ? Tensor(ends, device: device) : nil)
            return try starts.indices.map { step in
                try all.map { try $0.narrow(axis: 0, from: step, count: 1).expanded([rows, $0.size(1)]).contiguous() }
            }
        }
        return try zip(starts, ends).map { start, end in
            try estimator.stageTimes(
                .full([rows], Double(start), device: device), end: configuration.meanFlow ? .full([rows], Double(end), device: device) : nil)
        }
    }

    /// Whether the estimator also computes each sequence without conditions (classifier-free guidance).
    private var isGuided: Bool { configuration.guidance != 0 }

    /// The estimator's conditions, `[rows, frames, 3 · mel]`; with guidance the second half of the rows has none.
    private func allRows(of conditions: FlowConditions) throws -> Tensor {
        let all = try estimator.joined(conditions)
        return isGuided ? try Tensor.cat([all, .zeros(all.shape, dtype: all.dtype, device: all.device)]) : all
    }

    /// The velocity of noisy mels, `[sequences, frames, mel]`, with guidance if the flow has it.
    ///
    /// - Parameters:
    ///   - conditions: `[rows, frames, 3 · mel]`: those of the sequences, with guidance followed by zeros of the same shape.
    ///   - times: the time of each row.
    ///   - mask: of each row, see ``FrameBatch/mask``.
    func velocity(
        at x: Tensor, conditions: Tensor, times: FlowEstimator<A>.StageTimes, mask: Tensor? = nil, _ recorder: FlowRecorder? = nil,
        _ workspace: FrameWorkspace = FrameWorkspace(), _ pause: () throws -> Void = {}
    ) throws -> Tensor {
        let noisy = FrameBatch(isGuided ? try Tensor.cat([x, x]) : x, mask: mask, recorder, workspace: workspace)
        let found = try estimator(noisy, conditions: conditions, times: times, pause).to(x.dtype)
        guard isGuided else { return found }
        let conditioned = try found.narrow(axis: 0, from: 0, count: x.size(0))
        let unconditioned = try found.narrow(axis: 0, from: x.size(0), count: x.size(0))
        return try conditioned * (1 + configuration.guidance) - unconditioned * configuration.guidance
    }

    /// Times of the steps' ends, from 0 to 1: evenly spaced for mean flow, otherwise with small steps first.
    func schedule(_ steps: Int) throws -> [Float] {
        let even = try Tensor.linspace(from: 0, to: 1, count: steps + 1)
        return try configuration.meanFlow ? even.array() : warped(even).array()
    }

    func warped(_ time: Tensor) throws -> Tensor {
        try 1 - (time * 0.5 * Double.pi).cos()
    }
}

extension FlowMatching where A == ExactArithmetic {
    init(_ weights: Weights, _ configuration: FlowConfiguration) throws {
        estimator = try FlowEstimator(weights["estimator"], configuration)
        self.configuration = configuration
    }
}

extension FlowMatching where A == PackedArithmetic {
    init(_ exact: FlowMatching<ExactArithmetic>, _ pack: LayerPacking) throws {
        estimator = try FlowEstimator(exact.estimator, pack)
        configuration = exact.configuration
    }
}

// MARK: estimator

/// Predicts the velocity of a noisy mel: stages of causal convolutions with the time as input, each followed by transformer
/// blocks, with one skip from the first stage to the last.
///
/// Source: `ConditionalDecoder` in `models/s3gen/decoder.py`, Matcha-TTS's U-Net (Mehta et al. 2023) with one level.
struct FlowEstimator<A: FrameArithmetic>: Sendable {
    let times: EstimatorTimes
    var first, last: EstimatorStage<A>
    var middle: [EstimatorStage<A>]
    let afterFirst, afterLast, final: A.Layer
    /// The final convolution's normalisation and activation, and the projection to mel.
    let projection: A.Layer

    /// Precision of the weights, to which inputs are converted.
    var dtype: DType { times.dtype }

    /// The velocity, `[sequences, frames, mel]`, zero at padding.
    ///
    /// - Parameters:
    ///   - x: the noisy mel, `[sequences, frames, mel]`.
    ///   - conditions: what stays the same over a flow's steps, from ``joined(_:)``.
    ///   - times: the position of each sequence between noise and mel.
    ///   - pause: called after each stage's convolutions and after each of its transformer blocks.
    func callAsFunction(_ x: FrameBatch, conditions: Tensor, times: StageTimes, _ pause: () throws -> Void = {}) throws -> Tensor {
        let skip = try first(x.with(A.joined([x.rows.to(dtype), conditions], in: x.workspace)), time: times[0], pause)
        var hidden = try afterFirst(skip)
        for (stage, time) in zip(middle, times.dropFirst()) { hidden = try stage(hidden, time: time, pause) }
        hidden = try last(x.with(A.joined([hidden.rows, skip.rows], in: x.workspace)), time: times[middle.count + 1], pause)
        return try projection(final(afterLast(hidden))).silenced().rows
    }

    /// The time embedding that each stage, from the first to the last, adds to its frames, `[sequences, channels]` each.
    typealias StageTimes = [Tensor]

    /// - Parameters:
    ///   - time: the position of each sequence between noise (0) and mel (1), `[sequences]`.
    ///   - end: the end of its step, `[sequences]`, for mean flow; otherwise nil.
    func stageTimes(_ time: Tensor, end: Tensor?) throws -> StageTimes {
        let embedded = try times(time, end: end)
        return try ([first] + middle + [last]).map { try $0.time(embedded) }
    }

    /// Joins the encoder's mel, the speaker and the prompt's mel into `[sequences, frames, 3 · mel]`.
    func joined(_ conditions: FlowConditions) throws -> Tensor {
        let mean = conditions.mean, speaker = conditions.speaker
        let everywhere = try speaker.unsqueezed(1).expanded([speaker.size(0), mean.size(1), speaker.size(1)])
        return try Tensor.cat([mean, everywhere, conditions.prompt], axis: 2).to(dtype)
    }
}

extension FlowEstimator where A == ExactArithmetic {
    init(_ weights: Weights, _ configuration: FlowConfiguration) throws {
        let sizes = configuration.estimator, channels = sizes.channels, inputs = 4 * configuration.melChannels
        func convolution(_ weights: Weights, in before: ExactActivation = .identity) throws -> ExactLayer {
            ExactLayer(try Conv1d(weights, from: channels, to: channels, kernel: 3), in: before)
        }
        times = try EstimatorTimes(weights, inputs: inputs, size: sizes.timeSize, pairs: configuration.meanFlow)
        first = try EstimatorStage(weights["down_blocks"][0], from: inputs, sizes)
        afterFirst = try convolution(weights["down_blocks"][0][2])
        middle = try (0..<sizes.middleStageCount).map { try EstimatorStage(weights["mid_blocks"][$0], from: channels, sizes) }
        last = try EstimatorStage(weights["up_blocks"][0], from: 2 * channels, sizes)
        afterLast = try convolution(weights["up_blocks"][0][2])
        final = try convolution(weights["final_block"]["block"][0])
        let norm = try LayerNorm(weights["final_block"]["block"][2], size: channels)
        projection = ExactLayer(
            try Conv1d(weights["final_proj"], from: channels, to: configuration.melChannels, kernel: 1),
            in: ExactActivation(norm, .mish))
    }
}

extension FlowEstimator where A == PackedArithmetic {
    /// - Parameter pack: int8 rounds attention as well as weights. The layers next to the noisy mel and the velocity stay in float32: a
    ///   fiftieth of the work, whose rounding would cause a quarter of the error.
    /// - Throws: `KernelError`; `TorchError` where the weights are not float32 on the CPU.
    init(_ exact: FlowEstimator<ExactArithmetic>, _ pack: LayerPacking) throws {
        let ends = pack.float32
        times = exact.times
        first = try EstimatorStage(exact.first, pack, entrance: ends)
        middle = try exact.middle.map { try EstimatorStage($0, pack, entrance: pack) }
        last = try EstimatorStage(exact.last, pack, entrance: pack)
        afterFirst = try pack(exact.afterFirst)
        (afterLast, final, projection) = (try ends(exact.afterLast), try ends(exact.final), try ends(exact.projection))
    }
}

// MARK: stage

/// One stage of the estimator: two causal convolutions between which the time is added, each normalised over channels and activated with
/// Mish, then transformer blocks.
///
/// Source: the triples of `ConditionalDecoder` and `CausalResnetBlock1D` in `models/s3gen/decoder.py`.
struct EstimatorStage<A: FrameArithmetic>: Sendable {
    let before, after, shortcut: A.Layer
    let activation: A.Activation
    let time: Linear
    var transformers: [TransformerBlock<A>]

    /// `[sequences, frames, inputs]` and the result of ``time``, `[sequences, channels]` → `[sequences, frames, channels]`.
    func callAsFunction(_ x: FrameBatch, time: Tensor, _ pause: () throws -> Void) throws -> FrameBatch {
        var hidden = try x.checkpointed([time]) { x, times in try shortcut(x, residual: activation(after(before(x), adding: times[0]))) }
        try pause()
        for transformer in transformers {
            hidden = try transformer(hidden)
            try pause()
        }
        return hidden
    }
}

extension EstimatorStage where A == ExactArithmetic {
    init(_ weights: Weights, from inputs: Int, _ configuration: FlowEstimatorConfiguration) throws {
        let convolutions = weights[0], channels = configuration.channels
        func block(_ name: String, from inputs: Int) throws -> (convolution: Conv1d, activation: ExactActivation) {
            let scope = convolutions[name]["block"], convolution = try Conv1d(scope[0], from: inputs, to: channels, kernel: 3)
            return (convolution, ExactActivation(try LayerNorm(scope[2], size: channels), .mish))
        }
        let first = try block("block1", from: inputs)
        time = try Linear(convolutions["mlp"][1], from: configuration.timeSize, to: channels)
        let second = try block("block2", from: channels)
        before = ExactLayer(first.convolution)
        after = ExactLayer(second.convolution, in: first.activation)
        activation = second.activation
        shortcut = ExactLayer(try Conv1d(convolutions["res_conv"], from: inputs, to: channels, kernel: 1))
        transformers = try (0..<configuration.blocksPerStage).map { try TransformerBlock(weights[1][$0], configuration) }
    }
}

extension TransformerBlock where A == ExactArithmetic {
    /// Source: `BasicTransformerBlock` in `models/s3gen/matcha/transformer.py`, with diffusers' attention.
    init(_ weights: Weights, _ configuration: FlowEstimatorConfiguration) throws {
        let channels = configuration.channels, width = configuration.headCount * configuration.headSize
        let inner = channels * configuration.feedForwardFactor
        let own = weights["attn1"], feedForward = weights["ff"]["net"], norm = try LayerNorm(weights["norm1"], size: channels)
        func projection(_ name: String) throws -> Projection { try Projection(own[name], from: channels, to: width) }
        attention = ExactAttention(
            norm: norm, query: try projection("to_q"), key: try projection("to_k"), value: try projection("to_v"), distances: nil,
            headCount: configuration.headCount, headSize: configuration.headSize)
        output = ExactLayer(try Projection(own["to_out"][0], from: width, to: channels, bias: true))
        let feedForwardNorm = try LayerNorm(weights["norm3"], size: channels)
        expand = ExactLayer(
            try Projection(feedForward[0]["proj"], from: channels, to: inner, bias: true), in: ExactActivation(feedForwardNorm), then: .gelu)
        contract = ExactLayer(try Projection(feedForward[2], from: inner, to: channels, bias: true))
    }
}

extension EstimatorStage where A == PackedArithmetic {
    /// - Parameter entrance: the format of the convolutions that read the stage's input.
    init(_ exact: EstimatorStage<ExactArithmetic>, _ pack: LayerPacking, entrance: LayerPacking) throws {
        (before, after, shortcut) = (try entrance(exact.before), try pack(exact.after), try entrance(exact.shortcut))
        activation = try pack(exact.activation)
        time = exact.time
        transformers = try exact.transformers.map { try pack($0) }
    }
}

// MARK: time

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

    /// Times `[sequences]` between 0 and 1 → `[sequences, size]`, after the activation with which every block starts.
    func callAsFunction(_ time: Tensor, end: Tensor?) throws -> Tensor {
        guard let mixer else { return try embedded(time).mish() }
        return try mixer(Tensor.cat([embedded(time), embedded(end ?? time)], axis: 1)).mish()
    }

    private func embedded(_ time: Tensor) throws -> Tensor {
        let angles = try (time * 1000).unsqueezed(1) * rates
        return try refine(expand(Tensor.cat([angles.sin(), angles.cos()], axis: -1).to(dtype)).silu())
    }
}

extension FlowEstimatorConfiguration {
    /// Width of the time embedding.
    var timeSize: Int { 4 * channels }
}
