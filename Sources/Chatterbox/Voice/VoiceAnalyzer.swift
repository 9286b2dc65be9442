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
/// `ReferenceFeatures` has the order of cuts and resamplings; this runs the networks on what comes of it.
package struct VoiceAnalyzer: Sendable {
    package let rules: ReferenceRules
    package let voiceEncoder: VoiceEncoder
    package let promptEncoder: SpeechPromptEncoder
    /// What messages call the model whose networks these are.
    package let model: String?

    /// - Parameters:
    ///   - voiceEncoder: makes T3's vector of who speaks.
    ///   - tokenizer: S3Gen's, which also makes T3's tokens.
    ///   - speakerEncoder: S3Gen's.
    ///   - rules: how much of a recording each part of the model hears.
    ///   - model: what messages call the model whose networks these are.
    package init(
        voiceEncoder: VoiceEncoder, tokenizer: S3Tokenizer, speakerEncoder: SpeakerEncoder, rules: ReferenceRules = .chatterbox,
        model: String? = nil
    ) {
        self.rules = rules
        self.model = model
        self.voiceEncoder = voiceEncoder
        promptEncoder = SpeechPromptEncoder(tokenizer: tokenizer, speakerEncoder: speakerEncoder)
    }

    /// Sizes of the voices that come of it.
    package var voiceSizes: Voice.Sizes {
        var sizes = Voice.Sizes.chatterbox
        sizes.speakerEmbedding = voiceEncoder.config.embeddingSize
        sizes.speaker = promptEncoder.speakerEncoder.config.embeddingSize
        sizes.tokenCount = promptEncoder.tokenizer.config.tokenCount
        return sizes
    }

    /// What the voices that come of it are told apart by. The first call reads a sample of the networks' weights.
    ///
    /// - Throws: `TorchError` where they cannot be read.
    package func origin() throws -> VoiceOrigin {
        VoiceOrigin(
            model: model, voiceEncoder: try voiceEncoder.digest(), tokenizer: try promptEncoder.tokenizer.digest(),
            speakerEncoder: try promptEncoder.speakerEncoder.digest(), rules: rules)
    }

    /// The voice in a recording of any rate and number of channels, which it carries along.
    ///
    /// - Parameters:
    ///   - reference: someone speaking, for at least ``ReferenceRules/minimumSeconds``.
    ///   - name: what to call the recording in a message: its file's name.
    ///   - pause: called after each network; what it throws ends the work.
    /// - Throws: `AudioError` where the recording is too short, silent, or contains values that are not numbers;
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

/// What ``SpeechPromptEncoder`` hears of a reference recording.
package struct SpeechPromptFeatures: Sendable {
    /// S3Gen's log mel spectrogram of the recording at 24 kHz: `[frames, 80]`, 50 frames a second.
    package let mel: Tensor
    /// The tokenizer's log mel spectrogram of it at 16 kHz: `[128, frames]`, 100 frames a second.
    package let logMel: Tensor
    /// Kaldi's log filterbank of it at 16 kHz, means taken away: `[frames, 80]`, 100 frames a second.
    package let filterbank: Tensor

    package init(mel: Tensor, logMel: Tensor, filterbank: Tensor) {
        self.mel = mel
        self.logMel = logMel
        self.filterbank = filterbank
    }
}

/// Makes the prompt that S3Gen continues (upstream: `embed_ref` in `models/s3gen/s3gen.py`). Voice conversion needs
/// nothing more of the target voice.
package struct SpeechPromptEncoder: Sendable {
    package let tokenizer: S3Tokenizer
    package let speakerEncoder: SpeakerEncoder

    package init(tokenizer: S3Tokenizer, speakerEncoder: SpeakerEncoder) {
        self.tokenizer = tokenizer
        self.speakerEncoder = speakerEncoder
    }

    /// A last token that lacks its second mel frame is left out.
    package func callAsFunction(_ features: SpeechPromptFeatures) throws -> SpeechPrompt {
        let device = tokenizer.device
        let tokens = try tokenizer.tokens(ofLogMel: features.logMel.to(device))
        return SpeechPrompt(
            tokens: try tokens.narrow(axis: 1, from: 0, count: min(tokens.size(1), features.mel.size(0) / 2)),
            mel: try features.mel.to(device).unsqueezed(0),
            speaker: try speakerEncoder(features.filterbank.to(device).unsqueezed(0)))
    }
}
