/// What determines the voices that a model makes: its networks, identified by digests of their weights, and its rules for references.
///
/// The same recording gives the same voice wherever these are the same, whatever the model is called and whatever files
/// its networks come from.
public struct VoiceOrigin: Sendable, Hashable {
    /// The model's name in messages; nil if not known. It is ignored in comparisons.
    public let model: String?
    /// Digests of the networks' weights: `Weights.digest()`.
    public let voiceEncoder, tokenizer, speakerEncoder: String
    /// How much of a recording they use, and its loudness.
    public let rules: ReferenceRules

    package init(model: String? = nil, voiceEncoder: String, tokenizer: String, speakerEncoder: String, rules: ReferenceRules) {
        self.model = model
        self.voiceEncoder = voiceEncoder
        self.tokenizer = tokenizer
        self.speakerEncoder = speakerEncoder
        self.rules = rules
    }

    /// A part of an origin that can differ from another's.
    public enum Part: Sendable, Hashable, CaseIterable, CustomStringConvertible {
        case voiceEncoder, tokenizer, speakerEncoder, rules

        public var description: String {
            switch self {
            case .voiceEncoder: "voice encoder"
            case .tokenizer: "S3 tokenizer"
            case .speakerEncoder: "speaker encoder"
            case .rules: "reference rules"
            }
        }
    }

    /// The parts in which the other origin differs, so that its voices cannot be used with a model of this origin.
    public func differences(from other: VoiceOrigin, for use: Voice.Use = .speech) -> [Part] {
        Part.allCases.filter { part in
            switch part {
            // Conversion needs only the prompt, which does not depend on the voice encoder.
            case .voiceEncoder: use == .speech && voiceEncoder != other.voiceEncoder
            case .tokenizer: tokenizer != other.tokenizer
            case .speakerEncoder: speakerEncoder != other.speakerEncoder
            case .rules: use == .speech ? rules != other.rules : !rules.promptEquals(other.rules)
            }
        }
    }
}

extension Voice {
    /// What a voice is used for; this determines which parts of the origin must agree.
    public enum Use: Sendable, Hashable {
        /// Speaking a text: T3's conditions and the prompt that S3Gen continues.
        case speech
        /// Converting a recording: only the prompt.
        case conversion
    }
}

extension ReferenceRules {
    /// Whether both rules give the same prompt for S3Gen from a recording.
    fileprivate func promptEquals(_ other: ReferenceRules) -> Bool {
        promptSeconds == other.promptSeconds && loudness == other.loudness
    }
}

extension [VoiceOrigin.Part] {
    /// What a voice was made with, for a message: "Pico, which differs from Turbo in its voice encoder and reference rules".
    func contrast(of maker: String?, with model: String) -> String {
        let words = map(\.description)
        let list = words.count > 1 ? words.dropLast().joined(separator: ", ") + " and " + words.last! : words.joined()
        return maker == model
            ? "another \(model), which differs from this one in its \(list)"
            : "\(maker ?? "a model"), which differs from \(model) in its \(list)"
    }
}
