import Foundation
import SpeechText
import Torch

extension Variant {
    /// The variant that a folder's `config.json` describes, or otherwise the one with the names of its files.
    ///
    /// - Throws: ``CheckpointError`` if there is none.
    public init(of folder: URL) throws { self = try ModelFiles(folder).variant }

    /// The options that its decoding ignores, by the names of the properties of ``SpeechOptions`` and ``SamplingOptions``.
    public var ignoredOptions: Set<String> {
        let t3 = configuration.t3
        return t3.style.ignoredOptions.union(t3.emotion ? [] : ["exaggeration"])
    }

    /// Resemble AI's model of this ``name``, of ``all``.
    public init?(named name: String) {
        guard let variant = Self.all.first(where: { $0.name == name }) else { return nil }
        self = variant
    }

    /// The requested language, or the first.
    ///
    /// - Throws: ``CheckpointError/unsupportedLanguage(_:model:languages:)``.
    func language(_ wanted: Language?) throws -> Language {
        guard let wanted else { return languages[0] }
        guard languages.contains(wanted) else {
            throw CheckpointError.unsupportedLanguage(wanted, model: title, languages: languages)
        }
        return wanted
    }

    /// A warning for each option that is set and ignored.
    func warnings(_ options: SpeechOptions) -> [SpeechWarning] {
        var given: [String] = []
        if let guidance = options.sampling.guidance, guidance > 0 { given.append("guidance") }
        if let minP = options.sampling.minP, minP > 0 { given.append("minP") }
        if options.sampling.topK != nil { given.append("topK") }
        if let exaggeration = options.exaggeration, exaggeration > 0 { given.append("exaggeration") }
        return given.filter(ignoredOptions.contains).map {
            SpeechWarning(.ignoredOption, "\($0) is ignored: \(title) has no use for it", option: $0)
        }
    }
}

extension Variant.Ending {
    /// The smallest number of speech tokens for a text with start and stop tokens; the stop token is not drawn before that.
    func earliestStop(after text: [Int]) -> Int { fewestPerText * text.count }

    /// The indices of the drawn tokens that become sound: all except control tokens.
    func audible(in drawn: [Int], _ configuration: ModelConfiguration) -> [Int] {
        let start = beginsAtStartToken ? drawn.firstIndex(of: configuration.t3.startSpeech).map { $0 + 1 } ?? 0 : 0
        return (start..<drawn.count).filter { drawn[$0] < configuration.s3Gen.flow.tokenCount }
    }

    /// The drawn tokens without control tokens, followed by the silent tokens.
    func speakable(_ drawn: [Int], _ configuration: ModelConfiguration) -> [Int] {
        audible(in: drawn, configuration).map { drawn[$0] } + silentTokens
    }

    /// The silent tokens after the drawn tokens.
    var silentTokens: [Int] { Array(repeating: Self.silentToken, count: silence) }

    /// The waveform `[1, samples]` of this many tokens, without the part at the end that is left out.
    func audible(_ waveform: Tensor, tokens: Int) throws -> Tensor {
        guard unheard > 0 else { return waveform }
        let samples = waveform.size(1) / tokens * max(1, tokens - unheard)
        return try waveform.narrow(axis: 1, from: 0, count: min(samples, waveform.size(1)))
    }
}
