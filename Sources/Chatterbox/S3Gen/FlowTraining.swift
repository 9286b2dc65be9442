import Torch

extension TokenToMel {
    /// The error of the flow's velocity against the one that leads to `mel`, differentiable in every weight.
    ///
    /// Each utterance gets one random time. Half of them get up to 30 % of their own beginning as prompt.
    /// Upstream draws those lengths from Python's generator; here they are the first numbers from `generator`. Then follow, as
    /// in upstream, times, noise, and which utterances lose their conditions. There is no dropout.
    ///
    /// - Parameters:
    ///   - tokens: `[batch, tokens]`; entries past an utterance's length may be any token.
    ///   - lengths: tokens of each utterance; all when nil.
    ///   - mel: log-mel at 50 Hz, `[batch, 80, 2 · tokens]`.
    ///   - speaker: CAMPPlus vectors, `[batch, 192]`.
    ///   - prompts: frames of each utterance that are its prompt; nil draws them at random.
    ///   - generator: source of all random numbers.
    ///
    /// Returns a scalar. Throws ``FlowError`` for tokens out of range and for shapes that do not fit.
    /// Source: `compute_loss` in `models/s3gen/{flow,flow_matching}.py`.
    package func loss(
        tokens: Tensor, lengths: [Int]? = nil, mel: Tensor, speaker: Tensor, prompts: [Int]? = nil,
        generator: Generator
    ) throws -> Tensor {
        try losses(tokens: tokens, lengths: lengths, mel: mel, speaker: speaker, prompts: prompts, generator: generator).flow
    }

    /// Like ``loss(tokens:lengths:mel:speaker:prompts:generator:)``, with the error of the encoder's own guess of the mel as well: a
    /// mean absolute error, which helps training from random weights (Grad-TTS's prior loss, Popov et al. 2021).
    ///
    /// - Parameters:
    ///   - tokens: `[batch, tokens]`; entries past an utterance's length may be any token.
    ///   - lengths: tokens of each utterance; all when nil.
    ///   - mel: log-mel at 50 Hz, `[batch, 80, 2 · tokens]`.
    ///   - speaker: CAMPPlus vectors, `[batch, 192]`.
    ///   - prompts: frames of each utterance that are its prompt; nil draws them at random.
    ///   - intervals: with a mean flow the share of utterances that learn the mean velocity over a part of a step; the others learn the velocity at
    ///     one time. 0 is upstream's loss.
    ///   - generator: source of all random numbers.
    package func losses(
        tokens: Tensor, lengths: [Int]? = nil, mel: Tensor, speaker: Tensor, prompts: [Int]? = nil, intervals: Double = 0,
        generator: Generator
    ) throws -> (flow: Tensor, mean: Tensor) {
        let drawn = try prompts ?? drawnPrompts(checked(tokens, lengths, mel, speaker), generator: generator)
        return try losses(
            tokens: tokens, lengths: lengths, mel: mel, speaker: speaker, prompts: drawn, intervals: intervals, draws: .shared(generator))
    }

    /// Like ``losses(tokens:lengths:mel:speaker:prompts:intervals:generator:)``, with given prompts, and optionally with separate generators
    /// for each utterance.
    ///
    /// - Parameter checkpoints: differentiate the losses, once; nil if all activations are stored. With them each block of encoder and
    ///   estimator is computed again in the backward pass.
    package func losses(
        tokens: Tensor, lengths: [Int]?, mel: Tensor, speaker: Tensor, prompts: [Int], intervals: Double, draws: FlowDraws,
        checkpoints: ActivationCheckpoints? = nil
    ) throws -> (flow: Tensor, mean: Tensor) {
        let lengths = try checked(tokens, lengths, mel, speaker), count = mel.size(2), bins = mel.size(1)
        let mel = try mel.to(device).transposed(1, 2).contiguous()
        let mask = try FrameBatch.mask(lengths: lengths.map { $0 * configuration.framesPerToken }, count: count, device: device)

        let mean = try exact.encoder(embedding(tokens.to(.int64).to(device)), lengths: lengths, checkpoints: checkpoints)
        let frames = try Tensor.arange(count, device: device).unsqueezed(1)
        let shown = try frames.less(than: Tensor(prompts, shape: [prompts.count, 1, 1], device: device))
        let conditions = FlowConditions(mean: mean, speaker: try self.speaker(speaker), prompt: try mel * shown.to(mel.dtype))
        let values = Double(lengths.reduce(0, +) * configuration.framesPerToken * bins)
        return (
            try exact.flow.loss(mel: mel, conditions, mask: mask, intervals: intervals, draws: draws, checkpoints: checkpoints),
            try FrameBatch(conditions.mean.to(mel.dtype) - mel, mask: mask).silenced().rows.abs().sum() / values
        )
    }

    private func drawnPrompts(_ lengths: [Int], generator: Generator) throws -> [Int] {
        let draws = try Tensor.rand([2, lengths.count], generator: generator, device: generator.device)
            .array(of: Double.self)
        return lengths.enumerated().map { index, length in
            let longest = Int(0.3 * Double(length * configuration.framesPerToken))
            return draws[index] < 0.5 ? 0 : Int(draws[lengths.count + index] * Double(longest + 1))
        }
    }

    private func checked(_ tokens: Tensor, _ lengths: [Int]?, _ mel: Tensor, _ speaker: Tensor) throws -> [Int] {
        guard tokens.rank == 2, tokens.count > 0 else {
            throw FlowError.shape("tokens", expected: "[batch, tokens]", found: tokens.shape)
        }
        let (batch, count) = (tokens.shape[0], tokens.shape[1])
        let expectedMel = [batch, configuration.melChannels, count * configuration.framesPerToken]
        guard mel.shape == expectedMel else {
            throw FlowError.shape("mel", expected: "\(expectedMel)", found: mel.shape)
        }
        guard speaker.shape == [batch, configuration.speakerSize] else {
            throw FlowError.shape("speaker", expected: "\([batch, configuration.speakerSize])", found: speaker.shape)
        }
        let lengths = lengths ?? Array(repeating: count, count: batch)
        guard lengths.count == batch, lengths.allSatisfy({ (1...count).contains($0) }) else {
            throw FlowError.shape("lengths", expected: "\(batch) numbers in 1...\(count)", found: lengths)
        }
        try checkRange(tokens)
        return lengths
    }
}

extension FlowMatching where A == ExactArithmetic {
    /// Mean squared error of the velocity at a random time of each utterance, over frames that count.
    ///
    /// Draws: times, noise, then which utterances lose their conditions.
    /// With a mean-flow estimator a step's end equals its start, except for `intervals`: the velocity is that at one time.
    ///
    /// - Parameters:
    ///   - mel: `[batch, frames, mel]`.
    ///   - mask: of the utterances' frames, see ``FrameBatch/mask``.
    ///   - intervals: the share of utterances, with a mean-flow estimator, that learn the mean velocity from a time within a step
    ///     of the solver to the step's end: u = v + (end − time) · du/dt, of which the right side is given (Geng et al. 2025, equation 6,
    ///     where time runs the other way). The derivative along the way is a difference over a hundredth.
    ///   - checkpoints: what each block is computed again by in the backward pass; nil keeps all activations.
    func loss(
        mel: Tensor, _ conditions: FlowConditions, mask: Tensor?, intervals: Double = 0, draws: FlowDraws,
        checkpoints: ActivationCheckpoints? = nil
    ) throws -> Tensor {
        let (batch, device) = (mel.size(0), mel.device)
        var time = try warped(draws.uniform(1, batch).reshaped([batch, 1, 1]).to(device))
        let noise = try draws.normal([batch, mel.size(2), mel.size(1)]).transposed(1, 2).contiguous().to(device)
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

        var known = try estimator.joined(conditions)
        if configuration.unconditionalRate > 0 {
            let drawn = try draws.uniform(1, batch).reshaped([batch, 1, 1]).to(device)
            known = try known * drawn.greater(than: configuration.unconditionalRate).to(known.dtype)
        }
        let starts = try time.reshaped([batch]), ends = try end?.reshaped([batch]), estimator = estimator
        // One segment: all stages share the embedding of the time.
        let times =
            try checkpoints?.segment([]) { _ in try estimator.stageTimes(starts, end: ends) } ?? estimator.stageTimes(starts, end: ends)
        let predicted = try estimator(FrameBatch(noisy, mask: mask, checkpoints: checkpoints), conditions: known, times: times).to(mel.dtype)
        var target = velocity
        if let end {
            let little = 0.01
            let moved = try withoutGradients {
                try estimator(
                    FrameBatch(noisy + velocity * little, mask: mask), conditions: known,
                    times: estimator.stageTimes((time + little).reshaped([batch]), end: end.reshaped([batch])))
            }
            target = try (velocity + (end - time) * (moved.to(mel.dtype) - predicted) / little).detached()
        }
        let error = try FrameBatch(predicted - target, mask: mask).silenced().rows.square().sum()
        let frames = try mask.map { try $0.to(mel.dtype).sum() } ?? Tensor(Double(batch * mel.size(1)), device: device)
        return try error / (frames * Double(mel.size(2)))
    }
}

/// The generators from which the utterances of a batch draw their times and noise in training.
package enum FlowDraws {
    /// One generator for all of them, as upstream draws.
    case shared(Generator)
    /// Separate generators for each utterance, so that its numbers do not depend on the other utterances: one for its noise, of which a longer
    /// batch needs more, and one for everything else.
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
