import SpeechAudio
import Torch

extension Synthesizer {
    /// Says what a recording says in another voice, whatever its length. T3 has no part in it.
    ///
    /// - Parameters:
    ///   - name: what to call the recording in a message.
    ///   - voice: nil takes the model's own.
    ///   - steps: steps of the flow's solver; nil takes the model's number.
    ///   - seed: what every random number follows from; nil draws one.
    ///   - watermark: whether the result carries the watermark, where the model has a ``Watermarker``.
    ///   - onProgress: called on the synthesizer's thread; it should return at once.
    /// - Throws: `AudioError` for a recording that is silent or under a tenth of a second,
    ///   ``CheckpointError/noBuiltInVoice(_:)``, ``SpeechOptionsError``, `CancellationError`, `TorchError`.
    public func convert(
        _ recording: Audio, named name: String = "recording", to voice: Voice? = nil, steps: Int? = nil, seed: UInt64? = nil,
        watermark: Bool = true, onProgress: @Sendable (SpeechProgress) -> Void = { _ in }
    ) throws -> Speech {
        guard let voice = voice ?? model.builtInVoice else { throw CheckpointError.noBuiltInVoice(model.folder) }
        let options = try SpeechOptions(steps: steps, seed: seed, watermark: watermark)
        try recording.checkedAsReference(named: name, minimumSeconds: 0.1)
        let chosen = options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        let conversion = VoiceConversion(
            s3Gen: model.s3Gen, prompt: voice.prompt, steps: options.steps ?? model.configuration.s3Gen.flow.steps,
            generator: try Generator(seed: chosen, device: model.device))
        return try withoutGradients {
            let clock = ContinuousClock(), start = clock.now
            var report = SpeechReport(), samples: [Float] = []
            var mark = watermark ? model.watermarker.map { WatermarkStream($0, sampleRate: sampleRate) } : nil
            let tokens = try conversion.tokens(of: recording)
            report.speechTokens = tokens.count
            try conversion.speak(tokens) { step in
                try Task.checkCancellation()
                onProgress(SpeechProgress(step, steps: conversion.steps))
            } deliver: { piece in
                samples += try mark?.mark(piece) ?? piece
                if report.firstAudioSeconds == 0 { report.firstAudioSeconds = (clock.now - start) / .seconds(1) }
            }
            if let ending = try mark?.finish() {
                samples += ending.samples
                report.isWatermarked = ending.isMarked
            }
            report.audioSeconds = Double(samples.count) / Double(sampleRate)
            report.wallSeconds = (clock.now - start) / .seconds(1)
            return Speech(audio: Audio(samples: samples, sampleRate: sampleRate), seed: chosen, report: report)
        }
    }
}

extension SpeechProgress {
    init(_ step: VoiceConversion.Step, steps: Int) {
        self = switch step {
        case .passage(let number, let count, let tokens):
            .piece(number, of: count, text: "from \(tokens.lowerBound / 25) s to \(tokens.upperBound / 25) s")
        case .flow(let step): .flow(step: step, of: steps)
        case .vocoder: .vocoder
        }
    }
}
