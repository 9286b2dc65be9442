import ArgumentParser
import Chatterbox

/// How a text is spoken. What is not given stays as the model has it.
struct SpeakingArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Every random number follows from it: the same seed, the same speech. By default a new one.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Language of the text, as en or pt-br, for models that speak several.", valueName: "xx"))
    var language: String?

    @Option(help: ArgumentHelp("How lively: 0.25 is flat, 0.5 neutral, 2 theatrical. (default: 0.5)", valueName: "x"))
    var exaggeration: Double?

    @Option(help: ArgumentHelp("How closely pace and wording are held to the text; 0 helps a voice of another language. (default: 0.5)", valueName: "x"))
    var cfgWeight: Double?

    @Option(help: ArgumentHelp("Below 1 steadier, above 1 more varied. (default: 0.8)", valueName: "x"))
    var temperature: Double?

    @Option(help: ArgumentHelp("Draw only from the likeliest tokens that together have this probability. (default: 1)", valueName: "p"))
    var topP: Double?

    @Option(help: ArgumentHelp("Draw only from this many of the likeliest tokens. (default: all)", valueName: "n"))
    var topK: Int?

    @Option(help: ArgumentHelp("Draw no token less likely than this share of the likeliest. (default: 0.05)", valueName: "p"))
    var minP: Double?

    @Option(help: ArgumentHelp("Hold tokens back that were spoken before; 1 does not. (default: 1.2)", valueName: "x"))
    var repetitionPenalty: Double?

    @Option(help: ArgumentHelp("Steps from tokens to sound: fewer are faster, more are finer. (default: the model's, 10)", valueName: "n"))
    var steps: Int?

    @Option(help: ArgumentHelp("Most speech tokens for a piece of text, 25 a second. (default: 1000)", valueName: "n"))
    var maxTokens: Int?

    @Option(help: "Speak sentence by sentence, or the whole text in one breath as upstream does.")
    var split = SpeechOptions.Splitting.sentences

    @Flag(help: "Leave the inaudible watermark out.")
    var noWatermark = false

    /// - Throws: ``SpeechOptionsError`` or ``SamplingError`` naming the option that is out of range.
    func options(splitting: SpeechOptions.Splitting? = nil) throws -> SpeechOptions {
        let sampling = SamplingOptions.chatterbox, speech = SpeechOptions.chatterbox
        return try SpeechOptions(
            sampling: SamplingOptions(
                temperature: temperature ?? sampling.temperature, topP: topP ?? sampling.topP, topK: topK ?? sampling.topK,
                minP: minP ?? sampling.minP, repetitionPenalty: repetitionPenalty ?? sampling.repetitionPenalty,
                guidance: cfgWeight ?? sampling.guidance),
            exaggeration: exaggeration ?? speech.exaggeration, steps: steps, maximumTokens: maxTokens ?? speech.maximumTokens,
            seed: seed, watermark: !noWatermark, splitting: splitting ?? split)
    }

    /// - Throws: ``UsageError`` for what this model cannot do.
    func check(_ model: Model) throws {
        if let language, language.lowercased() != "en" {
            throw UsageError("--language is \(language); this model speaks en alone")
        }
    }
}

extension SpeechOptions.Splitting: ExpressibleByArgument {}
