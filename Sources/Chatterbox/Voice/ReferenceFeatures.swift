import SpeechAudio
import Torch

/// The inputs of the networks of a ``VoiceAnalyzer``: all of upstream's cuts and resamplings, in order.
///
/// ```
/// recording ─ mono, 24 kHz (soxr) ─┬─ 16 kHz (soxr) ─┬─ trimmed ──────► mel ────► voice encoder
///                                  │                 └─ first 6 s ────► log mel ► tokenizer, for T3
///                                  └─ first 10 s ─┬───────────────────► mel of the prompt
///                                                 └─ 16 kHz (sinc) ─┬─► log mel ► tokenizer, for S3Gen
///                                                                   └─► filterbank ► speaker encoder
/// ```
/// For Turbo the recording is normalised to one loudness at 24 kHz first. The two resamplings to 16 kHz differ in the last bits, on which tokens
/// depend. Upstream: `prepare_conditionals` in `tts.py`, `embed_ref` in `models/s3gen/s3gen.py`, `embeds_from_wavs` in
/// `models/voice_encoder/voice_encoder.py`.
struct ReferenceFeatures: Sendable {
    /// `[frames, 40]`, power.
    let voiceMel: Tensor
    /// `[128, frames]`.
    let conditioningLogMel: Tensor
    let prompt: SpeechPromptFeatures

    init(voiceMel: Tensor, conditioningLogMel: Tensor, prompt: SpeechPromptFeatures) {
        self.voiceMel = voiceMel
        self.conditioningLogMel = conditioningLogMel
        self.prompt = prompt
    }

    init(of reference: Audio, _ rules: ReferenceRules) throws {
        let recorded = try reference.mono().resampled(to: Rate.speech)
        let wide = try rules.loudness.map { try recorded.normalised(toLUFS: $0) } ?? recorded
        let narrow = try wide.resampled(to: Rate.listening)
        voiceMel = try VoiceEncoderMel()(narrow.trimmed().tensor())
        conditioningLogMel = try TokenizerMel()(narrow.prefix(seconds: rules.conditioningSeconds).tensor())
        prompt = try SpeechPromptFeatures(of: wide, rules)
    }
}

extension SpeechPromptFeatures {
    /// Computes the inputs from the first seconds of a recording with any rate and number of channels.
    public init(of reference: Audio, _ rules: ReferenceRules = .chatterbox) throws {
        let wide = try reference.mono().resampled(to: Rate.speech).prefix(seconds: rules.promptSeconds).tensor()
        let narrow = try WindowedSincResampler(from: Rate.speech, to: Rate.listening)(wide)
        self.init(
            mel: try PromptMel()(wide)[0].transposed(0, 1), logMel: try TokenizerMel()(narrow),
            filterbank: try KaldiFilterBank()(narrow))
    }
}

private enum Rate {
    /// Sample rate of S3Gen's output, in Hz.
    static let speech = 24000
    /// Sample rate of the other networks' input, in Hz.
    static let listening = 16000
}
