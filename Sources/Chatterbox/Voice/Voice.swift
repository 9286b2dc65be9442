import Torch

/// A prepared voice: what the networks compute from a reference recording.
///
/// Make one with ``Synthesizer/voice(from:named:)``, save it with ``save(to:replaces:)``, and load it with ``load(from:sizes:)``, which needs no
/// analysis and gives the same speech. It contains digests of the networks that made it (``origin``). A model with other networks would speak
/// wrongly with it: it refuses the voice, or computes it again from the ``recording`` that it contains. The strength of expression is an option of
/// a request, not part of the voice.
public struct Voice: Sendable {
    /// Who speaks, for T3: `[1, 256]`, of length 1.
    package private(set) var speakerEmbedding: Tensor
    /// How they speak, for T3: tokens of the reference's first seconds, `[1, ≤ 150]` int64.
    package private(set) var conditioningTokens: Tensor
    /// The beginning that S3Gen continues.
    package private(set) var prompt: SpeechPrompt
    /// The name in messages: its file or its recording.
    public internal(set) var name = "the voice"
    /// The networks that made it and the rules for the recording; nil if not known.
    public package(set) var origin: VoiceOrigin?
    /// Seconds of the recording that were used; nil if not known.
    public internal(set) var heardSeconds: Double?
    /// The part of a longer recording that was used; nil if that was all of it, or is not known.
    public internal(set) var excerpt: Excerpt?
    /// Notes about the recording from when the voice was made, each the end of a sentence.
    public internal(set) var recordingNotes: [String] = []
    /// The recording; nil if it was not stored.
    public internal(set) var recording: VoiceRecording?
    /// Warnings for all speech with this voice. They are added to reports of speech, not to the voice's file.
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

    /// The same voice without the recording; other models can then not make it again.
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
        /// Length of T3's speaker embedding.
        public var speakerEmbedding = 256
        /// Bands of a mel spectrogram.
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
