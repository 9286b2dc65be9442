import SpeechText

/// One model of the family: everything that distinguishes it from the others.
///
/// The networks are the same code throughout; a variant says which files a folder holds, how large the networks are, how
/// text becomes tokens, how tokens are drawn, and what is done at the ends. ``all`` is the table to read first.
public struct Variant: Sendable {
    /// What requests and reports call it.
    public let name: String
    /// What messages call it.
    public let title: String
    /// The files of its folder.
    let files: Files
    /// Sizes of its networks and rules for references, where the folder has no `config.json`.
    public let configuration: ModelConfiguration
    /// How text is written before it becomes tokens.
    public let normalizer: TextNormalizer
    /// What makes tokens of it.
    let tokenizer: any TextTokenizer.Type
    /// Languages it speaks; the first is spoken where none is asked for.
    public let languages: [Language]
    /// How speech tokens are drawn unless a request says otherwise.
    public let sampling: SamplingOptions
    /// Options that its decoding does not know and therefore ignores.
    let ignored: Set<IgnoredOption>
    /// What is done with the end of speech.
    let ending: Ending

    /// What the file of its T3 is called.
    public var t3FileName: String { files.t3[0] }

    /// Names of a folder's files. Where several are given the first that is there is taken.
    struct Files: Sendable {
        let t3: [String]
        let s3Gen: [String]
        let voiceEncoder: [String]
        var voice = ["conds.pt", "conds.safetensors"]
    }

    /// Options of speaking that some variants have no use for, called as the properties of the options are.
    enum IgnoredOption: String, Sendable {
        case guidance, minP, topK, exaggeration
    }

    /// How speech is finished: as upstream does it, and Pico as it needs.
    struct Ending: Sendable {
        /// Speech tokens for each text token, start and stop included, before which a stop is not believed.
        var fewestPerText = 0
        /// Tokens of silence that follow the drawn ones, so that the last sound is not cut off.
        var silence = 0
        /// Tokens at the end whose sound is left out: what is drawn right before the stop token decodes to noise.
        var unheard = 0
        /// Whether speech begins after a start token that was drawn; otherwise that token is passed over.
        var beginsAtStartToken = true

        /// Silence as a speech token (upstream: `S3GEN_SIL`).
        static let silentToken = 4299
    }
}

// MARK: the table

extension Variant {
    /// The English model: 520M parameters, guided, with an emotion to exaggerate.
    public static let chatterbox = Variant(
        name: "chatterbox", title: "Chatterbox",
        files: Files(
            t3: ["t3_cfg.safetensors", "t3_cfg.pt"], s3Gen: ["s3gen.safetensors", "s3gen.pt"],
            voiceEncoder: ["ve.safetensors", "ve.pt"]),
        configuration: .chatterbox, normalizer: .english, tokenizer: EnglishTokenizer.self, languages: [.english],
        sampling: .chatterbox, ignored: [.topK], ending: Ending())

    /// The English model's network over graphemes of 23 languages.
    public static let multilingualV2 = multilingual("multilingual-v2", "Chatterbox Multilingual v2", t3: "t3_mtl23ls_v2")
    public static let multilingualV3 = multilingual("multilingual-v3", "Chatterbox Multilingual v3", t3: "t3_mtl23ls_v3")

    /// Multilingual v3 tuned to one language.
    public static let packs = [
        pack("zh-cmn", "Chinese", .chinese), pack("es-mx-latam", "Latin American Spanish", .spanish),
        pack("pt-br", "Brazilian Portuguese", .portuguese), pack("es-es", "Spanish of Spain", .spanish),
        pack("pt-pt", "Portuguese of Portugal", .portuguese), pack("hi", "Hindi", .hindi),
    ]

    /// English with tags such as `[laugh]`: 350M parameters, two steps of flow, no guidance.
    public static let turbo = gpt2("turbo", "Chatterbox Turbo", t3: "t3_turbo_v1", .turbo)
    /// Turbo over a backbone of a third of the size.
    public static let nano = gpt2("nano", "Chatterbox Nano", t3: "t3_nano_v1", .nano)

    /// The small English model that comes with this package: 5M parameters in T3.
    public static let pico = Variant(
        name: "pico", title: "Pico",
        files: Files(
            t3: ["t3_pico.safetensors"], s3Gen: ["s3gen.safetensors"], voiceEncoder: ["ve.safetensors"], voice: ["conds.safetensors"]),
        configuration: .pico, normalizer: .english, tokenizer: EnglishTokenizer.self, languages: [.english],
        // Stops weighed three times in its training, so that it takes silence at the beginning for the end now and then. Of the
        // 36,000 recordings it learned from the shortest has 1.6 speech tokens for a text token.
        sampling: .pico, ignored: [.topK], ending: Ending(fewestPerText: 1))

    /// Every variant; a folder with the files of several is the first of them.
    public static let all = [chatterbox, multilingualV3, multilingualV2, turbo, nano] + packs + [pico]

    /// Which models speak a language, for a person whose model does not: "Chatterbox Multilingual v3 (multilingual-v3) speaks Hindi".
    static func whatSpeaks(_ language: Language) -> String? {
        guard let first = all.first(where: { $0.languages.contains(language) }) else { return nil }
        let further = packs.filter { $0.languages == [language] }.map(\.name)
        return "\(first.title) (\(first.name)) speaks \(language.name)" + (further.isEmpty ? "" : ", as does the model \(further.joined(separator: " or "))")
    }

    private static func multilingual(
        _ name: String, _ title: String, t3: String, s3Gen: [String] = ["s3gen", "s3gen_v3"], languages: [Language] = Language.englishFirst
    ) -> Variant {
        Variant(
            name: name, title: title,
            files: Files(
                t3: ["\(t3).safetensors"], s3Gen: s3Gen.flatMap { ["\($0).pt", "\($0).safetensors"] },
                voiceEncoder: ["ve.pt", "ve.safetensors"]),
            configuration: .multilingual, normalizer: .multilingual, tokenizer: MultilingualTokenizer.self,
            languages: languages, sampling: .chatterbox, ignored: [.topK], ending: Ending(unheard: 1))
    }

    private static func pack(_ code: String, _ title: String, _ language: Language) -> Variant {
        multilingual(
            "pack:\(code)", "Chatterbox Multilingual, \(title)", t3: "t3_" + code.replacing("-", with: "_"),
            s3Gen: ["s3gen_v3", "s3gen"], languages: [language])
    }

    private static func gpt2(_ name: String, _ title: String, t3: String, _ configuration: ModelConfiguration) -> Variant {
        Variant(
            name: name, title: title,
            files: Files(t3: ["\(t3).safetensors"], s3Gen: ["s3gen_meanflow.safetensors"], voiceEncoder: ["ve.safetensors"]),
            configuration: configuration, normalizer: .turbo, tokenizer: GPT2Tokenizer.self, languages: [.english],
            sampling: .turbo, ignored: [.guidance, .minP, .exaggeration], ending: Ending(silence: 3, beginsAtStartToken: false))
    }
}
