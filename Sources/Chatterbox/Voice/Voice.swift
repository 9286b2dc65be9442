import Torch

/// A voice ready to speak with: what the models need to know of a reference recording.
///
/// Make one with ``Synthesizer/voice(from:named:)``, keep it with ``save(to:replaces:)``, and get it back with ``load(from:sizes:)``: no analysis
/// then, and the same speech. It tells which networks made it (``origin``): a model with others speaks wrongly in it, and
/// refuses it, or makes it anew from the ``recording`` that it carries. How lively it speaks is an option of speaking, not
/// part of the voice.
public struct Voice: Sendable {
    /// Who speaks, for T3: `[1, 256]`, of length 1.
    package private(set) var speakerEmbedding: Tensor
    /// How they speak, for T3: tokens of the reference's first seconds, `[1, ≤ 150]` int64.
    package private(set) var conditioningTokens: Tensor
    /// What S3Gen continues.
    package private(set) var prompt: SpeechPrompt
    /// What messages call it: its file or its recording.
    public internal(set) var name = "the voice"
    /// Which networks made it, by which rules; nil where that is not known.
    public package(set) var origin: VoiceOrigin?
    /// Seconds of the recording that they heard; nil where that is not known.
    public internal(set) var heardSeconds: Double?
    /// Which part of a longer recording those are; nil where they are all of it or that is not known.
    public internal(set) var excerpt: Excerpt?
    /// What was said of the recording when the voice was made of it, each the end of a sentence.
    public internal(set) var recordingNotes: [String] = []
    /// The recording; nil where it was not kept.
    public internal(set) var recording: VoiceRecording?
    /// What a person should know of any speech in it. They become part of a speech's report, not of the voice's file.
    public internal(set) var warnings: [SpeechWarning] = []

    package init(speakerEmbedding: Tensor, conditioningTokens: Tensor, prompt: SpeechPrompt) {
        self.speakerEmbedding = speakerEmbedding
        self.conditioningTokens = conditioningTokens
        self.prompt = prompt
    }

    /// The same voice on a device.
    package func to(_ device: Device) throws -> Voice {
        var moved = self
        moved.speakerEmbedding = try speakerEmbedding.to(device)
        moved.conditioningTokens = try conditioningTokens.to(device)
        moved.prompt = SpeechPrompt(
            tokens: try prompt.tokens.to(device), mel: try prompt.mel.to(device), speaker: try prompt.speaker.to(device))
        return moved
    }

    /// The same voice without the recording, which no other model can then make it anew from.
    public var withoutRecording: Voice {
        var copy = self
        copy.recording = nil
        return copy
    }
}

extension Voice {
    /// A part of a recording.
    public struct Excerpt: Sendable, Hashable {
        /// Seconds from the recording's beginning.
        public let seconds: ClosedRange<Double>
        /// Seconds of the whole recording.
        public let total: Double

        init(_ seconds: ClosedRange<Double>, of total: Double) { (self.seconds, self.total) = (seconds, total) }
    }
}

/// The beginning that S3Gen continues: speech as tokens and as the sound that belongs to them.
package struct SpeechPrompt: Sendable {
    /// `[1, tokens]` int64, 25 a second.
    package let tokens: Tensor
    /// Log mel spectrogram at 24 kHz, `[1, 2 × tokens, 80]`, 50 frames a second; one frame more where the reference
    /// ends in the middle of a token.
    package let mel: Tensor
    /// Whose timbre: the x-vector of ``SpeakerEncoder``, `[1, 192]`.
    package let speaker: Tensor

    package init(tokens: Tensor, mel: Tensor, speaker: Tensor) {
        self.tokens = tokens
        self.mel = mel
        self.speaker = speaker
    }
}

extension Voice {
    /// Sizes that a voice shares with the models that made it and will speak with it.
    public struct Sizes: Sendable, Codable, Hashable {
        /// Length of the vector that says who speaks.
        public var speakerEmbedding = 256
        /// Of a mel spectrogram.
        public var melBins = 80
        /// Length of the x-vector.
        public var speaker = 192
        /// Tokens are numbers below this.
        public var tokenCount = 6561

        /// Upstream's.
        public init() {}

        /// Upstream's.
        public static let chatterbox = Sizes()
    }

    /// Checks shapes and values; whole numbers become int64 and others float32.
    ///
    /// - Throws: ``VoiceError`` for the first tensor that does not fit.
    func checked(_ sizes: Sizes) throws -> Voice {
        func numbers(_ tensor: Tensor, _ name: String, _ fits: ([Int]) -> Bool, _ expected: String) throws -> Tensor {
            guard fits(tensor.shape) else {
                throw VoiceError.shape(source: self.name, tensor: name, expected: expected, found: tensor.shape)
            }
            let tensor = try tensor.to(.float32)
            guard try tensor.isFinite().all().item(Bool.self) else { throw VoiceError.notFinite(source: self.name, tensor: name) }
            return tensor
        }
        func tokens(_ tensor: Tensor, _ name: String) throws -> Tensor {
            guard tensor.rank == 2, tensor.size(0) == 1, tensor.size(1) > 0 else {
                throw VoiceError.shape(source: self.name, tensor: name, expected: "[1, at least 1]", found: tensor.shape)
            }
            let values = try tensor.array(of: Int.self)
            if let wrong = values.first(where: { !(0..<sizes.tokenCount).contains($0) }) {
                throw VoiceError.token(source: self.name, tensor: name, found: wrong, count: sizes.tokenCount)
            }
            return try tensor.to(.int64)
        }
        let promptTokens = try tokens(prompt.tokens, Name.promptTokens)
        let frames = 2 * promptTokens.size(1)
        var checked = self
        checked.speakerEmbedding = try numbers(
            speakerEmbedding, Name.speakerEmbedding, { $0 == [1, sizes.speakerEmbedding] }, "[1, \(sizes.speakerEmbedding)]")
        checked.conditioningTokens = try tokens(conditioningTokens, Name.conditioningTokens)
        checked.prompt = SpeechPrompt(
            tokens: promptTokens,
            mel: try numbers(
                prompt.mel, Name.promptMel, { $0 == [1, frames, sizes.melBins] || $0 == [1, frames + 1, sizes.melBins] },
                "[1, \(frames), \(sizes.melBins)], two frames for each of the \(promptTokens.size(1)) prompt tokens"),
            speaker: try numbers(prompt.speaker, Name.xVector, { $0 == [1, sizes.speaker] }, "[1, \(sizes.speaker)]"))
        return checked
    }
}
