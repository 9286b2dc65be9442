import Foundation
import Synchronization

/// Turns any text into the pieces that a model speaks, step by step.
///
/// ```swift
/// let pipeline = TextPipeline(tokenizer: try EnglishTokenizer(file), normalizer: .english, languages: [.english])
/// let plan = try pipeline("# Prices\n\n**Tea** costs $3. [pause:1s] See p. 5.")
/// for case .piece(let piece) in plan.parts { print(piece.spoken, plan.tokens(of: piece)) }
/// ```
/// The steps are methods. They run in this order, and each can also be called by itself:
///
/// | step | what it does | by |
/// |---|---|---|
/// | ``decode(_:)`` | decodes and cleans a file's text | ``PlainText`` |
/// | ``markup(_:speakers:)`` | interprets markup: words, silences, speaking rates and speakers | ``MarkedText`` |
/// | ``language(of:)`` | detects the language | ``LanguageGuess`` |
/// | ``split(_:)`` | divides the text into pieces and silences | ``SpeechScript``, ``SentenceSplitter`` |
/// | ``respell(_:)`` | replaces single words | ``Lexicon`` |
/// | ``normalize(_:in:)`` | writes numbers, dates, money and signs as words | ``SpokenForm`` |
/// | ``tokenize(_:in:)`` | makes the network's tokens | ``TextNormalizer``, ``TextTokenizer`` |
///
/// The changes by each step are in ``TextPlan/Piece/readings``, so that the written form of a spoken word can be found
/// (``TextPlan/Piece/written(_:)``).
public struct TextPipeline: Sendable {
    public let tokenizer: any TextTokenizer
    /// Rewrites text as in the model's training; the last step before the tokens.
    public let normalizer: TextNormalizer
    /// The languages of the model. The first is used if a text's language is not detected.
    public let languages: [Language]
    /// Largest number of tokens of a piece, without start and stop.
    public let limit: Int

    /// Replacements for single words.
    public var lexicon: Lexicon?
    /// Whether markup is interpreted and numbers become words; otherwise the text is tokenized as it is written.
    public var normalizes = true
    /// Whether the text is divided; otherwise it is one piece, without silences.
    public var splits = true
    /// Seconds of silence at each boundary.
    public var pause: @Sendable (SentenceSplitter.Boundary) -> Double = \.usualPause
    /// Whether each sentence is a separate piece, except very short ones, so that the set pause is inserted after each sentence.
    public var endsAtSentences = false

    private var splitter: SentenceSplitter { SentenceSplitter(joins: !endsAtSentences) }
    private let forms = SpokenForms()

    /// - Parameters:
    ///   - tokenizer: the model's tokenizer.
    ///   - normalizer: rewrites text as in the model's training.
    ///   - languages: the model's languages, at least one.
    ///   - limit: the largest number of tokens of a piece.
    public init(tokenizer: any TextTokenizer, normalizer: TextNormalizer, languages: [Language], limit: Int = .max) {
        precondition(!languages.isEmpty, "a model speaks at least one language")
        (self.tokenizer, self.normalizer, self.languages, self.limit) = (tokenizer, normalizer, languages, limit)
    }

    /// All steps but the first.
    ///
    /// - Parameters:
    ///   - text: the whole text; it must not be blank.
    ///   - language: the text's language; nil uses the declared or the detected one.
    ///   - speakers: names that begin a turn when they appear in brackets.
    /// - Returns: the plan. It has no piece if the text contains only silence, or only letters that the model does not know
    ///   (``TextPlan/isMostlyUnknown``).
    /// - Throws: ``TextError``.
    public func callAsFunction(_ text: String, language: Language? = nil, speakers: Set<String> = []) throws -> TextPlan {
        let cleaned = normalizes ? StackedMarks(PlainText.cleaned(text), isKnown: isKnown) : nil, text = cleaned?.text ?? text
        guard !text.allSatisfy(\.isWhitespace) else { throw TextError.empty }
        let marked = markup(text, speakers: speakers)
        let unknownSpeakers = marked.unknownSpeakers + unknownTurns(in: marked, speakers)
        guard unknownSpeakers.isEmpty else { throw TextError.unknownSpeakers(unknownSpeakers, known: speakers.sorted()) }
        let (language, note) = try language.map { ($0, nil) } ?? self.language(of: marked)

        var builder = PieceBuilder(self, language)
        if splits { try builder.add(marked) } else { try builder.addWhole(marked, of: text) }
        guard builder.count > 0 || builder.isSilence || builder.isMostlyUnknown else { throw TextError.nothingToSpeak(text) }
        return TextPlan(
            parts: builder.parts, pieceCount: builder.count, language: language,
            notes: [note].compactMap(\.self) + marked.notes + signs(of: marked, cleaned?.changed ?? []) + builder.notes,
            unknown: unknown(builder.unknown, in: marked),
            isMostlyUnknown: builder.isMostlyUnknown, unreadTags: unreadTags(in: marked), pipeline: self)
    }

    // MARK: the steps

    /// A file's bytes as text, without what cannot be spoken.
    ///
    /// - Throws: ``TextEncodingError``.
    public func decode(_ bytes: Data) throws -> String { PlainText.cleaned(try PlainText.decoded(bytes)) }

    /// A text without its markup. If the text is not normalised, only speakers' names are interpreted.
    public func markup(_ text: String, speakers: Set<String> = []) -> MarkedText {
        normalizes ? MarkedText(text, speakers: speakers) : MarkedText(unmarked: text, speakers: speakers)
    }

    /// The language of a text: the model's only language, the one that the text declares, or the one that is detected, with a note. If the text is
    /// not normalised, the model's first language.
    ///
    /// - Throws: ``TextError/unsureLanguage(_:)``.
    public func language(of marked: MarkedText) throws -> (Language, TextNote?) {
        guard languages.count > 1, normalizes else { return (languages[0], nil) }
        if let said = marked.language.flatMap(Language.init(code:)), languages.contains(said) { return (said, nil) }
        switch LanguageGuess(marked.text, among: Set(languages.map(\.code))) {
        case .certain(let code), .likely(let code):
            guard let language = Language(code: code) else { break }
            return (language, TextNote(.language, "no language was given; the text is taken for \(language.name) (\(language.code))"))
        case .none:
            return (
                languages[0],
                TextNote(
                    .language,
                    "no language was given, and it cannot be detected from the text; the text is taken for \(languages[0].name) (\(languages[0].code))"
                )
            )
        case .unsure(let codes): throw TextError.unsureLanguage(codes.compactMap(Language.init(code:)))
        }
        return (languages[0], nil)
    }

    /// The pieces of a text, and its silences.
    ///
    /// - Throws: ``TextError/pause(_:)``.
    public func split(_ text: String) throws -> [SpeechScript.Part] { try SpeechScript(text, splitter: splitter).parts }

    /// A text with the lexicon's replacements.
    public func respell(_ text: String) -> SpokenText { lexicon?(text) ?? SpokenText(unchanged: text) }

    /// A text with numbers, dates and signs as words.
    ///
    /// - Parameters:
    ///   - text: text without markup.
    ///   - language: one of ``languages``.
    public func normalize(_ text: String, in language: Language) -> SpokenText {
        normalizes ? forms[language](text) : SpokenText(unchanged: text)
    }

    /// The tokens of a text.
    ///
    /// - Parameters:
    ///   - text: text with words for numbers and signs, from ``normalize(_:in:)``.
    ///   - language: one of ``languages``.
    public func tokenize(_ text: String, in language: Language) -> EncodedText { tokenizer.encode(normalizer(text), language: language) }

    /// A text in the form of a transcript: figures as words, without tags for sounds.
    func transcript(of text: String, in language: Language) -> String {
        let tags = (tokenizer as? GPT2Tokenizer)?.tags ?? []
        return forms[language](tags.reduce(text) { $0.replacing($1, with: " ") }).text
    }

    // MARK: text that cannot be read

    /// Characters of a piece that the model does not know, each once, in order.
    func unknownCharacters(in spoken: String, _ encoded: EncodedText) -> [Character] {
        tokenizer.unknownCharacters(in: normalizer(spoken), encoded)
    }

    /// Whether the model knows all of a character.
    private func isKnown(_ character: Character) -> Bool {
        let text = normalizer(String(character))
        return tokenizer.unknownCharacters(in: text, tokenizer.encode(text, language: languages[0])).isEmpty
    }

    /// Signs that are not spoken as they are written.
    private func signs(of marked: MarkedText, _ stacked: [Character]) -> [TextNote] {
        guard normalizes else { return [] }
        let named = stacked.prefix(5).map(String.init).joined(separator: " ") + (stacked.count > 5 ? " and \(stacked.count - 5) more" : "")
        let marks =
            stacked.isEmpty
            ? nil : TextNote(.signs, "\(named) \(stacked.count == 1 ? "has" : "have") marks that the model does not know; they are left out")
        return [marks, PhoneticSigns.note(on: marked.text)].compactMap(\.self)
    }

    /// Characters that the model does not know, grouped by language.
    private func unknown(_ characters: [Character], in marked: MarkedText) -> [TextPlan.UnknownScript] {
        let groups = LanguageGuess.scripts(of: characters)
        return groups.map { code, characters in
            TextPlan.UnknownScript(characters: characters, language: code.flatMap(Language.init(code:)) ?? foreignLanguage(of: marked))
        }
    }

    /// The language that a text seems to be in, if the model does not speak it.
    private func foreignLanguage(of marked: MarkedText) -> Language? {
        switch LanguageGuess(marked.text, among: Set(Language.allCases.map(\.code))) {
        case .certain(let code), .likely(let code): Language(code: code).flatMap { languages.contains($0) ? nil : $0 }
        case .none, .unsure: nil
        }
    }

    /// Words in brackets, such as `[laugh]`, in a text for a model without tags; a tokenizer with tags notes others itself.
    private func unreadTags(in marked: MarkedText) -> [String] {
        tokenizer is GPT2Tokenizer ? [] : marked.text.bracketedWords.filter { $0.lowercased() != "[pause]" }
    }

    /// Names in brackets at the beginning of a sentence, like the names of speakers, if the text has other speakers; tags of the family's models do
    /// not count.
    private func unknownTurns(in marked: MarkedText, _ speakers: Set<String>) -> [String] {
        guard !speakers.isEmpty else { return [] }
        let tags = Self.familyTags.union((tokenizer as? GPT2Tokenizer)?.tags.map { $0.dropFirst().dropLast().lowercased() } ?? [])
        let turns = marked.text.matches(of: /(?:^|[\n.!?…"”])\s*\[(\p{L}[\p{L}\p{N} '_-]{0,39})\]/).map { String($0.output.1) }
        return turns.uniqued().filter { !tags.contains($0.lowercased()) && !speakers.contains($0) }
    }

    /// The tags of upstream's Turbo.
    package static let familyTags: Set<String> = [
        "pause", "clear throat", "sigh", "shush", "cough", "groan", "sniff", "gasp", "chuckle", "laugh",
    ]
}

/// The number spellers of each language. They are created when they are first needed and then kept, since they cache the numbers that they have
/// spelled.
private final class SpokenForms: Sendable {
    private let made = Mutex<[Language: SpokenForm]>([:])

    subscript(language: Language) -> SpokenForm {
        made.withLock { made in
            if let form = made[language] { return form }
            let form = SpokenForm(language: language.code)
            made[language] = form
            return form
        }
    }
}

extension Array where Element: Hashable {
    /// Each element once, in order.
    package func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
