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
