import SpeechText

/// One model of the family: everything that distinguishes it from the others.
///
/// All models use the same network code. A variant specifies the files of a folder, the sizes of the networks, how text becomes tokens, how tokens
/// are sampled, and how the end of speech is handled.
///
/// A folder describes its own variant under `variant` in its `config.json` (``write(to:)`` writes it). ``all`` is the table for upstream's folders,
/// which have no such file and are recognised by the names of their files.
public struct Variant: Sendable, Hashable, Encodable {
    /// The keys under `variant` in a `config.json`: all except the configuration, which is beside it.
    enum CodingKeys: String, CodingKey { case name, title, files, normalizer, tokenizer, languages, sampling, ending }

    /// The name in requests and reports.
    public var name: String
    /// The name in messages to people.
    public var title: String
    /// The files of its folder.
    public var files: Files
    /// Sizes of its networks, how tokens are decoded, and rules for references.
    public var configuration: ModelConfiguration
    /// How text is written before it becomes tokens.
    public var normalizer: TextNormalizer
    /// The tokenizer of the text.
    public var tokenizer: TokenizerKind
    /// The languages that it speaks. The first is used if no language is given and none is detected (`TextPipeline.language(of:)`).
    public var languages: [Language]
    /// The default sampling options.
    public var sampling: SamplingOptions
    /// How the end of speech is handled.
    public var ending: Ending

    /// The parameters are the properties; the defaults are those of an English model with upstream's sampling.
    public init(
        name: String, title: String, files: Files, configuration: ModelConfiguration, normalizer: TextNormalizer = .english,
        tokenizer: TokenizerKind = .english, languages: [Language] = [.english], sampling: SamplingOptions = .chatterbox, ending: Ending = Ending()
    ) {
        (self.name, self.title, self.files, self.configuration) = (name, title, files, configuration)
        (self.normalizer, self.tokenizer, self.languages) = (normalizer, tokenizer, languages)
        (self.sampling, self.ending) = (sampling, ending)
    }

    /// The name of T3's file.
    public var t3FileName: String { files.t3[0] }

    /// Names of a folder's files. Where there are several names, the first that exists is used.
    public struct Files: Sendable, Hashable, Codable {
        /// The weights of T3, S3Gen and the voice encoder: safetensors, or upstream's `.pt`.
        public var t3, s3Gen, voiceEncoder: [String]
        /// The model's built-in voice, which is optional.
        public var voice: [String]

        /// The model's own voice is searched under upstream's name, and as safetensors.
        public init(t3: [String], s3Gen: [String], voiceEncoder: [String], voice: [String] = ["conds.pt", "conds.safetensors"]) {
            (self.t3, self.s3Gen, self.voiceEncoder, self.voice) = (t3, s3Gen, voiceEncoder, voice)
        }
    }

    /// How the end of speech is handled.
    public struct Ending: Sendable, Hashable, Encodable {
        /// The smallest number of speech tokens for each text token, start and stop included; the stop token is not drawn before.
        public var fewestPerText: Int
        /// Tokens of silence that follow the drawn ones, so that the last sound is not cut off.
        public var silence: Int
        /// Number of last tokens whose sound is removed, because the tokens before the stop token decode to noise.
        public var unheard: Int
        /// Whether speech begins after a start token that was drawn; otherwise that token is ignored.
        public var beginsAtStartToken: Bool

        enum CodingKeys: String, CodingKey { case fewestPerText, silence, unheard, beginsAtStartToken }

        /// Without arguments the English model's: everything drawn is spoken.
        public init(fewestPerText: Int = 0, silence: Int = 0, unheard: Int = 0, beginsAtStartToken: Bool = true) {
            (self.fewestPerText, self.silence, self.unheard) = (fewestPerText, silence, unheard)
            self.beginsAtStartToken = beginsAtStartToken
        }

        /// The speech token of silence (upstream: `S3GEN_SIL`).
        static let silentToken = 4299
    }
}

// MARK: table

extension Variant {
    /// The English model: 520M parameters, with guidance and adjustable expression.
    public static let chatterbox = Variant(
        name: "chatterbox", title: "Chatterbox",
        files: Files(
            t3: ["t3_cfg.safetensors", "t3_cfg.pt"], s3Gen: ["s3gen.safetensors", "s3gen.pt"],
            voiceEncoder: ["ve.safetensors", "ve.pt"]),
        configuration: .chatterbox, normalizer: .english, tokenizer: .english, languages: [.english],
        sampling: .chatterbox)

    /// The English model's network over graphemes of 23 languages.
    public static let multilingualV2 = multilingual("multilingual-v2", "Chatterbox Multilingual v2", t3: "t3_mtl23ls_v2")
    /// The newest multilingual model.
    public static let multilingualV3 = multilingual("multilingual-v3", "Chatterbox Multilingual v3", t3: "t3_mtl23ls_v3")

    /// Multilingual v3 tuned to one language.
    public static let packs = [
        pack("zh-cmn", "Chinese", .chinese), pack("es-mx-latam", "Latin American Spanish", .spanish),
        pack("pt-br", "Brazilian Portuguese", .portuguese), pack("es-es", "Spanish of Spain", .spanish),
        pack("pt-pt", "Portuguese of Portugal", .portuguese), pack("hi", "Hindi", .hindi),
    ]

    /// English with tags such as `[laugh]`: 350M parameters, two steps of flow, no guidance.
    public static let turbo = gpt2("turbo", "Chatterbox Turbo", t3: "t3_turbo_v1", .turbo)
    /// Turbo with a backbone of a third of the size.
    public static let nano = gpt2("nano", "Chatterbox Nano", t3: "t3_nano_v1", .nano)

    /// Resemble AI's models. A folder with the files of several models counts as the first of them.
    public static let all = [chatterbox, multilingualV3, multilingualV2, turbo, nano] + packs

    /// Which models speak a language, for a message: "Chatterbox Multilingual v3 (multilingual-v3) speaks Hindi".
    static func whatSpeaks(_ language: Language) -> String? {
        guard let first = all.first(where: { $0.languages.contains(language) }) else { return nil }
        let further = packs.filter { $0.languages == [language] }.map(\.name)
        return "\(first.title) (\(first.name)) speaks \(language.name)"
            + (further.isEmpty ? "" : ", as does the model \(further.joined(separator: " or "))")
    }

    private static func multilingual(
        _ name: String, _ title: String, t3: String, s3Gen: [String] = ["s3gen", "s3gen_v3"], languages: [Language] = Language.englishFirst
    ) -> Variant {
        Variant(
            name: name, title: title,
            files: Files(
                t3: ["\(t3).safetensors"], s3Gen: s3Gen.flatMap { ["\($0).pt", "\($0).safetensors"] },
                voiceEncoder: ["ve.pt", "ve.safetensors"]),
            configuration: .multilingual, normalizer: .multilingual, tokenizer: .multilingual, languages: languages, ending: Ending(unheard: 1))
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
            configuration: configuration, normalizer: .turbo, tokenizer: .gpt2, languages: [.english], sampling: .turbo,
            ending: Ending(silence: 3, beginsAtStartToken: false))
    }
}
