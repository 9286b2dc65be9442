import SpeechText

/// A text checked and divided for a model: what is spoken, and the silences between. Tokens are made when a piece's turn
/// comes.
///
/// The steps: markup is read (`MarkedText`), each stretch is divided into pieces (``SentenceSplitter``), and each piece goes through the
/// lexicon (`Lexicon`) and becomes words (`SpokenForm`). Every step keeps what it changed, so that the words that are heard find
/// those that are written.
struct PreparedText: Sendable {
    enum Part: Sendable {
        case piece(Piece)
        /// Seconds.
        case silence(Double)
    }

    /// Text for one breath.
    struct Piece: Sendable {
        /// As it is written, without its markup.
        let text: String
        /// The steps from what is written to what is said, the first one's first.
        let readings: [SpokenText]
        /// Its place among the pieces, from 1.
        let number: Int
        /// Seconds of silence that follow it.
        var pause = 0.0
        /// How it is said.
        var manner = MarkedText.Manner()
        /// Where parts meet that are spoken in one breath because they are short.
        var joints: [Joint] = []

        /// As it is said.
        var spoken: String { readings.last?.text ?? text }
    }

    /// A place within a piece where a pause belongs that is longer than the model's own.
    struct Joint: Sendable, Hashable {
        /// The share of the piece that comes before.
        let share: Double
        /// Seconds.
        let pause: Double
    }

    let parts: [Part]
    let pieceCount: Int
    let warnings: [SpeechWarning]
    /// What the text is spoken in.
    let language: Language
    private let model: Model

    /// Splits where asked to, and encodes every piece once to see that it can be spoken.
    ///
    /// - Parameter speakers: names that begin a turn where they stand in brackets.
    /// - Throws: ``TextError``, ``CheckpointError/unsupportedLanguage(_:model:languages:)``.
    init(_ text: String, _ model: Model, _ options: SpeechOptions, speakers: Set<String> = []) throws {
        let normalizes = options.normalizes ?? (options.splitting != .none && !model.isExact)
        let text = normalizes ? PlainText.cleaned(text) : text
        guard !text.allSatisfy(\.isWhitespace) else { throw TextError.empty }
        let marked = normalizes ? MarkedText(text, speakers: speakers) : MarkedText(unmarked: text, speakers: speakers)
        let unknownSpeakers = marked.unknownSpeakers + Self.unknownTurns(in: marked, model, speakers)
        guard unknownSpeakers.isEmpty else { throw TextError.unknownSpeakers(unknownSpeakers, known: speakers.sorted()) }
        let (language, languageWarning) = try Self.language(of: marked, model, options, guesses: normalizes)

        var builder = PieceBuilder(model, options, language, normalizes: normalizes)
        switch options.splitting {
        // One breath has no silences and one speaker.
        case .none: try builder.addWhole(marked, of: text)
        case .sentences: try builder.add(marked)
        }
        guard builder.count > 0 || builder.isSilence else {
            throw builder.mostlyUnknown.map { TextError.foreign(text, language: $0.language) } ?? .nothingToSpeak(text)
        }
        if normalizes, let unknown = builder.mostlyUnknown { throw TextError.foreign(text, language: unknown.language) }
        let foreign = builder.hasUnknown ? Self.foreignLanguage(of: marked, model) : nil
        warnings = [languageWarning].compactMap(\.self) + marked.notes.map(SpeechWarning.init) + builder.allWarnings(foreign)
            + Self.tags(in: marked.text, unknownTo: model).map { .unreadTag($0, model: model.variant.title) }
        (parts, pieceCount) = (builder.parts, builder.count)
        (self.model, self.language) = (model, language)
    }

    /// The language asked for, else the one that the text says it is in or seems to be in.
    private static func language(
        of marked: MarkedText, _ model: Model, _ options: SpeechOptions, guesses: Bool
    ) throws -> (Language, SpeechWarning?) {
        let languages = model.variant.languages
        if options.language != nil || languages.count == 1 || !guesses { return (try model.variant.language(options.language), nil) }
        if let said = marked.language.flatMap(Language.init(code:)), languages.contains(said) { return (said, nil) }
        switch LanguageGuess(marked.text, among: Set(languages.map(\.code))) {
        case .certain(let code), .likely(let code):
            guard let language = Language(code: code) else { break }
            return (language, SpeechWarning(.language, "no language was given; the text is taken for \(language.name) (\(language.code))"))
        case .none: return (languages[0], nil)
        case .unsure(let codes):
            throw TextError.unsureLanguage(codes.compactMap(Language.init(code:)))
        }
        return (languages[0], nil)
    }

    /// The language that a text seems to be in, where the model does not speak it.
    private static func foreignLanguage(of marked: MarkedText, _ model: Model) -> Language? {
        switch LanguageGuess(marked.text, among: Set(Language.allCases.map(\.code))) {
        case .certain(let code), .likely(let code): Language(code: code).flatMap { model.variant.languages.contains($0) ? nil : $0 }
        case .none, .unsure: nil
        }
    }

    /// What T3 reads of a piece, with start and stop.
    func tokens(of piece: Piece) -> [Int] {
        model.configuration.t3.framed(Self.encode(piece.spoken, model, language).tokens)
    }

    /// Names in brackets that begin a sentence as a turn does, where others do; tags of the family's models are none.
    private static func unknownTurns(in marked: MarkedText, _ model: Model, _ speakers: Set<String>) -> [String] {
        guard !speakers.isEmpty else { return [] }
        let tags = familyTags.union((model.tokenizer as? GPT2Tokenizer)?.tags.map { $0.dropFirst().dropLast().lowercased() } ?? [])
        let turns = marked.text.matches(of: /(?:^|[\n.!?…"”])\s*\[(\p{L}[\p{L}\p{N} '_-]{0,39})\]/).map { String($0.output.1) }
        return turns.uniqued().filter { !tags.contains($0.lowercased()) && !speakers.contains($0) }
    }

    /// What upstream's Turbo offers.
    private static let familyTags: Set<String> = [
        "pause", "clear throat", "sigh", "shush", "cough", "groan", "sniff", "gasp", "chuckle", "laugh",
    ]

    /// What looks like a tag, as `[laugh]`, to a model that has none; a model with tags warns of others itself.
    private static func tags(in text: String, unknownTo model: Model) -> [String] {
        model.tokenizer is GPT2Tokenizer ? [] : text.bracketedWords.filter { $0.lowercased() != "[pause]" }
    }

    static func encode(_ text: String, _ model: Model, _ language: Language) -> EncodedText {
        model.tokenizer.encode(model.variant.normalizer(text), language: language)
    }
}
