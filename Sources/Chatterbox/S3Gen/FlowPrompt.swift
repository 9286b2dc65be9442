import Synchronization
import Torch

/// A voice's prompt as the flow has gone through it, ready to be continued by any number of utterances.
///
/// Its frames see nothing of what is spoken, as in the training of CosyVoice 2's flow (Du et al. 2024, 2.4), from which
/// S3Gen's weights descend: there a frame often sees only what was known when its chunk was made.
struct FlowPrompt: Sendable {
    /// Whose mel has a whole number of tokens: a frame beyond the last one would shift all that follows.
    let prompt: SpeechPrompt
    let steps: Int
    let encoder, flow: FlowHistory
    /// Its last tokens, which depend on what follows: they are made with what is spoken first.
    let rest: [Int]
    /// The frames that the flow has gone through.
    let frames: Int
    /// Where the flow starts, `[1, bins, prompt frames]`: the same for every utterance.
    let noise: Tensor

    /// Bytes that are kept of it.
    var byteCount: Int { encoder.byteCount + flow.byteCount }

    /// - Parameter pause: called between pieces of the work; what it throws ends it.
    /// - Throws: ``FlowError`` for a prompt that is not one; `TorchError`.
    init(_ flow: TokenToMel, _ prompt: SpeechPrompt, steps: Int, pause: () throws -> Void) throws {
        let perToken = flow.configuration.framesPerToken, count = prompt.tokens.size(1), bins = flow.configuration.melChannels
        let tokens = try prompt.tokens.array(of: Int.self), made = max(0, count - flow.configuration.encoder.lookahead), frames = perToken * made
        try flow.checkRange(prompt.tokens)
        let whole = SpeechPrompt(
            tokens: prompt.tokens, mel: try prompt.mel.narrow(axis: 1, from: 0, count: perToken * count), speaker: prompt.speaker)
        let noise = try FrameNoise(seed: 0).flow(-perToken * count..<0, bins: bins)
        var (encoder, history) = (FlowHistory?.some(FlowHistory()), FlowHistory?.some(FlowHistory(steps: steps)))
        if made > 0 {
            let mean = try flow.mean(of: Array(tokens.prefix(made)), ahead: Array(tokens.dropFirst(made)), after: &encoder, context: 0, pause: pause)
            _ = try flow.run(
                noise.narrow(axis: 2, from: 0, count: frames).to(flow.device),
                flow.conditions(mean, whole, from: 0), steps: steps, after: &history, checkpoint: pause, pause: pause)
            history!.append(frames: frames, context: 0)
        }
        (self.prompt, self.steps, self.encoder, self.flow, self.frames, self.noise) = (whole, steps, encoder!, history!, frames, noise)
        rest = Array(tokens.dropFirst(made))
    }
}

/// The prompts of voices that were used last, of one model.
final class FlowPromptCache: Sendable {
    /// What a prompt follows from.
    private struct Key: Hashable {
        let tokens: [Int]
        let mel, speaker: [Float]
        let steps: Int

        init(_ prompt: SpeechPrompt, steps: Int) throws {
            tokens = try prompt.tokens.array()
            mel = try prompt.mel.to(.float32).array()
            speaker = try prompt.speaker.to(.float32).array()
            self.steps = steps
        }
    }

    private struct State {
        var made: RecentlyUsed<Key, FlowPrompt>
        /// Who waits for what somebody makes.
        var waiting: [Key: [EngineTurn.Waker]] = [:]
    }

    private let state: Mutex<State>

    /// - Parameter limit: bytes of all prompts together; seven seconds of Turbo's are 43 MB with int8 weights and 170 MB with float32.
    init(limit: Int = 128 << 20) { state = Mutex(State(made: RecentlyUsed(limit: limit) { $0.byteCount })) }

    /// Forgets all that are made; those who speak with one keep it.
    func removeAll() { state.withLock { $0.made.removeAll() } }

    /// How many wait for the prompt that is being made; nil where none is.
    var waitingCount: Int? { state.withLock { $0.waiting.first?.value.count } }

    /// A voice's prompt, which is made where it is not there. Who asks while another makes it waits for that.
    ///
    /// - Throws: what making it throws, `CancellationError`.
    func prompt(_ prompt: SpeechPrompt, steps: Int, _ turn: EngineTurn, make: () throws -> FlowPrompt) throws -> FlowPrompt {
        let key = try Key(prompt, steps: steps)
        while true {
            let (made, isBeingMade) = state.withLock { state -> (FlowPrompt?, Bool) in
                if let made = state.made.use(key) { return (made, false) }
                let isBeingMade = state.waiting[key] != nil
                state.waiting[key, default: []] += isBeingMade ? [turn.waker] : []
                return (nil, isBeingMade)
            }
            if let made { return made }
            guard isBeingMade else { return try settle(key, Result(catching: make)) }
            try turn.park()
        }
    }

    /// Enters what was made, if it was, and wakes those who waited for it.
    private func settle(_ key: Key, _ made: Result<FlowPrompt, any Error>) throws -> FlowPrompt {
        let waiting = state.withLock { state in
            if case .success(let prompt) = made { state.made.insert(prompt, for: key) }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for waker in waiting { waker() }
        return try made.get()
    }
}
