import Torch

/// What ``SpeechPromptEncoder`` hears of a reference recording.
public struct SpeechPromptFeatures: Sendable {
    /// S3Gen's log mel spectrogram of the recording at 24 kHz: `[frames, 80]`, 50 frames a second.
    public let mel: Tensor
    /// The tokenizer's log mel spectrogram of it at 16 kHz: `[128, frames]`, 100 frames a second.
    public let logMel: Tensor
    /// Kaldi's log filterbank of it at 16 kHz, means taken away: `[frames, 80]`, 100 frames a second.
    public let filterbank: Tensor

    public init(mel: Tensor, logMel: Tensor, filterbank: Tensor) {
        self.mel = mel
        self.logMel = logMel
        self.filterbank = filterbank
    }
}

/// Makes the prompt that S3Gen continues (upstream: `embed_ref` in `models/s3gen/s3gen.py`). Voice conversion needs
/// nothing more of the target voice.
public struct SpeechPromptEncoder: Sendable {
    public let tokenizer: S3Tokenizer
    public let speakerEncoder: SpeakerEncoder

    public init(tokenizer: S3Tokenizer, speakerEncoder: SpeakerEncoder) {
        self.tokenizer = tokenizer
        self.speakerEncoder = speakerEncoder
    }

    /// A last token that lacks its second mel frame is left out.
    public func callAsFunction(_ features: SpeechPromptFeatures) throws -> SpeechPrompt {
        let device = tokenizer.device
        let tokens = try tokenizer.tokens(ofLogMel: features.logMel.to(device))
        return SpeechPrompt(
            tokens: try tokens.narrow(axis: 1, from: 0, count: min(tokens.size(1), features.mel.size(0) / 2)),
            mel: try features.mel.to(device).unsqueezed(0),
            speaker: try speakerEncoder(features.filterbank.to(device).unsqueezed(0)))
    }
}
