/// A text checked and divided for a model: what is spoken, and the silences between. Tokens are made when a piece's turn
/// comes.
struct PreparedText {
    enum Part {
        case piece(Piece)
        /// Seconds.
        case silence(Double)
    }

    /// Text for one breath.
    struct Piece {
        let text: String
        /// Its place among the pieces, from 1.
        let number: Int
        /// Seconds of silence that follow it.
        var pause = 0.0
    }

    let parts: [Part]
    let pieceCount: Int
    let warnings: [SpeechWarning]
    private let model: Model
    private let language: Language

    /// Splits where asked to, and encodes every piece once to see that it can be spoken.
    ///
    /// - Throws: ``TextError``, ``CheckpointError/unsupportedLanguage(_:model:languages:)``.
    init(_ text: String, _ model: Model, _ options: SpeechOptions) throws {
        guard !text.allSatisfy(\.isWhitespace) else { throw TextError.empty }
        let script: [SpeechScript.Part] = switch options.splitting {
        case .none: [.speech(text, .sentence)]
        case .sentences: try SpeechScript(text).parts
        }
        let language = try model.variant.language(options.language)
        let limit = model.configuration.t3.maximumText
        var parts: [Part] = []
        var warnings: [SpeechWarning] = []
        var count = 0
        for (index, part) in script.enumerated() {
            switch part {
            case .silence(let seconds): parts.append(.silence(seconds))
            case .speech(let text, let boundary):
                let encoded = Self.encode(text, model, language)
                guard encoded.hasWords else { continue }
                guard encoded.tokens.count <= limit else {
                    throw TextError.tooLong(characters: text.count, tokens: encoded.tokens.count, limit: limit)
                }
                warnings += encoded.warnings.filter { !warnings.contains($0) }
                count += 1
                var piece = Piece(text: text, number: count)
                // A silence that was asked for replaces the pause, and after the last word there is none.
                if index + 1 < script.count, case .speech = script[index + 1] { piece.pause = SpeechJoiner.pause(after: boundary) }
                parts.append(.piece(piece))
            }
        }
        guard count > 0 || script.isSilence else { throw TextError.nothingToSpeak(text) }
        (self.parts, self.warnings, pieceCount) = (parts, warnings, count)
        (self.model, self.language) = (model, language)
    }

    /// What T3 reads of a piece, with start and stop.
    func tokens(of piece: Piece) -> [Int] {
        model.configuration.t3.framed(Self.encode(piece.text, model, language).tokens)
    }

    private static func encode(_ text: String, _ model: Model, _ language: Language) -> EncodedText {
        model.tokenizer.encode(model.variant.normalizer(text), language: language)
    }
}

extension [SpeechScript.Part] {
    /// Whether it is silence alone, and some.
    fileprivate var isSilence: Bool {
        var length = 0.0
        for part in self {
            guard case .silence(let seconds) = part else { return false }
            length += seconds
        }
        return length > 0
    }
}
