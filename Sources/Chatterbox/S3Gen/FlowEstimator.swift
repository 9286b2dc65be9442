import Torch

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
