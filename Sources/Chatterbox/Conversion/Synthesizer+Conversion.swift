import SpeechAudio
import Torch

extension Synthesizer {
    /// Converts a recording of any length to another voice. T3 is not used.
    ///
    /// - Parameters:
    ///   - recording: the speech to convert, at least a tenth of a second.
    ///   - name: the recording's name in messages.
    ///   - voice: nil uses the model's own.
    ///   - steps: steps of the flow's solver; nil uses the model's default.
    ///   - seed: seed of all random numbers; nil uses a random one.
    ///   - watermark: whether the watermark is added, if the model has a ``Watermarker``.
    ///   - onProgress: called on the engine's threads; it should return at once.
    /// - Throws: `AudioError` for a recording that is silent or under a tenth of a second,
    ///   ``CheckpointError/noBuiltInVoice(_:)``, ``VoiceError`` for a voice of other networks, ``SpeechOptionsError``, `CancellationError`,
    ///   `TorchError`.
    public func convert(
        _ recording: Audio, named name: String = "recording", to voice: Voice? = nil, steps: Int? = nil, seed: UInt64? = nil,
        watermark: Bool = true, onProgress: @escaping @Sendable (SpeechProgress) -> Void = { _ in }
    ) async throws -> Speech {
        let request = engine.makeRequest(), log = SpeechLog(logger, request: request.number)
        do {
            let speech = try await converted(
                recording, name, voice, SpeechOptions(steps: steps, seed: seed, watermark: watermark), request, log, onProgress)
            log.ends(speech.report)
            return speech
        } catch {
            log.ends(error)
            throw error
        }
    }

    private func converted(
        _ recording: Audio, _ name: String, _ voice: Voice?, _ options: SpeechOptions, _ request: EngineRequest, _ log: SpeechLog,
        _ onProgress: @escaping @Sendable (SpeechProgress) -> Void
    ) async throws -> Speech {
        let start = ContinuousClock.now
        try options.check()
        let voice = try model.voice(voice, for: .conversion)
        try recording.checkedAsReference(named: name, minimumSeconds: 0.1)
        let chosen = options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        log.begins(converting: recording, model)
        return try await engine.run(request, threads: model.libtorchThreads) { [model, sampleRate] turn in
            let conversion = VoiceConversion(
                s3Gen: model.s3Gen, prompt: voice.prompt, steps: options.steps ?? model.configuration.s3Gen.flow.steps,
                generator: try model.generator(seed: chosen))
            var finishing = try SpeechFinishing(model, sampleRate: sampleRate, options: options, warnings: voice.warnings, since: start)
            var samples: [Float] = []
            try withoutGradients {
                var clock = StageClock()
                let tokens = try conversion.tokens(of: recording, pause: turn.pause)
                finishing.report.speechTokens = tokens.count
                finishing.report.stages.listening = clock.lap()
                try conversion.speak(tokens, pause: turn.pause) { step in
                    try turn.pause()
                    switch step {
                    // The vocoder used the time since the previous passage.
                    case .passage: finishing.report.stages.vocoder += clock.lap()
                    case .flow: break
                    case .vocoder: finishing.report.stages.flow += clock.lap()
                    }
                    onProgress(SpeechProgress(step, steps: conversion.steps))
                } deliver: { piece in
                    finishing.report.stages.vocoder += clock.lap()
                    samples += try finishing(piece, isLast: false)
                    _ = clock.lap()
                }
                samples += try finishing([], isLast: true)
            }
            for warning in finishing.report.warnings { log.warns(warning) }
            return Speech(audio: Audio(samples: samples, sampleRate: sampleRate), seed: chosen, report: finishing.report)
        }
    }
}

extension SpeechProgress {
    init(_ step: VoiceConversion.Step, steps: Int) {
        self =
            switch step {
            case .passage(let number, let count, let tokens):
                .piece(number, of: count, text: "from \(tokens.lowerBound / 25) s to \(tokens.upperBound / 25) s")
            case .flow(let step): .flow(step: step, of: steps)
            case .vocoder: .vocoder
            }
    }
}
