import Torch

/// The mel of an utterance, chunk by chunk: each is made in a window of its own, which begins with the voice's prompt and the
/// tokens before the chunk.
///
/// With all tokens so far in every window, speech would take time by the square of its length.
struct MelStream {
    private let flow: TokenToMel
    private let prompt: SpeechPrompt
    private let steps: Int
    private let noise: FrameNoise
    private let promptNoise: Tensor
    /// The flow draws nothing from it: its noise is given.
    private let generator: Generator

    init(_ flow: TokenToMel, _ prompt: SpeechPrompt, steps: Int, noise: FrameNoise) throws {
        let frames = flow.configuration.framesPerToken * prompt.tokens.size(1)
        (self.flow, self.steps, self.noise) = (flow, steps, noise)
        // A frame beyond the prompt's last token would shift every window.
        self.prompt = SpeechPrompt(
            tokens: prompt.tokens, mel: try prompt.mel.narrow(axis: 1, from: 0, count: frames), speaker: prompt.speaker)
        promptNoise = try noise.flow(-frames..<0, bins: flow.configuration.melChannels)
        generator = try noise.generator(.flow)
    }

    /// A chunk's frames, `[1, bins, frames]`.
    ///
    /// - Parameters:
    ///   - tokens: the utterance's, as far as they are certain.
    ///   - checkpoint: called before each step of the flow; what it throws ends the work, as with `pause`.
    func callAsFunction(_ chunk: ChunkPlan.Chunk, of tokens: [Int], checkpoint: () throws -> Void, pause: () throws -> Void) throws -> Tensor {
        let perToken = flow.configuration.framesPerToken, window = chunk.window
        let told = chunk.isLast ? window.upperBound : window.upperBound - flow.configuration.encoder.lookahead
        let noise = try Tensor.cat(
            [promptNoise, noise.flow(perToken * window.lowerBound..<perToken * told, bins: flow.configuration.melChannels)], axis: 2)
        let mel = try flow(
            tokens: Tensor(Array(tokens[window]), shape: [1, window.count], device: flow.device), prompt: prompt, steps: steps,
            isFinal: chunk.isLast, noise: noise, generator: generator, checkpoint: checkpoint, pause: pause)
        let known = perToken * (chunk.tokens.lowerBound - window.lowerBound)
        return try mel.narrow(axis: 2, from: known, count: perToken * chunk.tokens.count)
    }
}
