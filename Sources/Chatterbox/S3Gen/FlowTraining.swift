import Torch

extension TokenToMel {
    /// How far the flow's velocity is from the one that leads to `mel`, differentiable in every weight.
    ///
    /// Each utterance takes one random time. Half of them are shown up to 30 % of their own beginning as prompt. Where
    /// upstream draws those lengths from Python's generator, they come first from `generator` here; then follow, as
    /// upstream draws them, times, noise, and which utterances lose their conditions. Dropout is left out.
    ///
    /// - Parameters:
    ///   - tokens: `[batch, tokens]`; entries past an utterance's length may be any token.
    ///   - lengths: tokens of each utterance; all when nil.
    ///   - mel: log-mel at 50 Hz, `[batch, 80, 2 · tokens]`.
    ///   - speaker: CAMPPlus vectors, `[batch, 192]`.
    ///   - prompts: frames of each utterance shown as prompt; nil draws them.
    ///   - generator: source of all random numbers.
    ///
    /// Returns a scalar. Throws ``FlowError`` for tokens out of range and for shapes that do not fit.
    /// Source: `compute_loss` in `models/s3gen/{flow,flow_matching}.py`.
    public func loss(
        tokens: Tensor, lengths: [Int]? = nil, mel: Tensor, speaker: Tensor, prompts: [Int]? = nil,
        generator: Generator
    ) throws -> Tensor {
        try losses(tokens: tokens, lengths: lengths, mel: mel, speaker: speaker, prompts: prompts, generator: generator).flow
    }

    /// As ``loss(tokens:lengths:mel:speaker:prompts:generator:)``, with how far the encoder's own guess is from the mel: a
    /// mean absolute error, which beside the flow's loss helps training from nothing (Grad-TTS's prior loss, Popov et al. 2021).
    ///
    /// - Parameters:
    ///   - tokens: `[batch, tokens]`; entries past an utterance's length may be any token.
    ///   - lengths: tokens of each utterance; all when nil.
    ///   - mel: log-mel at 50 Hz, `[batch, 80, 2 · tokens]`.
    ///   - speaker: CAMPPlus vectors, `[batch, 192]`.
    ///   - prompts: frames of each utterance shown as prompt; nil draws them.
    ///   - intervals: with a mean flow the share of utterances that learn the mean velocity over a part of a step; the others learn that of
    ///     a moment. 0 is upstream's loss.
    ///   - generator: source of all random numbers.
    public func losses(
        tokens: Tensor, lengths: [Int]? = nil, mel: Tensor, speaker: Tensor, prompts: [Int]? = nil, intervals: Double = 0,
        generator: Generator
    ) throws -> (flow: Tensor, mean: Tensor) {
        let drawn = try prompts ?? drawnPrompts(checked(tokens, lengths, mel, speaker), generator: generator)
        return try losses(
            tokens: tokens, lengths: lengths, mel: mel, speaker: speaker, prompts: drawn, intervals: intervals, draws: .shared(generator))
    }

    /// As ``losses(tokens:lengths:mel:speaker:prompts:intervals:generator:)``, with given prompts, and with generators of each utterance's own
    /// where they are wanted.
    package func losses(
        tokens: Tensor, lengths: [Int]?, mel: Tensor, speaker: Tensor, prompts: [Int], intervals: Double, draws: FlowDraws
    ) throws -> (flow: Tensor, mean: Tensor) {
        let lengths = try checked(tokens, lengths, mel, speaker)
        let mel = try mel.to(device)
        let padding = try SequencePadding(
            lengths: lengths.map { $0 * configuration.framesPerToken }, count: mel.shape[2], device: device)

        let hidden = try encoder(embedding(tokens.to(.int64).to(device)), lengths: lengths)
        let frames = try Tensor.arange(mel.shape[2], device: device)
        let shown = try frames.less(than: Tensor(prompts, shape: [prompts.count, 1, 1], device: device))
        let conditions = FlowMatching.Conditions(
            mean: try melProjection(hidden).transposed(1, 2).contiguous(), speaker: try self.speaker(speaker),
            prompt: try mel * shown.to(mel.dtype))
        let values = Double(lengths.reduce(0, +) * configuration.framesPerToken * configuration.melChannels)
        return (
            try flow.loss(mel: mel, conditions, padding: padding, intervals: intervals, draws: draws),
            try padding.silenced(conditions.mean.to(mel.dtype) - mel).abs().sum() / values
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
