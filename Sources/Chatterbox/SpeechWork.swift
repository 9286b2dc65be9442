import SpeechAudio
import SpeechText
import Torch

/// The work of turning a text into sound: one request's voice, options, random numbers and report, and the state of its next piece.
struct SpeechWork {
    /// The seed of all random numbers.
    let seed: UInt64
    /// The work so far.
    var report: SpeechReport { finishing.report }
    var sampleRate: Int { model.configuration.s3Gen.vocoder.sampleRate }

    let model: Model
    private let voice: Voice
    /// The voices of named speakers.
    private let voices: [String: Voice]
    let options: SpeechOptions
    let adapters: AppliedAdapters?
    let sampling: SamplingOptions
    /// The heads whose attention gives the times of words.
    let heads: [AttentionHead]
    let text: PreparedText
    var seeds: UtteranceSeeds
    let turn: EngineTurn
    private let joiner: SpeechJoiner?
    let trace: ((String, Tensor) -> Void)?
    /// Judges the takes; nil without a judge or if there is only one take.
    let judge: (any SpeechJudge)?
    var finishing: SpeechFinishing
    /// The piece that is being spoken in chunks.
    private var current: (piece: TextPlan.Piece, utterance: UtteranceInChunks)?
    /// The number of finished parts of the text, and of their samples; the watermark delays the samples.
    private var (partsDone, samplesDone) = (0, 0)
    /// The first sample of the piece that is being spoken in chunks.
    private var currentStart = 0
    /// How the last piece's tokens were drawn.
    var drawn = (tokens: 0, draws: 1, kept: 1, end: DecodingEnd?.none, judged: [JudgedTake]())
    /// The number of tokens of pieces whose tokens are complete.
    var tokensDone = 0

    /// - Parameters:
    ///   - text: the request's prepared text.
    ///   - adapters: the request's adapters, prepared for the model.
    ///   - turn: with this the work returns control between units.
    ///   - start: when the request arrived.
    ///   - trace: gets the results of every stage.
    /// - Throws: as ``Synthesizer/speak(_:voice:options:onProgress:)``.
    init(
        _ text: PreparedText, _ adapters: AppliedAdapters?, _ request: SpeechRequest, _ model: Model, _ turn: EngineTurn,
        since start: ContinuousClock.Instant,
        trace: ((String, Tensor) -> Void)? = nil
    ) throws {
        let voice = try model.voice(request.voice, for: .speech)
        let options = request.options
        (self.model, self.voice, self.options, self.adapters, self.turn, self.trace) = (model, voice, options, adapters, turn, trace)
        voices = try request.voices.mapValues { try model.voice($0, for: .speech) }
        // Whether all words were spoken is checked if attention can be recorded.
        let weighs = options.weighsWords && Self.takes(options, model) > 1
        heads = options.wordTimes ? try model.alignmentHeads() : weighs ? model.configuration.t3.alignmentHeads ?? [] : []
        self.text = text
        let isJudged = request.judge != nil && Self.drawsOnce(options, model) == nil
        judge = isJudged ? request.judge : nil
        sampling = try options.sampling.applied(to: model.variant.sampling)
        seed = options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        seeds = UtteranceSeeds(seed)
        let sampleRate = model.configuration.s3Gen.vocoder.sampleRate
        joiner = options.splitting == .none ? nil : SpeechJoiner(sampleRate: sampleRate)
        let warnings =
            voice.warnings + voices.sorted { $0.key < $1.key }.flatMap(\.value.warnings) + model.variant.warnings(options)
            + model.configuration.t3.warnings(options)
            + Self.warnings(options, model, request.judge) + self.text.warnings
        finishing = try SpeechFinishing(model, sampleRate: sampleRate, options: options, warnings: warnings.uniqued(), since: start)
        finishing.report.judge = judge?.name
        trace?("speaker_embedding", voice.speakerEmbedding)
        trace?("cond_prompt_tokens", voice.conditioningTokens)
        trace?("prompt_token", voice.prompt.tokens)
        trace?("prompt_feat", voice.prompt.mel)
        trace?("xvector", voice.prompt.speaker)
    }

    /// Works until there is sound to deliver; nil after the last.
    mutating func next(_ onProgress: @escaping (SpeechProgress) -> Void) throws -> SpeechChunk? {
        var texts: [String] = [], words: [SpokenWord] = []
        while !isDone {
            let samples = try withoutGradients {
                if current == nil, case .piece(let piece) = text.parts[partsDone] { texts.append(piece.text) }
                let spoken = try perform(onProgress)
                words += spoken.words
                samplesDone += spoken.samples.count
                return try finishing(spoken.samples, isLast: isDone)
            }
            // Without this, the allocator would keep the memory of each utterance, in ever more and smaller blocks.
            if current == nil, !model.device.isCUDA { try Memory.releaseCache() }
            // The text of a sentence without sound, or whose sound the watermark still delays, is reported with the next.
            guard !samples.isEmpty else { continue }
            return SpeechChunk(
                audio: Audio(samples: samples, sampleRate: sampleRate), text: texts.joined(separator: " "), report: report, seed: seed,
                words: words.map { $0.faster(options.speed) })
        }
        return nil
    }

    private var isDone: Bool { current == nil && partsDone == text.parts.count }

    // MARK: one part

    private typealias Spoken = (samples: [Float], words: [SpokenWord])

    /// The next samples, of a part with the pause after it or of a piece's chunk. A piece's last samples come with its words, timed in the whole
    /// speech.
    private mutating func perform(_ onProgress: @escaping (SpeechProgress) -> Void) throws -> Spoken {
        if let piece = current?.piece { return try speakChunk(of: piece, onProgress) }
        switch text.parts[partsDone] {
        case .silence(let seconds):
            partsDone += 1
            return (joiner?.silence(seconds) ?? [], [])
        case .piece(let piece):
            onProgress(.piece(piece.number, of: text.pieceCount, text: piece.text))
            // A speaking rate is applied to a whole piece.
            if options.delivery == .chunks, model.speaksInChunks(options), piece.manner.rate == 1 { return try speakChunk(of: piece, onProgress) }
            partsDone += 1
            let breath = try speak(piece, onProgress)
            guard let joiner else {
                report(piece, from: samplesDone, samples: breath.samples.count)
                return breath
            }
            let cuts = joiner.cuts(of: breath.samples, at: piece.joints), samples = joiner.opened(breath.samples, at: cuts)
            let kept = joiner.speech(in: samples)
            let words = breath.words.map { $0.moved(by: cuts, sampleRate: sampleRate).moved(into: kept, at: samplesDone, sampleRate: sampleRate) }
            let paced = try paced((joiner.cut(samples, to: kept), words), by: piece.manner.rate)
            report(piece, from: samplesDone, samples: paced.samples.count)
            return (paced.samples + joiner.silence(piece.pause), paced.words)
        }
    }

    /// Reports a piece that has been spoken.
    private mutating func report(_ piece: TextPlan.Piece, from start: Int, samples: Int) {
        func seconds(_ samples: Int) -> Double { Double(samples) / Double(sampleRate) / options.speed }
        finishing.report.pieces.append(
            SpokenPiece(
                number: piece.number, text: piece.text, start: seconds(start), end: seconds(start + samples), speechTokens: drawn.tokens,
                draws: drawn.draws, keptDraw: drawn.kept, ending: drawn.end, judged: drawn.judged))
    }

    /// A piece at a different speed.
    private func paced(_ spoken: Spoken, by rate: Double) throws -> Spoken {
        guard rate != 1 else { return spoken }
        let tempo = try TempoStream(speed: rate, sampleRate: sampleRate), start = Double(samplesDone) / Double(sampleRate)
        return (try tempo.process(spoken.samples) + tempo.finish(), spoken.words.map { $0.faster(rate, from: start) })
    }

    /// The voice for a piece.
    func voice(of piece: TextPlan.Piece) -> Voice { piece.manner.speaker.flatMap { voices[$0] } ?? voice }

    /// Computes speech tokens from text tokens, then mel and waveform, with the times of words if there are heads for them.
    private mutating func speak(_ piece: TextPlan.Piece, _ onProgress: @escaping (SpeechProgress) -> Void) throws -> Spoken {
        var clock = StageClock()
        let tokens = text.tokens(of: piece)
        let best = try bestTake(tokens, of: piece, &clock, onProgress)
        trace?("text_tokens", try Tensor(tokens, shape: [1, tokens.count]))
        let samples = try best.samples ?? sound(of: best.decoder, best.generator, voice(of: piece), &clock, onProgress)
        return (samples, samples.isEmpty ? [] : words(piece, tokens, best.decoder))
    }

    /// A piece's sound from its tokens; empty if no token makes sound.
    mutating func sound(
        of decoder: T3Decoder, _ generator: Generator, _ voice: Voice, _ clock: inout StageClock, _ onProgress: @escaping (SpeechProgress) -> Void
    ) throws -> [Float] {
        let ending = model.variant.ending
        let codes = ending.speakable(decoder.tokens, model.configuration)
        // Like upstream's, this decoder needs at least one token.
        guard !codes.isEmpty else { return [] }
        let mel = try mel(of: Tensor(codes, shape: [1, codes.count], device: model.device), voice.prompt, generator, onProgress)
        finishing.report.stages.flow += clock.lap()
        try turn.pause()

        onProgress(.vocoder)
        let sound = try model.s3Gen.waveform(of: mel, generator: generator, pause: turn.pause)
        let waveform = try ending.audible(sound, tokens: codes.count)
        finishing.report.stages.vocoder += clock.lap()
        trace?("mel", mel)
        trace?("wav", waveform)
        return try waveform.array(of: Float.self)
    }

    /// A piece's next chunk; further tokens are drawn while the sound of earlier ones is computed.
    private mutating func speakChunk(of piece: TextPlan.Piece, _ onProgress: @escaping (SpeechProgress) -> Void) throws -> Spoken {
        var clock = StageClock()
        let tokens = text.tokens(of: piece)
        if current == nil {
            currentStart = samplesDone
            let seed = seeds.next(for: piece.text)
            finishing.report.textTokens += tokens.count
            let decoder = try makeDecoder(tokens, of: piece, model.generator(seed: seed), &clock)
            let voice = voice(of: piece)
            let prompt = try model.flowPrompts.prompt(voice.prompt, steps: steps, turn) { [model, voice, steps, turn] in
                try FlowPrompt(model.s3Gen.flow, voice.prompt, steps: steps, pause: turn.pause)
            }
            finishing.report.stages.flow += clock.lap()
            current = (
                piece,
                try UtteranceInChunks(
                    decoder, model, prompt, seed: seed, isTrimmed: joiner != nil, sizes: options.chunkSizes)
            )
        }
        let decoder = current!.utterance.decoder
        try draw(decoder, &clock, onProgress, until: current!.utterance.isReady)
        var flowSeconds = 0.0
        let samples = try current!.utterance.next(checkpoint: flowCheckpoint(onProgress), pause: turn.pause) { [turn] in
            flowSeconds = clock.lap()
            onProgress(.vocoder)
            try turn.pause()
        }
        finishing.report.stages.flow += flowSeconds
        finishing.report.stages.vocoder += clock.lap()
        finishing.report.speechTokens = tokensDone + current!.utterance.spokenTokens
        guard let utterance = current?.utterance, utterance.isAtEnd else { return (samples, []) }
        current = nil
        partsDone += 1
        try note(decoder)
        warn(SpeechTake(decoder.end, tokens: decoder.tokens.count, text: piece.spoken).warning(piece.text, first: nil, takes: 1))
        drawn = (decoder.tokens.count, 1, 1, decoder.end, [])
        report(piece, from: currentStart, samples: samplesDone + samples.count - currentStart)
        let start = samplesDone + samples.count - utterance.kept.count
        let words = words(piece, tokens, decoder).map { $0.moved(into: utterance.kept, at: start, sampleRate: sampleRate) }
        return (samples + (joiner?.silence(piece.pause) ?? []), words)
    }

    /// An utterance's mel, computed separately or in a batch with others.
    private func mel(
        of tokens: Tensor, _ prompt: SpeechPrompt, _ generator: Generator, _ onProgress: @escaping (SpeechProgress) -> Void
    ) throws -> Tensor {
        let flow = model.s3Gen.flow
        guard model.sharesFlow else {
            return try flow(
                tokens: tokens, prompt: prompt, steps: steps, generator: generator, checkpoint: flowCheckpoint(onProgress), pause: turn.pause)
        }
        return try flow.mel(of: tokens, prompt: prompt, steps: steps, generator: generator, pause: turn.pause) { [turn, steps, model] order in
            try turn.mel(of: order, steps: steps, of: model) { onProgress(.flow(step: $0, of: steps)) }
        }
    }

    /// The function that is called before each step of a flow.
    private func flowCheckpoint(_ onProgress: @escaping (SpeechProgress) -> Void) -> () throws -> Void {
        var step = 0
        return { [turn, steps] in
            try turn.pause()
            step += 1
            onProgress(.flow(step: step, of: steps))
        }
    }

    private var steps: Int { options.steps ?? model.configuration.s3Gen.flow.steps }
}
