/// Why a speech token model cannot do what it is asked.
public enum T3Error: Error, Hashable, CustomStringConvertible {
    /// There is no text to speak.
    case emptyText
    /// The text lacks the start or the stop token.
    case unframedText(start: Int, stop: Int)
    /// The text has more tokens, start and stop included, than there are positions.
    case textTooLong(tokens: Int, limit: Int)
    /// No speech is asked for, or more than there are positions.
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
    /// The logits of a next token hold no usable numbers.
    case unusableLogits
    /// Nothing packs the weights of this kind of backbone.
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
            "The model finds no token likely: its logits are infinite or no numbers. Damaged weights, or 16 bits that are too few for them, do that."
        case .cannotPack(let backbone):
            "No packed weights can be made of a \(backbone): it computes through libtorch alone."
        case .unevenHeads(let hiddenSize, let heads):
            "A width of \(hiddenSize) cannot be divided among \(heads) attention heads."
        }
    }
}
