import Torch

/// An utterance that is heard while its tokens are still drawn: of each chunk of them mel and sound are made once they are
/// certain.
///
/// The tokens are those of an utterance spoken whole. The noise of flow and source belongs to frames, and where chunks end
/// follows from the tokens, so that the samples do not depend on when anything was computed.
struct UtteranceInChunks {
    let decoder: T3Decoder
    private let ending: Variant.Ending
    private let soundTokens: Int
    private var plan: ChunkPlan
    private var mel: MelStream
    private var sound: SoundStream
    private let samplesPerToken: Int
    private var gate: SilenceGate?
    /// Samples of the waveform so far.
    private var made = 0

    /// - Parameters:
    ///   - prompt: the voice's, for the model's flow.
    ///   - seed: the utterance's.
    ///   - isTrimmed: whether the silence around it is taken away.
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

    /// Whether all has come out.
    var isAtEnd: Bool { plan.isAtEnd || decoder.end != nil && tokens(of: decoder).isEmpty }

    /// Tokens of which sound was made so far.
    var spokenTokens: Int { plan.start }

    /// What of the waveform was kept, where it is trimmed.
    var kept: Range<Int> { gate?.kept ?? 0..<made }

    /// Tells whether tokens enough are drawn for the next chunk.
    var isReady: (T3Decoder) -> Bool {
        let needed = plan.needed
        // A token is no more than one.
        return { decoder in decoder.tokens.count >= needed && tokens(of: decoder).count >= needed }
    }

    /// The tokens that are certain and become sound. Control tokens are passed over, a start token that comes late included: what
    /// was spoken before it cannot be taken back.
    private func tokens(of decoder: T3Decoder) -> [Int] {
        let certain = decoder.tokens.prefix(decoder.certainCount).filter { $0 < soundTokens }
        return decoder.end == nil || certain.isEmpty ? certain : certain + ending.silentTokens
    }

    /// The next chunk's samples, once ``isReady`` says so or the decoder has ended; none, maybe.
    ///
    /// - Parameters:
    ///   - checkpoint: called before each step of the flow; what it throws ends the work, as with `pause`.
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
        // Networks that leave the GPU in turns would do so for each chunk.
        offload == nil && configuration.s3Gen.flow.isFastInChunks(steps: options.steps)
    }
}

extension FlowConfiguration {
    /// Whether a chunk takes less than a quarter of the time that it lasts, so that most is left for its tokens: of two seconds,
    /// after ten seconds of prompt, at 2.5e11 operations a second, as two cores do them in 8 bits.
    func isFastInChunks(steps: Int?) -> Bool {
        chunkCost(tokens: 50, seen: 250 + ChunkSizes.standard.context, steps: steps).operations < 2.5e11 * 2 / 4
    }
}
