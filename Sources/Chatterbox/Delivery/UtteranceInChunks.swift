import Torch

/// An utterance whose sound is delivered while its tokens are still being drawn: mel and sound of each chunk are computed once its tokens are final.
///
/// The tokens are those of the utterance computed as a whole. The noise of flow and excitation is determined by frame, and the chunks' ends by the
/// tokens, so that the samples do not depend on when anything was computed.
struct UtteranceInChunks {
    let decoder: T3Decoder
    private let ending: Variant.Ending
    private let soundTokens: Int
    private var plan: ChunkPlan
    private var mel: MelStream
    private var sound: SoundStream
    private let samplesPerToken: Int
    private var gate: SilenceGate?
    /// The number of waveform samples so far.
    private var made = 0

    /// - Parameters:
    ///   - prompt: the voice's prompt for the model's flow.
    ///   - seed: the utterance's seed.
    ///   - isTrimmed: whether the silence around it is removed.
    /// - Throws: `TorchError`.
    init(
        _ decoder: T3Decoder, _ model: Model, _ prompt: FlowPrompt, seed: UInt64, isTrimmed: Bool, sizes: ChunkSizes
    ) throws {
        let s3Gen = model.s3Gen, noise = FrameNoise(seed: seed), vocoder = s3Gen.configuration.vocoder
        self.decoder = decoder
        ending = model.variant.ending
        soundTokens = s3Gen.configuration.flow.tokenCount
        plan = ChunkPlan(sizes, lookahead: s3Gen.configuration.flow.encoder.lookahead, unheard: ending.unheard)
        mel = MelStream(s3Gen.flow, prompt, noise: noise, context: sizes.context)
        sound = try s3Gen.sound(noise: noise)
        samplesPerToken = vocoder.samplesPerFrame * s3Gen.configuration.flow.framesPerToken
        gate = isTrimmed ? SilenceGate(sampleRate: vocoder.sampleRate) : nil
    }

    /// Whether everything has been delivered.
    var isAtEnd: Bool { plan.isAtEnd || decoder.end != nil && tokens(of: decoder).isEmpty }

    /// The number of tokens whose sound has been computed.
    var spokenTokens: Int { plan.start }

    /// The part of the waveform that was kept after trimming.
    var kept: Range<Int> { gate?.kept ?? 0..<made }

    /// Returns whether enough tokens have been drawn for the next chunk.
    var isReady: (T3Decoder) -> Bool {
        let needed = plan.needed
        // A drawn token gives at most one final token.
        return { decoder in decoder.tokens.count >= needed && tokens(of: decoder).count >= needed }
    }

    /// The final tokens that become sound. Control tokens are skipped, even a start token that comes late: earlier sound has already been delivered.
    private func tokens(of decoder: T3Decoder) -> [Int] {
        let certain = decoder.tokens.prefix(decoder.certainCount).filter { $0 < soundTokens }
        return decoder.end == nil || certain.isEmpty ? certain : certain + ending.silentTokens
    }

    /// The next chunk's samples, when ``isReady`` returns true or the decoder has ended; may be empty.
    ///
    /// - Parameters:
    ///   - checkpoint: called before each step of the flow; an error that it throws ends the work, as with `pause`.
    ///   - onMel: called between mel and sound.
    mutating func next(checkpoint: () throws -> Void, pause: () throws -> Void, onMel: () throws -> Void) throws -> [Float] {
        let tokens = tokens(of: decoder)
        guard let chunk = plan.next(of: tokens.count, isComplete: decoder.end != nil) else { return [] }
        let frames = try mel(chunk, of: tokens, checkpoint: checkpoint, pause: pause)
        try onMel()
        var samples = try sound(frames, isLast: chunk.isLast, pause: pause)
        if chunk.isLast { samples = Array(samples.prefix(max(0, samplesPerToken * max(1, tokens.count - ending.unheard) - made))) }
        made += samples.count
        return gate?(samples, isLast: chunk.isLast) ?? samples
    }
}

extension Model {
    /// Whether speech can be delivered in chunks: true if computing a chunk's flow takes less than a quarter of the chunk's duration, as
    /// estimated for two processor cores. Otherwise ``SpeechOptions/Delivery/chunks`` delivers one utterance after the other.
    ///
    /// - Parameter options: the number of flow steps is used.
    public func speaksInChunks(_ options: SpeechOptions = .standard) -> Bool {
        // A model whose networks leave the GPU in turns would have to move them for each chunk.
        offload == nil && configuration.s3Gen.flow.isFastInChunks(steps: options.steps)
    }
}

extension FlowConfiguration {
    /// Whether computing a chunk's flow takes less than a quarter of the chunk's duration, so that most of the time remains for its tokens. Computed
    /// for a chunk of two seconds after a prompt of ten, at 2.5e11 operations a second, the 8-bit rate of two cores.
    func isFastInChunks(steps: Int?) -> Bool {
        chunkCost(tokens: 50, seen: 250 + ChunkSizes.standard.context, steps: steps).operations < 2.5e11 * 2 / 4
    }
}
