import Chatterbox
import Torch

/// An example for the flow with its random numbers, which depend neither on the other examples of its batch nor on how a step is
/// divided.
struct FlowExample: Sendable {
    let tokens: [Int]
    /// `[80, 2 · tokens]`.
    let mel: Tensor
    /// `[192]`.
    let speaker: Tensor
    /// The number of mel frames that are its prompt.
    let prompt: Int
    /// The generator of its time and of whether it loses its conditions, and that of its noise.
    let seeds: (UInt64, UInt64)

    /// See ``TokenToMel/losses(tokens:lengths:mel:speaker:prompts:intervals:draws:checkpoints:)``.
    static func losses(
        _ examples: [FlowExample], _ network: TokenToMel, intervals: Double = 0, checkpoints: ActivationCheckpoints? = nil
    ) throws -> (flow: Tensor, mean: Tensor) {
        let longest = examples.map(\.tokens.count).max()!
        return try network.losses(
            tokens: Tensor(
                examples.flatMap { $0.tokens + Array(repeating: 0, count: longest - $0.tokens.count) }, shape: [examples.count, longest]),
            lengths: examples.map(\.tokens.count), mel: Corpus.stacked(examples.map(\.mel), frames: 2 * longest, padding: Corpus.silence),
            speaker: Tensor.stack(examples.map(\.speaker)), prompts: examples.map(\.prompt), intervals: intervals,
            draws: .own(examples.map { (try Generator(seed: $0.seeds.0), try Generator(seed: $0.seeds.1)) }), checkpoints: checkpoints)
    }
}
