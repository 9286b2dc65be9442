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

    private enum Entry {
        case made(FlowPrompt)
        /// Somebody makes it; these wait.
        case beingMade(waiting: [EngineTurn.Waker])
    }

    /// Bytes of all prompts together.
    private let limit: Int
    /// The one used last stands last.
    private let entries = Mutex<[(key: Key, entry: Entry)]>([])

    /// - Parameter limit: bytes; seven seconds of Turbo's prompt are 43 MB with int8 weights and 170 MB with float32.
    init(limit: Int = 128 << 20) { self.limit = limit }

    /// Forgets all that are made; those who speak with one keep it.
    func removeAll() {
        entries.withLock { $0.removeAll { if case .made = $0.entry { true } else { false } } }
    }

    /// How many wait for the prompt that is being made; nil where none is.
    var waitingCount: Int? {
        entries.withLock { entries in
            for case .beingMade(let waiting) in entries.map(\.entry) { return waiting.count }
            return nil
        }
    }

    /// A voice's prompt, which is made where it is not there. Who asks while another makes it waits for that.
    ///
    /// - Throws: what making it throws, `CancellationError`.
    func prompt(_ prompt: SpeechPrompt, steps: Int, _ turn: EngineTurn, make: () throws -> FlowPrompt) throws -> FlowPrompt {
        let key = try Key(prompt, steps: steps)
        while true {
            enum Found { case made(FlowPrompt), beingMade, nothing }
            let found = entries.withLock { entries -> Found in
                guard let index = entries.firstIndex(where: { $0.key == key }) else {
                    entries.append((key, .beingMade(waiting: [])))
                    return .nothing
                }
                switch entries[index].entry {
                case .made(let made):
                    entries.append(entries.remove(at: index))
                    return .made(made)
                case .beingMade(let waiting):
                    entries[index].entry = .beingMade(waiting: waiting + [turn.waker])
                    return .beingMade
                }
            }
            switch found {
            case .made(let made): return made
            case .beingMade: try turn.park()
            case .nothing:
                let made = Result(catching: make)
                for waker in settle(key, try? made.get()) { waker() }
                return try made.get()
            }
        }
    }

    /// Enters what was made, or nothing, and gives those who waited for it.
    private func settle(_ key: Key, _ made: FlowPrompt?) -> [EngineTurn.Waker] {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.key == key }), case .beingMade(let waiting) = entries[index].entry else { return [] }
            entries.remove(at: index)
            guard let made else { return waiting }
            entries.append((key, .made(made)))
            // The new one stays, whatever its length; those who still speak with an old one keep it.
            func isMade(_ entry: Entry) -> Bool { if case .made = entry { true } else { false } }
            func bytes(_ entry: Entry) -> Int { if case .made(let prompt) = entry { prompt.byteCount } else { 0 } }
            while entries.reduce(0, { $0 + bytes($1.entry) }) > limit, let oldest = entries.dropLast().firstIndex(where: { isMade($0.entry) }) {
                entries.remove(at: oldest)
            }
            return waiting
        }
    }
}
