import Kernels
import Torch

/// ``FlowMatching`` on the CPU with packed weights, for utterances without padding.
///
/// Frames are rows throughout, convolutions are products with overlapping rows, normalisations and activations happen on
/// a product's way in or out, and what the estimator makes of the times of all steps is computed once.
struct PackedFlow: Sendable {
    private let exact: FlowMatching
    private let first, last: PackedEstimatorStage
    private let middle: [PackedEstimatorStage]
    private let afterFirst, afterLast, finalBlock, projection: PackedLayer
    private let configuration: FlowConfiguration

    /// - Parameter format: int8 rounds attention as well as weights. What sees the noisy mel and what makes the velocity stays
    ///   in float32: a fiftieth of the work, whose rounding would be a fourth of the error.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ flow: FlowMatching, format: WeightFormat, team: ThreadTeam) throws {
        let estimator = flow.estimator, pack = LayerPacking(format: format, team: team)
        let ends = LayerPacking(format: .float32, team: team)
        exact = flow
        configuration = flow.configuration
        first = try PackedEstimatorStage(estimator.first, pack, entrance: ends)
        middle = try estimator.middle.map { try PackedEstimatorStage($0, pack, entrance: pack) }
        last = try PackedEstimatorStage(estimator.last, pack, entrance: pack)
        afterFirst = try pack(estimator.afterFirst.convolution)
        afterLast = try ends(estimator.afterLast.convolution)
        finalBlock = try ends(estimator.finalBlock.convolution.convolution)
        projection = try ends(
            estimator.projection, in: WayIn(norm: Norm(estimator.finalBlock.norm), activation: .mish))
    }

    /// Noise `[1, mel, frames]` → mel of that shape, in `steps` Euler steps.
    ///
    /// - Parameters:
    ///   - history: where these frames follow others; they are added to it.
    ///   - checkpoint: called before each step; what it throws ends the flow.
    ///   - pause: called after each block of the estimator; what it throws ends the flow.
    func callAsFunction(
        _ noise: Tensor, _ conditions: FlowMatching.Conditions, steps: Int, after history: inout FlowHistory?,
        checkpoint: () throws -> Void, pause: () throws -> Void = {}
    ) throws -> Tensor {
        let estimator = configuration.estimator, mel = configuration.melChannels, frames = noise.size(2)
        let sequences = configuration.guidance != 0 ? 2 : 1
        let times = try exact.schedule(steps)
        let embeddings = try embeddings(of: times, sequences: sequences)
        let room = try EstimatorRoom(estimator, sequences: sequences, frames: frames)

        // The noisy mel in the first columns, then what the estimator is told; nothing, in the second sequence.
        let input = try Tensor.zeros([sequences, frames, 4 * mel])
        let told = try exact.estimator.conditions(
            mean: conditions.mean, speaker: conditions.speaker, prompt: conditions.prompt)
        try input[0].narrow(axis: 1, from: mel, count: 3 * mel).assign(told[0].transposed(0, 1))
        try input.narrow(axis: 2, from: 0, count: mel).assign(noise.transposed(1, 2))
        let velocity = try Tensor.empty([sequences, frames, mel])
        // What the last stage sees: the way through the middle, and the first stage's result, which skips it.
        let joined = try Tensor.empty([sequences, frames, 2 * estimator.channels])
        let hidden = try joined.narrow(axis: 2, from: 0, count: estimator.channels)
        let skip = try joined.narrow(axis: 2, from: estimator.channels, count: estimator.channels)
        func rows() throws -> Tensor { try .empty([sequences, frames, estimator.channels]) }
        var (current, next) = (try rows(), try rows())

        for (step, (start, end)) in zip(times, times.dropFirst()).enumerated() {
            try checkpoint()
            let time = try embeddings[step]
            func estimate(_ recorder: FlowRecorder?) throws {
                try first(input, time: time[0], into: skip, room, recorder, pause)
                try afterFirst.causal(skip, into: middle.isEmpty ? hidden : current, recorder)
                for (number, stage) in middle.enumerated() {
                    try stage(current, time: time[number + 1], into: number == middle.count - 1 ? hidden : next, room, recorder, pause)
                    swap(&current, &next)
                }
                try last(joined, time: time[middle.count + 1], into: current, room, recorder, pause)
                try afterLast.causal(current, into: next, recorder)
                try finalBlock.causal(next, into: current, recorder)
                try projection(current, into: velocity)
            }
            if history == nil { try estimate(nil) } else { try history!.step(step, estimate) }
            try advance(input, by: velocity, Float(end - start))
        }
        return try input[0].narrow(axis: 1, from: 0, count: mel).transposed(0, 1).contiguous().unsqueezed(0)
    }

    /// What each stage's time layer makes of each step's time, `[steps, stages, sequences, channels]`.
    private func embeddings(of times: [Float], sequences: Int) throws -> Tensor {
        let starts = try Tensor(Array(times.dropLast()))
        let ends = configuration.meanFlow ? try Tensor(Array(times.dropFirst())) : nil
        let activated = try exact.estimator.times(starts, end: ends)
        let stages = try ([first] + middle + [last]).map { try $0.time(activated) }
        let all = try Tensor.stack(stages, axis: 1).unsqueezed(2)
        return try all.expanded([all.size(0), all.size(1), sequences, all.size(3)]).contiguous()
    }

    /// Moves the noisy mel of every sequence along the velocity, or beyond it, away from the one without conditions.
    private func advance(_ input: Tensor, by velocity: Tensor, _ time: Float) throws {
        let (sequences, frames, mel) = (velocity.size(0), velocity.size(1), velocity.size(2))
        let width = 4 * mel, guidance = Float(configuration.guidance)
        try velocity.withElements(of: Float.self) { velocity in
            try input.withElements(of: Float.self) { input in
                for frame in 0..<frames {
                    for bin in 0..<mel {
                        var direction = velocity[frame * mel + bin]
                        if sequences == 2 {
                            direction = direction * (1 + guidance) - velocity[(frames + frame) * mel + bin] * guidance
                        }
                        let moved = input[frame * width + bin] + direction * time
                        for sequence in 0..<sequences { input[(sequence * frames + frame) * width + bin] = moved }
                    }
                }
            }
        }
    }
}
