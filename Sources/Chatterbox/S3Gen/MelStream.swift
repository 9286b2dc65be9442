import Kernels
import Synchronization
import Torch

/// The mel of an utterance, chunk by chunk. Encoder and flow continue where they stopped: each chunk's frames depend on the voice's prompt
/// and the frames shortly before them, and no frame is computed twice.
struct MelStream {
    private let network: TokenToMel
    private let prompt: FlowPrompt
    private let noise: FrameNoise
    /// The smallest number of tokens before a chunk on which its frames depend, besides the prompt's.
    private let context: Int
    private var encoder, flow: FlowHistory?

    init(_ network: TokenToMel, _ prompt: FlowPrompt, noise: FrameNoise, context: Int) {
        (self.network, self.prompt, self.noise, self.context) = (network, prompt, noise, context)
        (encoder, flow) = (prompt.encoder, prompt.flow)
    }

    /// The next chunk's frames, `[1, frames, bins]`.
    ///
    /// - Parameters:
    ///   - tokens: the utterance's tokens that are final.
    ///   - checkpoint: called before each step of the flow; what it throws ends the work, as with `pause`.
    mutating func callAsFunction(
        _ chunk: ChunkPlan.Chunk, of tokens: [Int], checkpoint: () throws -> Void, pause: () throws -> Void
    ) throws -> Tensor {
        let perToken = network.configuration.framesPerToken, bins = network.configuration.melChannels
        // The prompt's last tokens are computed with the first chunk.
        let rest = chunk.tokens.lowerBound == 0 ? prompt.rest : [], left = perToken * rest.count
        let mean = try network.mean(
            of: rest + tokens[chunk.tokens], ahead: Array(tokens[chunk.ahead]), after: &encoder, context: context, pause: pause)
        let frames = perToken * chunk.tokens.lowerBound..<perToken * chunk.tokens.upperBound, promptFrames = prompt.noise.size(1)
        let start = try Tensor.cat(
            [prompt.noise.narrow(axis: 1, from: promptFrames - left, count: left), noise.flow(frames, bins: bins)], axis: 1)
        let mel = try network.network.mel(
            from: start.to(network.device), network.conditions(mean, prompt.prompt, from: promptFrames - left + frames.lowerBound),
            steps: prompt.steps, after: &flow, checkpoint: checkpoint, pause: pause)
        flow!.append(frames: left + frames.count, context: perToken * context)
        return try mel.narrow(axis: 1, from: left, count: frames.count)
    }
}

/// The state of encoder and flow after a voice's prompt, from which any number of utterances can continue.
///
/// The prompt's frames do not depend on the utterance, as in the training of CosyVoice 2's flow (Du et al. 2024, 2.4), from which
/// S3Gen's weights are derived: there a frame often depends only on tokens up to the end of its chunk.
struct FlowPrompt: Sendable {
    /// The mel's length is a whole number of tokens: a frame beyond the last token would shift everything that follows.
    let prompt: SpeechPrompt
    let steps: Int
    let encoder, flow: FlowHistory
    /// Its last tokens, which depend on what follows: they are computed with the first chunk.
    let rest: [Int]
    /// The frames for which the flow is computed.
    let frames: Int
    /// The noise from which the flow starts, `[1, prompt frames, bins]`: the same for every utterance.
    let noise: Tensor

    /// The size of the stored state in bytes.
    var byteCount: Int { encoder.byteCount + flow.byteCount }

    /// - Parameter pause: called between pieces of the work; what it throws ends it.
    /// - Throws: ``FlowError`` for an invalid prompt; `TorchError`.
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
            _ = try flow.network.mel(
                from: noise.narrow(axis: 1, from: 0, count: frames).to(flow.device), flow.conditions(mean, whole, from: 0), steps: steps,
                after: &history, checkpoint: pause, pause: pause)
            history!.append(frames: frames, context: 0)
        }
        (self.prompt, self.steps, self.encoder, self.flow, self.frames, self.noise) = (whole, steps, encoder!, history!, frames, noise)
        rest = Array(tokens.dropFirst(made))
    }
}

/// One model's prompts of the voices that were used last.
final class FlowPromptCache: Sendable {
    /// The inputs that determine a prompt.
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
        /// Callers that wait for a prompt that another one is computing.
        var waiting: [Key: [EngineTurn.Waker]] = [:]
    }

    private let state: Mutex<State>

    /// - Parameter limit: bytes of all prompts together; seven seconds of Turbo's are 43 MB with int8 weights and 170 MB with float32.
    init(limit: Int = 128 << 20) { state = Mutex(State(made: RecentlyUsed(limit: limit) { $0.byteCount })) }

    /// Removes all computed prompts; utterances that use one keep it.
    func removeAll() { state.withLock { $0.made.removeAll() } }

    /// The number of callers that wait for the prompt being computed; nil if none is being computed.
    var waitingCount: Int? { state.withLock { $0.waiting.first?.value.count } }

    /// Returns a voice's prompt, and computes it if it is missing. A caller that asks while another one computes it waits for the result.
    ///
    /// - Throws: what the computation throws, `CancellationError`.
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

    /// Stores the prompt if there is one, and resumes the callers that waited for it.
    private func settle(_ key: Key, _ made: Result<FlowPrompt, any Error>) throws -> FlowPrompt {
        let waiting = state.withLock { state in
            if case .success(let prompt) = made { state.made.insert(prompt, for: key) }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for waker in waiting { waker() }
        return try made.get()
    }
}

/// The state that a network's computed frames leave for those that follow: the last input frames of every convolution, and the
/// keys and values of every attention layer. A flow has such a state for each of its steps.
///
/// Computed frames do not depend on later ones and are not computed again.
struct FlowHistory: Sendable {
    /// The state of each step.
    fileprivate(set) var tapes: [FlowTape]
    /// The frames, or tokens, whose keys and values are kept, the prompt's first.
    private(set) var stretches: [Range<Int>] = []
    /// The total number so far.
    private(set) var end = 0

    init(steps: Int = 1) { tapes = Array(repeating: FlowTape(), count: steps) }

    /// Bytes of keys and values.
    var byteCount: Int { tapes.reduce(0) { $0 + $1.byteCount } }

    /// Records that so many frames were computed, and discards stretches, except the prompt's, that are further back than the number of
    /// frames in `context`.
    mutating func append(frames: Int, context: Int) {
        stretches.append(end..<end + frames)
        end += frames
        while stretches.count > 2, end - stretches[2].lowerBound >= context || stretches.count > KeptRows.most {
            stretches.remove(at: 1)
            for step in tapes.indices { tapes[step].forget(stretch: 1) }
        }
    }

    /// Runs one of the steps, which continues where it stopped; without a history, it has no recorder.
    static func step<Result>(_ step: Int, of history: inout FlowHistory?, _ body: (FlowRecorder?) throws -> Result) rethrows -> Result {
        guard let tape = history?.tapes[step] else { return try body(nil) }
        let recorder = FlowRecorder(tape)
        defer { history?.tapes[step] = recorder.tape }
        return try body(recorder)
    }
}

/// The state of one step of a flow, in the order in which its layers run.
struct FlowTape: Sendable {
    /// Keys and values of some frames.
    enum Keys: Sendable {
        /// `[batch, heads, frames, head size]` each.
        case tensors(key: Tensor, value: Tensor)
        case packed(KeptRows)

        /// All tensors, in order.
        static func joined(_ stretches: [Keys]) throws -> (key: Tensor, value: Tensor) {
            let pairs = stretches.map { keys in
                guard case .tensors(let key, let value) = keys else { preconditionFailure("kept by packed networks") }
                return (key, value)
            }
            return (try Tensor.cat(pairs.map(\.0), axis: 2), try Tensor.cat(pairs.map(\.1), axis: 2))
        }

        var rows: KeptRows {
            guard case .packed(let rows) = self else { preconditionFailure("kept by exact networks") }
            return rows
        }
    }

    fileprivate var ends: [Tensor] = []
    /// The stretches of each attention layer.
    fileprivate var keys: [[Keys]] = []

    fileprivate mutating func forget(stretch: Int) {
        for attention in keys.indices { keys[attention].remove(at: stretch) }
    }

    fileprivate var byteCount: Int {
        keys.joined().reduce(0) { sum, keys in
            switch keys {
            case .tensors(let key, let value): sum + key.byteCount + value.byteCount
            case .packed(let rows): sum + rows.byteCount
            }
        }
    }
}

/// Gives each layer of a step its state, and stores its new state. Every run calls the layers in the same order.
final class FlowRecorder {
    fileprivate private(set) var tape: FlowTape
    private var (convolution, attention) = (0, 0)

    fileprivate init(_ tape: FlowTape) { self.tape = tape }

    /// The frames before the next input of a convolution; nil at the beginning.
    ///
    /// - Parameter last: the last of the input frames, as many as the next run needs at its beginning; they are stored unchanged.
    func frames(before last: Tensor) -> Tensor? {
        defer { convolution += 1 }
        guard convolution < tape.ends.count else {
            tape.ends.append(last)
            return nil
        }
        defer { tape.ends[convolution] = last }
        return tape.ends[convolution]
    }

    /// The frames before `x`, `[sequences, frames, channels]`, followed by `x`, as a causal convolution with so many taps needs them; zeros at the
    /// beginning.
    func led(_ x: Tensor, taps: Int) throws -> Tensor {
        let reach = taps - 1, last = try x.narrow(axis: 1, from: x.size(1) - reach, count: reach).clone()
        guard let before = frames(before: last) else { return try x.padded([0, 0, reach, 0]) }
        return try Tensor.cat([before, x], axis: 1)
    }

    /// The keys and values of preceding frames for an attention layer.
    ///
    /// - Parameter make: computes with them, and returns the keys and values for later frames.
    func attend(_ make: ([FlowTape.Keys]) throws -> FlowTape.Keys) rethrows {
        if attention == tape.keys.count { tape.keys.append([]) }
        tape.keys[attention].append(try make(tape.keys[attention]))
        attention += 1
    }
}

/// The noise of one utterance, frame by frame: a frame's noise depends only on the utterance's seed and the frame's number,
/// so that every window over the same frames has the same noise, in any order of computation.
struct FrameNoise: Sendable {
    let seed: UInt64

    /// What the noise is for; the numbers of different uses are independent.
    enum Use: UInt64 {
        case flow = 1, phases, source
    }

    /// The noise from which the flow starts, `[1, frames, bins]`. The frames of the voice's prompt have numbers below 0.
    func flow(_ frames: Range<Int>, bins: Int) throws -> Tensor {
        guard !frames.isEmpty else { return try .empty([1, 0, bins]) }
        return try Tensor.stack(frames.map { try .randn([bins], generator: generator(.flow, $0)) }).unsqueezed(0)
    }

    /// The noise that is added to the source's sines, `[sines, frames · samplesPerFrame]`.
    func source(_ frames: Range<Int>, sines: Int, samplesPerFrame: Int) throws -> Tensor {
        guard !frames.isEmpty else { return try .empty([sines, 0]) }
        return try Tensor.cat(frames.map { try .randn([sines, samplesPerFrame], generator: generator(.source, $0)) }, axis: 1)
    }

    /// A generator for the numbers of one frame, or of the utterance as a whole.
    func generator(_ use: Use, _ frame: Int = 0) throws -> Generator {
        var outer = SplitMix64(seed: seed ^ use.rawValue << 56)
        var inner = SplitMix64(seed: outer.next() &+ UInt64(bitPattern: Int64(frame)))
        return try Generator(seed: inner.next())
    }
}
