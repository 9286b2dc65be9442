import SpeechText

/// A request's text after a model's ``TextPipeline``, with its warnings.
struct PreparedText: Sendable {
    let plan: TextPlan
    let warnings: [SpeechWarning]
    private let model: Model

    var parts: [TextPlan.Part] { plan.parts }
    var pieceCount: Int { plan.pieceCount }

    /// Splits the text if the options say so, and encodes every piece once to check that it can be spoken.
    ///
    /// - Parameter speakers: names that begin a turn when they are in brackets.
    /// - Throws: `TextError`, ``ForeignTextError``, ``CheckpointError/unsupportedLanguage(_:model:languages:)``.
    init(_ text: String, _ model: Model, _ options: SpeechOptions, speakers: Set<String> = []) throws {
        var pipeline = model.textPipeline
        pipeline.normalizes = options.normalizes ?? (options.splitting != .none && !model.isExact)
        pipeline.splits = options.splitting == .sentences
        pipeline.lexicon = options.lexicon
        // A requested pause between sentences is audible only at the ends of pieces.
        pipeline.endsAtSentences = options.pauses.sentence != Pauses.standard.sentence
        pipeline.pause = options.pauses.callAsFunction(after:)
        let language = try options.language.map { try model.variant.language($0) }
        plan = try pipeline(text, language: language, speakers: speakers)
        if plan.isMostlyUnknown, pipeline.normalizes || plan.pieceCount == 0 {
            throw ForeignTextError(text: text, languages: plan.unknown.compactMap(\.language).uniqued())
        }
        warnings =
            plan.notes.map(SpeechWarning.init) + plan.unknown.map(SpeechWarning.unknownCharacters)
            + plan.unreadTags.map { .unreadTag($0, model: model.variant.title) }
        self.model = model
    }

    private init(_ plan: TextPlan, _ model: Model) { (self.plan, warnings, self.model) = (plan, [], model) }

    /// Only one of its pieces, without the warnings.
    func only(_ piece: TextPlan.Piece) -> PreparedText { PreparedText(plan.only(piece), model) }

    /// The text tokens of a piece, with start and stop tokens.
    func tokens(of piece: TextPlan.Piece) -> [Int] { model.configuration.t3.framed(plan.tokens(of: piece)) }
}

/// A text that is mostly written in a script that the model does not know.
public struct ForeignTextError: Error, Hashable, CustomStringConvertible {
    /// The whole text.
    public let text: String
    /// The languages of the script, as far as they are known.
    public let languages: [Language]

    /// - Parameters: the properties.
    init(text: String, languages: [Language]) { (self.text, self.languages) = (text, languages) }

    public var description: String {
        let shown = text.count > 20 ? text.prefix(20) + "…" : text[...]
        return "most of \"\(shown)\" is in letters that the model does not know" + languages.compactMap(Variant.whatSpeaks).map { "; \($0)" }.joined()
    }
}
