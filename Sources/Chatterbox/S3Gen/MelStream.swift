import Torch

/// The mel of an utterance, chunk by chunk. Encoder and flow go on where they stopped: each chunk's frames see the voice's prompt
/// and the frames shortly before it, and no frame is computed twice.
struct MelStream {
    private let network: TokenToMel
    private let prompt: FlowPrompt
    private let noise: FrameNoise
    /// Tokens before a chunk that its frames see at least, besides the prompt's.
    private let context: Int
    private var encoder, flow: FlowHistory?

    init(_ network: TokenToMel, _ prompt: FlowPrompt, noise: FrameNoise, context: Int) {
        (self.network, self.prompt, self.noise, self.context) = (network, prompt, noise, context)
        (encoder, flow) = (prompt.encoder, prompt.flow)
    }

    /// The next chunk's frames, `[1, bins, frames]`.
    ///
    /// - Parameters:
    ///   - tokens: the utterance's, as far as they are certain.
    ///   - checkpoint: called before each step of the flow; what it throws ends the work, as with `pause`.
    mutating func callAsFunction(
        _ chunk: ChunkPlan.Chunk, of tokens: [Int], checkpoint: () throws -> Void, pause: () throws -> Void
    ) throws -> Tensor {
        let perToken = network.configuration.framesPerToken, bins = network.configuration.melChannels
        // The prompt's last tokens come with the first chunk.
        let rest = chunk.tokens.lowerBound == 0 ? prompt.rest : [], left = perToken * rest.count
        let mean = try network.mean(
            of: rest + tokens[chunk.tokens], ahead: Array(tokens[chunk.ahead]), after: &encoder, context: context, pause: pause)
        let frames = perToken * chunk.tokens.lowerBound..<perToken * chunk.tokens.upperBound, promptFrames = prompt.noise.size(2)
        let start = try Tensor.cat(
            [
                prompt.noise.narrow(axis: 2, from: promptFrames - left, count: left), noise.flow(frames, bins: bins),
            ], axis: 2)
        let mel = try network.run(
            start.to(network.device), network.conditions(mean, prompt.prompt, from: promptFrames - left + frames.lowerBound), steps: prompt.steps,
            after: &flow, checkpoint: checkpoint, pause: pause)
        flow!.append(frames: left + frames.count, context: perToken * context)
        return try mel.narrow(axis: 2, from: left, count: frames.count).contiguous()
    }
}
