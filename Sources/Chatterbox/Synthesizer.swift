import Foundation
import SpeechAudio
import Torch

/// Speaks texts with a model, one after the other.
///
/// An actor with a thread of its own: calls wait for each other without blocking anything else. Nothing of one request
/// reaches the next; the voice, the options and the random numbers belong to the call. Synthesizers that share a
/// ``Model`` work side by side.
public actor Synthesizer {
    public nonisolated let model: Model
    private nonisolated let executor = ThreadExecutor(name: "chatterbox.synthesizer")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    public init(_ model: Model) { self.model = model }

    /// The sample rate of all speech, in Hz.
    public nonisolated var sampleRate: Int { model.configuration.s3Gen.vocoder.sampleRate }

    // MARK: voices

    /// The voice in a recording: WAV, FLAC, MP3, Ogg, any rate; a file of a prepared voice is read as it is.
    ///
    /// - Throws: `AudioError` where the recording cannot be read, is silent or too short; ``VoiceError``.
    public func voice(from file: URL) throws -> Voice {
        if file.pathExtension == "safetensors" || file.pathExtension == "pt" {
            return try Voice.load(from: file, sizes: model.voiceAnalyzer.voiceSizes).to(model.device)
        }
        return try voice(from: AudioFile.read(file), named: file.path)
    }

    /// The voice in a recording.
    ///
    /// - Parameter name: what to call it in a message.
    public func voice(from recording: Audio, named name: String = "reference recording") throws -> Voice {
        try model.offload?.enter()
        defer { model.offload?.exit() }
        return try model.voiceAnalyzer.voice(from: recording, named: name)
    }

    // MARK: speaking

    /// Speaks a text and gives the whole of it.
    ///
    /// - Parameters:
    ///   - voice: nil takes the model's own.
    ///   - onProgress: called on the synthesizer's thread, often; it should return at once.
    /// - Throws: ``TextError`` for text that cannot be spoken, ``CheckpointError/noBuiltInVoice(_:)``,
    ///   ``WordTimesError``, `CancellationError` when the task is cancelled, ``TorchError``.
    public func speak(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @Sendable (SpeechProgress) -> Void = { _ in }
    ) throws -> Speech {
        var samples: [Float] = [], words: [SpokenWord] = []
        let (seed, report) = try perform(text, voice, options, onProgress) {
            samples += $0.audio.samples
            words += $0.words
        }
        return Speech(audio: Audio(samples: samples, sampleRate: sampleRate), seed: seed, report: report, words: words)
    }

    /// Speaks a text and gives each piece as it becomes ready; joined, they are what ``speak(_:voice:options:onProgress:)``
    /// gives. Ending the loop early stops the work.
    ///
    /// - Throws: in the loop, as ``speak(_:voice:options:onProgress:)``.
    public nonisolated func chunks(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) -> AsyncThrowingStream<SpeechChunk, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    try await self.stream(text, voice, options, onProgress) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func stream(
        _ text: String, _ voice: Voice?, _ options: SpeechOptions, _ onProgress: @Sendable (SpeechProgress) -> Void,
        _ deliver: @Sendable (SpeechChunk) -> Void
    ) throws {
        _ = try perform(text, voice, options, onProgress, deliver: deliver)
    }

    /// Speaks a text in one breath and keeps what every stage computed, under the names that upstream's trace has:
    /// how two implementations are compared and how a fault is reported.
    public func trace(
        _ text: String, voice: Voice? = nil, options: SpeechOptions = .standard,
        onProgress: @Sendable (SpeechProgress) -> Void = { _ in }
    ) throws -> (speech: Speech, trace: SpeechTrace) {
        var trace: SpeechTrace = [:]
        var samples: [Float] = [], words: [SpokenWord] = []
        let (seed, report) = try perform(text, voice, options.inOneBreath, onProgress, trace: { trace[$0] = $1 }) {
            samples += $0.audio.samples
            words += $0.words
        }
        return (Speech(audio: Audio(samples: samples, sampleRate: sampleRate), seed: seed, report: report, words: words), trace)
    }

    // MARK: the pipeline

    private func perform(
        _ text: String, _ voice: Voice?, _ options: SpeechOptions, _ onProgress: (SpeechProgress) -> Void,
        trace: ((String, Tensor) -> Void)? = nil, deliver: (SpeechChunk) throws -> Void
    ) throws -> (seed: UInt64, report: SpeechReport) {
        guard let voice = voice ?? model.builtInVoice else { throw CheckpointError.noBuiltInVoice(model.folder) }
        let heads = options.wordTimes ? try model.alignmentHeads() : []
        let parts = try PreparedText(text, model, options)
        let warnings = (model.variant.warnings(options) + parts.warnings).uniqued()
        let joiner = options.splitting == .none ? nil : SpeechJoiner(sampleRate: sampleRate)
        let seed = options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        return try withoutGradients {
            let generator = try Generator(seed: seed, device: model.device)
            let clock = ContinuousClock()
            let start = clock.now
            var report = SpeechReport()
            // The watermark gives samples later than it takes them.
            var (spokenCount, sampleCount) = (0, 0)
            report.warnings = warnings
            trace?("speaker_embedding", voice.speakerEmbedding)
            trace?("cond_prompt_tokens", voice.conditioningTokens)
            trace?("prompt_token", voice.prompt.tokens)
            trace?("prompt_feat", voice.prompt.mel)
            trace?("xvector", voice.prompt.speaker)
            var watermark = options.watermark ? model.watermarker.map { WatermarkStream($0, sampleRate: sampleRate) } : nil
            for (index, part) in parts.parts.enumerated() {
                var samples: [Float]
                var words: [SpokenWord] = []
                switch part {
                case .silence(let seconds): samples = joiner?.silence(seconds) ?? []
                case .utterance(let utterance):
                    onProgress(.piece(utterance.number, of: parts.utteranceCount, text: utterance.text))
                    let breath = try speak(utterance, voice, options, heads, generator, &report, onProgress, trace)
                    let kept = joiner?.speech(in: breath.samples) ?? breath.samples.indices
                    words = breath.words.map { $0.moved(into: kept, at: spokenCount, sampleRate: sampleRate) }
                    samples = joiner.map { $0.cut(breath.samples, to: kept) + $0.silence(utterance.pause) } ?? breath.samples
                }
                spokenCount += samples.count
                report.stages.watermark += try clock.measure {
                    samples = try watermark?.mark(samples) ?? samples
                    report.isWatermarked = watermark != nil
                    if index == parts.parts.count - 1, let ending = try watermark?.finish() {
                        samples += ending.samples
                        report.isWatermarked = ending.isMarked
                    }
                } / .seconds(1)
                sampleCount += samples.count
                report.audioSeconds = Double(sampleCount) / Double(sampleRate)
                report.wallSeconds = (clock.now - start) / .seconds(1)
                if report.firstAudioSeconds == 0 { report.firstAudioSeconds = report.wallSeconds }
                try deliver(SpeechChunk(
                    audio: Audio(samples: samples, sampleRate: sampleRate), text: part.text, report: report, seed: seed, words: words))
            }
            return (seed, report)
        }
    }

    /// Text tokens to speech tokens to mel to waveform, with the times of words where heads are given to tell them.
    private func speak(
        _ utterance: PreparedText.Utterance, _ voice: Voice, _ options: SpeechOptions, _ heads: [AttentionHead], _ generator: Generator,
        _ report: inout SpeechReport, _ onProgress: (SpeechProgress) -> Void, _ trace: ((String, Tensor) -> Void)?
    ) throws -> (samples: [Float], words: [SpokenWord]) {
        let variant = model.variant
        let settings = try options.sampling.applied(to: variant.sampling)
        let clock = ContinuousClock()
        var mark = clock.now
        func lap() -> Double {
            defer { mark = clock.now }
            return (clock.now - mark) / .seconds(1)
        }

        let conditioning = try T3Conditioning(voice, dtype: model.dtype, exaggeration: options.exaggeration ?? 0.5)
        // What a text can take bounds a piece; in one breath, as upstream speaks, the caller's number alone does.
        let isGuarded = options.splitting != .none
        let budget = isGuarded ? min(options.maximumTokens, speechBudget(for: utterance.text)) : options.maximumTokens
        let capacity = model.configuration.t3.prefixLength(text: utterance.tokens.count, prompt: voice.conditioningTokens.size(1))
            + budget
        let decoder: T3Decoder
        do {
            try model.offload?.enter()
            defer { model.offload?.exit() }
            let engine = try model.makeDecodeEngine(slots: model.configuration.t3.isGuided(by: settings) ? 2 : 1, capacity: capacity)
            decoder = try T3Decoder(
                engine: engine, text: utterance.tokens, conditioning: conditioning, options: settings,
                budget: budget, earliestStop: variant.ending.earliestStop(after: utterance.tokens), loopGuard: isGuarded ? LoopGuard() : nil,
                recording: heads, generator: generator)
            report.textTokens += utterance.tokens.count
            report.stages.prefill += lap()
            while try decoder.next() != nil { onProgress(.tokens(report.speechTokens + decoder.tokens.count)) }
        }
        report.speechTokens += decoder.tokens.count
        report.end = [report.end, decoder.end].compactMap(\.self).max()
        report.stages.decode += lap()

        let stop = decoder.end == .stop && model.configuration.t3.style == .chatterbox ? [model.configuration.t3.stopSpeech] : []
        trace?("text_tokens", try Tensor(utterance.tokens, shape: [1, utterance.tokens.count]))
        trace?("speech_tokens", try Tensor(decoder.tokens + stop, shape: [1, decoder.tokens.count + stop.count]))

        let codes = variant.ending.speakable(decoder.tokens, model.configuration)
        // Upstream's decoder cannot make sound of nothing; neither can ours.
        guard !codes.isEmpty else { return ([], []) }
        let steps = options.steps ?? model.configuration.s3Gen.flow.steps
        var step = 0
        let mel = try model.s3Gen.flow(
            tokens: Tensor(codes, shape: [1, codes.count], device: model.device), prompt: voice.prompt, steps: steps, generator: generator
        ) {
            try Task.checkCancellation()
            step += 1
            onProgress(.flow(step: step, of: steps))
        }
        report.stages.flow += lap()
        try Task.checkCancellation()

        onProgress(.vocoder)
        let sound = try model.s3Gen.waveform(of: mel, generator: generator).waveform
        let waveform = try variant.ending.heard(sound, tokens: codes.count)
        report.stages.vocoder += lap()
        trace?("mel", mel)
        trace?("wav", waveform)
        return (try waveform.array(of: Float.self), words(of: utterance, decoder))
    }

    /// The utterance's words in seconds of its waveform; none where no attention was recorded.
    private func words(of utterance: PreparedText.Utterance, _ decoder: T3Decoder) -> [SpokenWord] {
        guard let attention = decoder.attention else { return [] }
        let owners = TokenWords(utterance.text, pieces: utterance.tokens.map { model.tokenizer.piece(of: $0) ?? "" })
        let frames = WordAlignment(owners: owners.owners, wordCount: owners.words.count)
            .frames(model.variant.ending.audible(in: decoder.tokens, model.configuration).map(attention.weights(at:)))
        return zip(owners.words, frames).map { SpokenWord(text: $0, start: $1.lowerBound / 25, end: $1.upperBound / 25) }
    }
}

