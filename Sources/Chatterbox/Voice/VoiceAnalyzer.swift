import SpeechAudio
import Torch

/// How much of a reference recording each part of a model uses.
public struct ReferenceRules: Sendable, Codable, Hashable {
    /// A shorter recording is refused.
    public var minimumSeconds = 0.5
    /// Seconds from the start that T3 gets as tokens.
    public var conditioningSeconds = 6.0
    /// The largest number of these tokens.
    public var conditioningTokens = 150
    /// Seconds from the start that are S3Gen's prompt.
    public var promptSeconds = 10.0
    /// The loudness to which a recording is normalised first, in LUFS; nil does not change it.
    public var loudness: Double?

    /// Upstream's for the English and the multilingual models.
    public init() {}

    /// Chatterbox and its multilingual variants.
    public static let chatterbox = ReferenceRules()

    /// Turbo and Nano: more of the recording is used, at a fixed loudness.
    public static let turbo = {
        var rules = ReferenceRules()
        rules.minimumSeconds = 5
        rules.conditioningSeconds = 15
        rules.conditioningTokens = 375
        rules.loudness = -27
        return rules
    }()
}

/// Turns a recording of someone speaking into a ``Voice`` (upstream: `prepare_conditionals` in `tts.py`).
///
/// `ReferenceFeatures` cuts and resamples the recording; this runs the networks on the result.
package struct VoiceAnalyzer: Sendable {
    package let rules: ReferenceRules
    package let voiceEncoder: VoiceEncoder
    package let promptEncoder: SpeechPromptEncoder
    /// The name of the model with these networks, for messages.
    package let model: String?

    /// - Parameters:
    ///   - voiceEncoder: computes T3's speaker embedding.
    ///   - tokenizer: S3Gen's tokenizer, which also computes T3's tokens.
    ///   - speakerEncoder: S3Gen's speaker encoder.
    ///   - rules: how much of a recording each part of the model uses.
    ///   - model: the name of the model with these networks, for messages.
    package init(
        voiceEncoder: VoiceEncoder, tokenizer: S3Tokenizer, speakerEncoder: SpeakerEncoder, rules: ReferenceRules = .chatterbox,
        model: String? = nil
    ) {
        self.rules = rules
        self.model = model
        self.voiceEncoder = voiceEncoder
        promptEncoder = SpeechPromptEncoder(tokenizer: tokenizer, speakerEncoder: speakerEncoder)
    }

    /// The sizes of the voices that it makes.
    package var voiceSizes: Voice.Sizes {
        var sizes = Voice.Sizes.chatterbox
        sizes.speakerEmbedding = voiceEncoder.config.embeddingSize
        sizes.speaker = promptEncoder.speakerEncoder.config.embeddingSize
        sizes.tokenCount = promptEncoder.tokenizer.config.tokenCount
        return sizes
    }

    /// The origin of the voices that it makes. The first call reads a sample of the networks' weights.
    ///
    /// - Throws: `TorchError` where they cannot be read.
    package func origin() throws -> VoiceOrigin {
        VoiceOrigin(
            model: model, voiceEncoder: try voiceEncoder.digest(), tokenizer: try promptEncoder.tokenizer.digest(),
            speakerEncoder: try promptEncoder.speakerEncoder.digest(), rules: rules)
    }

    /// Makes the voice of a recording with any rate and number of channels. The voice contains the recording.
    ///
    /// - Parameters:
    ///   - reference: someone speaking, for at least ``ReferenceRules/minimumSeconds``.
    ///   - name: what to call the recording in a message: its file's name.
    ///   - pause: called after each network; what it throws ends the work.
    /// - Throws: `AudioError` if the recording is too short, silent, or contains NaN or infinite values;
    ///   `CancellationError` between two networks.
    package func voice(from reference: Audio, named name: String = "reference recording", pause: () throws -> Void = {}) throws -> Voice {
        try reference.checkedAsReference(named: name, minimumSeconds: rules.minimumSeconds)
        var voice = try voice(from: ReferenceFeatures(of: reference, rules), pause: pause)
        voice.name = name
        voice.origin = try origin()
        voice.heardSeconds = reference.duration
        voice.recording = try VoiceRecording(reference)
        return voice
    }

    func voice(from features: ReferenceFeatures, pause: () throws -> Void = {}) throws -> Voice {
        try withoutGradients {
            let tokenizer = promptEncoder.tokenizer
            let speaker = try voiceEncoder.embedding(ofMel: features.voiceMel.to(tokenizer.device))
            try pause()
            let tokens = try tokenizer.tokens(
                ofLogMel: features.conditioningLogMel.to(tokenizer.device), limit: rules.conditioningTokens)
            try pause()
            return Voice(speakerEmbedding: speaker, conditioningTokens: tokens, prompt: try promptEncoder(features.prompt))
        }
    }
}

/// The inputs of ``SpeechPromptEncoder`` from a reference recording.
package struct SpeechPromptFeatures: Sendable {
    /// S3Gen's log mel spectrogram of the recording at 24 kHz: `[frames, 80]`, 50 frames a second.
    package let mel: Tensor
    /// The tokenizer's log mel spectrogram of it at 16 kHz: `[128, frames]`, 100 frames a second.
    package let logMel: Tensor
    /// Kaldi's log filterbank of it at 16 kHz, with the means subtracted: `[frames, 80]`, 100 frames a second.
    package let filterbank: Tensor

    package init(mel: Tensor, logMel: Tensor, filterbank: Tensor) {
        self.mel = mel
        self.logMel = logMel
        self.filterbank = filterbank
    }
}

/// Computes the prompt that S3Gen continues (upstream: `embed_ref` in `models/s3gen/s3gen.py`). Voice conversion needs
/// nothing else from the target voice.
package struct SpeechPromptEncoder: Sendable {
    package let tokenizer: S3Tokenizer
    package let speakerEncoder: SpeakerEncoder

    package init(tokenizer: S3Tokenizer, speakerEncoder: SpeakerEncoder) {
        self.tokenizer = tokenizer
        self.speakerEncoder = speakerEncoder
    }

    /// A last token without its second mel frame is omitted.
    package func callAsFunction(_ features: SpeechPromptFeatures) throws -> SpeechPrompt {
        let device = tokenizer.device
        let tokens = try tokenizer.tokens(ofLogMel: features.logMel.to(device))
        return SpeechPrompt(
            tokens: try tokens.narrow(axis: 1, from: 0, count: min(tokens.size(1), features.mel.size(0) / 2)),
            mel: try features.mel.to(device).unsqueezed(0),
            speaker: try speakerEncoder(features.filterbank.to(device).unsqueezed(0)))
    }
}
