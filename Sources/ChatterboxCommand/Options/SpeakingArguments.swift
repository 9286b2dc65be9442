import ArgumentParser
import Chatterbox
import Foundation
import SpeechText

/// How a text is spoken. Options that are not given have the model's defaults.
struct SpeakingArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Seed of all random numbers: the same seed gives the same speech. (default: a random one)", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Language of the text, such as en or pt-br, for models of several languages. (default: detected from the text)", valueName: "xx"))
    var language: String?

    @Option(help: ArgumentHelp("Strength of expression: 0.25 is flat, 0.5 neutral, 2 theatrical; not Turbo and Nano. (default: 0.5)", valueName: "x"))
    var exaggeration: Double?

    @Option(
        help: ArgumentHelp(
            "Weight of classifier-free guidance by the text; 0 reduces the accent of a voice from another language; not Turbo and Nano. (default: 0.5)",
            valueName: "x"))
    var cfgWeight: Double?

    @Option(
        help: ArgumentHelp(
            "Sampling temperature: below 1 steadier, above 1 more varied; 0 always chooses the most likely token. (default: 0.8, Pico 0.5)",
            valueName: "x"))
    var temperature: Double?

    @Option(
        help: ArgumentHelp(
            "Sample only from the most likely tokens that together have this probability. (default: 1, Turbo and Nano 0.95)", valueName: "p"))
    var topP: Double?

    @Option(help: ArgumentHelp("Sample only from this many of the most likely tokens; only Turbo and Nano. (default: 1000)", valueName: "n"))
    var topK: Int?

    @Option(
        help: ArgumentHelp(
            "Exclude tokens whose probability is below this share of the most likely token's; not Turbo and Nano. (default: 0.05)", valueName: "p"))
    var minP: Double?

    @Option(help: ArgumentHelp("Penalty for tokens that were drawn before; 1 is none. (default: 1.2)", valueName: "x"))
    var repetitionPenalty: Double?

    @Option(help: ArgumentHelp("Steps of the flow: fewer are faster, more are more accurate. (default: 10, Turbo and Nano 2)", valueName: "n"))
    var steps: Int?

    @Option(help: ArgumentHelp("Limit of speech tokens for a piece of text, 25 a second. (default: 1000)", valueName: "n"))
    var maxTokens: Int?

    @Option(help: "sentences: speak sentence by sentence; none: speak the whole text undivided, as upstream does.")
    var split = SpeechOptions.Splitting.sentences

    @Option(
        help: ArgumentHelp(
            "Sample a piece of the text again if its speech is cut off, repeats itself or has an implausible length, up to this many times in all, and keep the best take; has no effect with --max-tokens. (default: 2)",
            valueName: "n"))
    var takes: Int?

    @Option(
        help: ArgumentHelp(
            "A table of words to speak differently: on each line a word, a tab and the text that is spoken instead.", valueName: "words.tsv"))
    var lexicon: String?

    @Option(
        help: ArgumentHelp(
            "Seconds of silence between pieces of the text, as sentence=0.5,paragraph=1.2; with a value for sentence other than the default, short sentences are not spoken together. (default: word=0.04,clause=0.15,sentence=0.35,paragraph=0.7)",
            valueName: "where=s"))
    var pause: String?

    @Option(help: ArgumentHelp("Speed factor, 0.25 to 4, at the same pitch. (default: 1)", valueName: "x"))
    var speed: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Loudness of the whole output, such as -16 for a podcast or -23 for broadcasting; the output is then written when all of the text is spoken. (default: not changed)",
            valueName: "lufs"))
    var loudness: Double?

    @Flag(
        help: ArgumentHelp(
            "Pass the text to the model unchanged, with markup, numbers, signs and abbreviations, as upstream does; so do --split none and --exact."))
    var noNormalize = false

    @Flag(help: "Leave the inaudible watermark out.")
    var noWatermark = false

    /// - Parameters:
    ///   - seed: the seed if none is given.
    ///   - wordTimes: whether the time of each word is reported.
    ///   - delivery: whether sound is delivered while it is computed.
    /// - Throws: ``SpeechOptionsError`` naming the option that is out of range; ``UsageError``.
    func options(seed: UInt64? = nil, wordTimes: Bool = false, delivery: SpeechOptions.Delivery = .utterances) throws -> SpeechOptions {
        let options = SpeechOptions(
            sampling: SamplingChanges(
                temperature: temperature, topP: topP, topK: topK, minP: minP, repetitionPenalty: repetitionPenalty,
                guidance: cfgWeight),
            exaggeration: exaggeration, language: try parsedLanguage(), steps: steps,
            maximumTokens: maxTokens, seed: self.seed ?? seed, watermark: !noWatermark,
            splitting: split, wordTimes: wordTimes, delivery: delivery, speed: speed ?? 1, loudness: loudness,
            normalizes: noNormalize ? false : nil, takes: takes, lexicon: try parsedLexicon(), pauses: try parsedPauses())
        // Options are checked before anything is loaded.
        try options.check()
        return options
    }

    private func parsedPauses() throws -> Pauses {
        var seconds: [String: Double] = [:]
        for item in pause?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
            let parts = item.split(separator: "=", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, Pauses.names.contains(parts[0]), let value = Double(parts[1]) else {
                let names = Pauses.names.joined(separator: ", ")
                throw UsageError("--pause has \"\(item)\"; give lengths such as sentence=0.5,paragraph=1.2; there are \(names)")
            }
            seconds[parts[0]] = value
        }
        return try Pauses(seconds)
    }

    private func parsedLexicon() throws -> Lexicon? {
        guard let lexicon else { return nil }
        let table = try TextSource.text(ofFile: lexicon)
        do { return try Lexicon(tsv: PlainText.cleaned(table)) } catch let error as LexiconError {
            throw UsageError("--lexicon \(lexicon): \(error)")
        }
    }

    private func parsedLanguage() throws -> Language? { try language.map(Language.init(option:)) }

    /// - Throws: ``UsageError`` for options that this model does not support.
    func check(_ model: Model) throws {
        if let language = try parsedLanguage() { try model.variant.checkOption(language) }
    }
}

extension Language {
    /// The language of `--language`.
    ///
    /// - Throws: ``UsageError``.
    init(option code: String) throws {
        guard let known = Language(code: code) else {
            throw UsageError("--language is \(code), which no model speaks; known are \(Language.allCases.map(\.code).joined(separator: ", "))")
        }
        self = known
    }
}

extension Variant {
    /// - Throws: ``UsageError`` if the model does not speak the language of `--language`.
    func checkOption(_ language: Language) throws {
        guard !languages.contains(language) else { return }
        throw UsageError("--language is \(language.code); \(title) speaks \(languages.map(\.code).joined(separator: ", "))")
    }
}

extension SpeechOptions.Splitting: ExpressibleByArgument {}
extension SpeechOptions.Delivery: ExpressibleByArgument {}
