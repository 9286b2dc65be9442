import SpeechText

/// A text checked and divided for a model: what is spoken, and the silences between. Tokens are made when a piece's turn
/// comes.
struct PreparedText: Sendable {
    enum Part: Sendable {
        case piece(Piece)
        /// Seconds.
        case silence(Double)
    }

    /// Text for one breath.
    struct Piece: Sendable {
        let text: String
        /// The same as it is said.
        let spoken: SpokenText
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

    /// Most characters of a piece as it is said, where it is longer than as it is written.
    private static let longest = 350

    /// Splits where asked to, and encodes every piece once to see that it can be spoken.
    ///
    /// - Throws: ``TextError``, ``CheckpointError/unsupportedLanguage(_:model:languages:)``.
    init(_ text: String, _ model: Model, _ options: SpeechOptions) throws {
        let normalizes = options.normalizes ?? (options.splitting != .none && !model.isExact)
        let text = normalizes ? PlainText.cleaned(text) : text
        guard !text.allSatisfy(\.isWhitespace) else { throw TextError.empty }
        let script: [SpeechScript.Part] = switch options.splitting {
        case .none: [.speech(text, .sentence)]
        case .sentences: try SpeechScript(text).parts
        }
        let language = try model.variant.language(options.language)
        let limit = model.configuration.t3.maximumText
        let form = normalizes ? SpokenForm(language: language.code) : nil
        func said(_ text: String) -> SpokenText { form?(text) ?? SpokenText(segments: [.init(written: text, spoken: text)]) }
        var parts: [Part] = []
        var warnings: [SpeechWarning] = []
        var count = 0, unknown: [Character] = []
        /// Adds a piece; one that is too long as it is said, in parts.
        func add(_ text: String, pause: Double) throws {
            let spoken = said(text), encoded = Self.encode(spoken.text, model, language)
            guard encoded.hasWords else { return }
            let isLong = encoded.tokens.count > limit || spoken.text.count > 3 * text.count / 2 && spoken.text.count > Self.longest
            if isLong, options.splitting == .sentences {
                let halves = SentenceSplitter(limit: max(1, text.count / 2 + 1))(text)
                if halves.count > 1 {
                    for (index, half) in halves.enumerated() {
                        try add(half.text, pause: index + 1 < halves.count ? SpeechJoiner.pause(after: half.boundary) : pause)
                    }
                    return
                }
            }
            guard encoded.tokens.count <= limit else {
                throw TextError.tooLong(characters: text.count, tokens: encoded.tokens.count, limit: limit)
            }
            warnings += encoded.warnings.filter { !warnings.contains($0) }
            unknown += model.tokenizer.unknownCharacters(in: model.variant.normalizer(spoken.text), encoded).filter { !unknown.contains($0) }
            count += 1
            parts.append(.piece(Piece(text: text, spoken: spoken, number: count, pause: pause)))
        }
        for (index, part) in script.enumerated() {
            switch part {
            case .silence(let seconds): parts.append(.silence(seconds))
            case .speech(let text, let boundary):
                // A silence that was asked for replaces the pause, and after the last word there is none.
                let isFollowed = if index + 1 < script.count, case .speech = script[index + 1] { true } else { false }
                try add(text, pause: isFollowed ? SpeechJoiner.pause(after: boundary) : 0)
            }
        }
        warnings += Self.tags(in: text, unknownTo: model).map { .unreadTag($0, model: model.variant.title) }
        if !unknown.isEmpty { warnings.append(.unknownCharacters(unknown)) }
        guard count > 0 || script.isSilence else { throw TextError.nothingToSpeak(text) }
        (self.parts, self.warnings, pieceCount) = (parts, warnings, count)
        (self.model, self.language) = (model, language)
    }

    /// What T3 reads of a piece, with start and stop.
    func tokens(of piece: Piece) -> [Int] {
        model.configuration.t3.framed(Self.encode(piece.spoken.text, model, language).tokens)
    }

    /// What looks like a tag, as `[laugh]`, to a model that has none; a model with tags warns of others itself.
    private static func tags(in text: String, unknownTo model: Model) -> [String] {
        model.tokenizer is GPT2Tokenizer ? [] : text.bracketedWords.filter { $0.lowercased() != "[pause]" }
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
