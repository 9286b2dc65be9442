/// Sizes and special tokens of a speech token model (upstream: `models/t3/modules/t3_config.py`).
///
/// The defaults are the English Chatterbox model; a smaller network with the same architecture loads through the same
/// code with other numbers.
public struct T3Configuration: Sendable, Codable, Hashable {
    /// Size of the text vocabulary.
    public var textVocabulary = 704
    /// The start token of every text.
    public var startText = 255
    /// The stop token of every text.
    public var stopText = 0
    /// Longest text in tokens, without its start and stop.
    public var maximumText = 2048
    /// Size of the speech vocabulary of embedding and head: codes, start, stop and unused tokens.
    public var speechVocabulary = 8194
    /// The start token of speech.
    public var startSpeech = 6561
    /// The token that ends speech.
    public var stopSpeech = 6562
    /// Longest speech in tokens (25 a second).
    public var maximumSpeech = 4096
    /// Longest prompt of the voice, in speech tokens.
    public var promptTokens = 150
    /// Width of the voice encoder's speaker embedding.
    public var speakerSize = 256
    /// Whether text and speech have learned position embeddings of their own; Turbo relies on its backbone's.
    public var learnedPositions = true
    /// Whether the strength of expression (``SpeechOptions/exaggeration``) is one of the conditions.
    public var emotion = true
    /// The perceiver that condenses the voice's prompt; with `nil` all its tokens are used.
    public var perceiver: PerceiverConfiguration? = PerceiverConfiguration()
    /// The transformer between embeddings and heads.
    public var backbone = BackboneConfiguration.llama(LlamaConfiguration())
    /// How logits become speech tokens.
    public var style = DecodingStyle.chatterbox
    /// Heads whose attention follows the text that is being spoken (upstream: `LLAMA_ALIGNED_HEADS`); nil if none are known.
    public var alignmentHeads: [AttentionHead]? = [
        AttentionHead(layer: 12, head: 15), AttentionHead(layer: 13, head: 11), AttentionHead(layer: 9, head: 2),
    ]

    /// The English model with upstream's sizes.
    public init() {}

    /// The English model: 30 Llama layers of width 1024.
    public static let chatterbox = T3Configuration()

    /// The multilingual models, version 2 and 3, and the single-language packs.
    public static let multilingual = {
        var configuration = T3Configuration()
        configuration.textVocabulary = 2454
        return configuration
    }()

    /// Turbo: GPT-2 medium, no perceiver, no strength of expression.
    public static let turbo = gpt2(GPT2Configuration())

    /// Nano: like Turbo, with GPT-2 small.
    public static let nano = gpt2(GPT2Configuration(hiddenSize: 768, layers: 12, heads: 12))

    private static func gpt2(_ backbone: GPT2Configuration) -> T3Configuration {
        var configuration = T3Configuration()
        configuration.textVocabulary = 50276
        configuration.maximumText = 1024
        configuration.speechVocabulary = 6563
        configuration.promptTokens = 375
        configuration.learnedPositions = false
        configuration.emotion = false
        configuration.perceiver = nil
        configuration.backbone = .gpt2(backbone)
        configuration.style = .turbo
        configuration.alignmentHeads = nil
        return configuration
    }

    /// Whether decoding with these options computes a second row, without the text; Turbo's style has no guidance.
    package func isGuided(by options: SamplingOptions) -> Bool { style == .chatterbox && options.guidance > 0 }

    /// The text with the start and stop tokens that this kind of model expects; Turbo's texts have none.
    public func framed(_ text: [Int]) -> [Int] {
        style == .turbo ? text : [startText] + text + [stopText]
    }
}

/// Upstream's two decoding methods (`T3.inference` and `T3.inference_turbo`).
///
/// Each can be used with each backbone; upstream decodes its Llamas in the first style and its GPT-2s in the second.
public enum DecodingStyle: String, Sendable, Hashable, Codable {
    /// Text between a start and a stop token, two start tokens of speech; guidance, repetition penalty, temperature, min-p, top-p, in
    /// this order.
    case chatterbox
    /// Text as it is, one start token of speech; temperature, top-k, top-p, repetition penalty, in this order; no guidance.
    case turbo

    /// The sampling options that it does not use.
    var ignoredOptions: Set<String> {
        switch self {
        case .chatterbox: ["topK"]
        case .turbo: ["guidance", "minP"]
        }
    }
}

extension T3Configuration {
    /// A `config.json` from before it named the style has that of upstream's models with such a backbone.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        textVocabulary = try values.decode(Int.self, forKey: .textVocabulary)
        startText = try values.decode(Int.self, forKey: .startText)
        stopText = try values.decode(Int.self, forKey: .stopText)
        maximumText = try values.decode(Int.self, forKey: .maximumText)
        speechVocabulary = try values.decode(Int.self, forKey: .speechVocabulary)
        startSpeech = try values.decode(Int.self, forKey: .startSpeech)
        stopSpeech = try values.decode(Int.self, forKey: .stopSpeech)
        maximumSpeech = try values.decode(Int.self, forKey: .maximumSpeech)
        promptTokens = try values.decode(Int.self, forKey: .promptTokens)
        speakerSize = try values.decode(Int.self, forKey: .speakerSize)
        learnedPositions = try values.decode(Bool.self, forKey: .learnedPositions)
        emotion = try values.decode(Bool.self, forKey: .emotion)
        perceiver = try values.decodeIfPresent(PerceiverConfiguration.self, forKey: .perceiver)
        backbone = try values.decode(BackboneConfiguration.self, forKey: .backbone)
        style = try values.decodeIfPresent(DecodingStyle.self, forKey: .style) ?? backbone.sizes.upstreamStyle
        alignmentHeads = try values.decodeIfPresent([AttentionHead].self, forKey: .alignmentHeads)
    }
}

/// The transformer of a speech token model; in JSON an object whose `kind` is `llama` or `gpt2`.
public enum BackboneConfiguration: Sendable, Hashable {
    case llama(LlamaConfiguration)
    case gpt2(GPT2Configuration)

    /// Width of the transformer's inputs and outputs.
    public var hiddenSize: Int { sizes.hiddenSize }

    /// The properties that all backbones' sizes have.
    var sizes: any BackboneSizes {
        switch self {
        case .llama(let llama): llama
        case .gpt2(let gpt2): gpt2
        }
    }

    /// The same kind with a thousandth of the weights.
    var tiny: BackboneConfiguration {
        switch self {
        case .llama: .llama(LlamaConfiguration(hiddenSize: 64, layers: 2, heads: 2, intermediateSize: 128))
        case .gpt2: .gpt2(GPT2Configuration(hiddenSize: 64, layers: 2, heads: 2, positions: 4096))
        }
    }
}

extension BackboneConfiguration: Codable {
    private enum Key: String, CodingKey { case kind }
    private enum Kind: String, Codable { case llama, gpt2 }

    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: Key.self).decode(Kind.self, forKey: .kind) {
        case .llama: self = .llama(try LlamaConfiguration(from: decoder))
        case .gpt2: self = .gpt2(try GPT2Configuration(from: decoder))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .llama(let llama):
            try container.encode(Kind.llama, forKey: .kind)
            try llama.encode(to: encoder)
        case .gpt2(let gpt2):
            try container.encode(Kind.gpt2, forKey: .kind)
            try gpt2.encode(to: encoder)
        }
    }
}

/// An invalid request to a speech token model, or an invalid model.
public enum T3Error: Error, Hashable, CustomStringConvertible {
    /// There is no text to speak.
    case emptyText
    /// The text lacks the start or the stop token.
    case unframedText(start: Int, stop: Int)
    /// The text has more tokens, start and stop included, than there are positions.
    case textTooLong(tokens: Int, limit: Int)
    /// The limit of speech tokens is 0, or larger than the number of positions.
    case budgetOutOfRange(tokens: Int, limit: Int)
    /// A prompt has more tokens than there are positions.
    case promptTooLong(tokens: Int, limit: Int)
    /// A token is not one of the vocabulary's.
    case unknownToken(Int, of: String, vocabulary: Int)
    /// The model needs a condition that the voice lacks.
    case missingCondition(String)
    /// A sequence needs more positions than the key-value cache, or the backbone's position table, holds.
    case sequenceTooLong(positions: Int, limit: Int)
    /// All slots of the key-value cache are taken.
    case noFreeSlots(wanted: Int, free: Int)
    /// The logits of the next token are NaN or infinite.
    case unusableLogits
    /// The weights of this kind of backbone cannot be packed.
    case cannotPack(backbone: String)
    /// The hidden width cannot be divided among the heads.
    case unevenHeads(hiddenSize: Int, heads: Int)

    public var description: String {
        switch self {
        case .emptyText:
            "There is no text to speak: the text has no tokens."
        case .unframedText(let start, let stop):
            "The text tokens must hold the start token \(start) and the stop token \(stop); T3Configuration.framed(_:) adds them."
        case .textTooLong(let tokens, let limit):
            "The text has \(tokens) tokens, the model takes \(limit) at most: split the text."
        case .budgetOutOfRange(let tokens, let limit):
            "\(tokens) speech tokens are asked for, the model makes 1 to \(limit) (25 a second)."
        case .promptTooLong(let tokens, let limit):
            "The voice's prompt has \(tokens) speech tokens, the model takes \(limit) at most: use a shorter reference."
        case .unknownToken(let token, let kind, let vocabulary):
            "The \(kind) token \(token) is unknown: the model knows 0 to \(vocabulary - 1). Do tokenizer and model belong together?"
        case .missingCondition(let name):
            "The voice has no \(name), which this model needs."
        case .sequenceTooLong(let positions, let limit):
            "Voice, text and speech together need \(positions) positions, there are \(limit): split the text or lower the token limit."
        case .noFreeSlots(let wanted, let free):
            "The key-value cache has no \(wanted) free slots (\(free) free): finish another request first."
        case .unusableLogits:
            "The model finds no token likely: its logits are infinite or NaN. The weights are damaged, or 16 bits are not enough for them."
        case .cannotPack(let backbone):
            "The weights of a \(backbone) cannot be packed: it computes only through libtorch."
        case .unevenHeads(let hiddenSize, let heads):
            "A width of \(hiddenSize) cannot be divided among \(heads) attention heads."
        }
    }
}
