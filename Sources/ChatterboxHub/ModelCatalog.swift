/// Models that a hub has, by the names that the program knows them by.
public struct CatalogModel: Sendable, Hashable {
    /// `turbo`, `pack:pt-br`.
    public let name: String
    /// What it is for, in a few words.
    public let summary: String
    /// Where its files are.
    public let sources: [Source]
    /// Whether it is no model but what models can speak with.
    public let isPart: Bool

    public init(name: String, summary: String, sources: [Source], isPart: Bool = false) {
        (self.name, self.summary, self.sources, self.isPart) = (name, summary, sources, isPart)
    }

    /// A repository and what is taken from it.
    public struct Source: Sendable, Hashable {
        public let repository: HubRepository
        public let requests: [HubRequest]
    }
}

/// Resemble AI's models, and the files of each that upstream downloads.
public struct ModelCatalog: Sendable {
    public let models: [CatalogModel]

    public init(models: [CatalogModel]) { self.models = models }

    /// The model of a name; nil for a name that is none.
    public func model(named name: String) -> CatalogModel? { models.first { $0.name == name } }

    /// The released family.
    public static let released = ModelCatalog(models: [
        CatalogModel(
            name: "chatterbox", summary: "English, with liveliness to choose",
            sources: [
                source(
                    base, HubRequest("t3_cfg.safetensors"), HubRequest("s3gen.safetensors"), HubRequest("ve.safetensors"),
                    HubRequest("tokenizer.json"), voice)
            ]),
        CatalogModel(
            name: "turbo", summary: "English, fast, with tags such as [laugh]", sources: [gpt2("ResembleAI/chatterbox-turbo", "t3_turbo_v1")]),
        CatalogModel(name: "nano", summary: "English, the smallest, for processors", sources: [gpt2("ResembleAI/chatterbox-nano", "t3_nano_v1")]),
        CatalogModel(name: "multilingual-v3", summary: "23 languages", sources: [multilingual("t3_mtl23ls_v3")]),
        CatalogModel(name: "multilingual-v2", summary: "23 languages, the earlier release", sources: [multilingual("t3_mtl23ls_v2")]),
        pack("zh-cmn", "Chinese"), pack("es-mx-latam", "Spanish of Latin America"), pack("pt-br", "Portuguese of Brazil"),
        pack("es-es", "Spanish of Spain"), pack("pt-pt", "Portuguese of Portugal"), pack("hi", "Hindi"),
        fastFlow,
    ])

    /// The S3Gen of Chatterbox Flash, whose flow is a mean flow that the Llama models can speak through.
    public static let fastFlow = CatalogModel(
        name: "fast-flow", summary: "a fast flow for chatterbox, multilingual and the models of one language: --flow fast",
        sources: [source("ResembleAI/chatterbox-flash", HubRequest("s3gen.safetensors"))], isPart: true)

    private static let base = "ResembleAI/chatterbox"
    private static let voice = HubRequest("conds.pt", isOptional: true)
    private static let graphemes = HubRequest("grapheme_mtl_merged_expanded_v1.json")
    private static let cangjie = HubRequest("Cangjie5_TC.json", isOptional: true)

    private static func source(_ repository: String, _ requests: HubRequest...) -> CatalogModel.Source {
        CatalogModel.Source(repository: HubRepository(known: repository), requests: requests)
    }

    private static func multilingual(_ t3: String) -> CatalogModel.Source {
        source(base, HubRequest("\(t3).safetensors"), HubRequest("s3gen.pt"), HubRequest("ve.pt"), graphemes, voice, cangjie)
    }

    private static func gpt2(_ repository: String, _ t3: String) -> CatalogModel.Source {
        source(
            repository, HubRequest("\(t3).safetensors"), HubRequest("s3gen_meanflow.safetensors"), HubRequest("ve.safetensors"),
            HubRequest("vocab.json"), HubRequest("merges.txt"), HubRequest("added_tokens.json"), voice)
    }

    /// A pack's repository has the networks that were tuned; the voice encoder and a voice are the base model's.
    private static func pack(_ code: String, _ language: String) -> CatalogModel {
        CatalogModel(
            name: "pack:\(code)", summary: "\(language), tuned for it alone",
            sources: [
                source(
                    "ResembleAI/Chatterbox-Multilingual-\(code)", HubRequest("t3_\(code.replacing("-", with: "_")).safetensors"),
                    HubRequest("s3gen_v3.safetensors", orElse: "s3gen_v3.pt"), graphemes),
                source(base, HubRequest("ve.pt"), voice, cangjie),
            ])
    }
}

extension HubRepository {
    /// For names that are written in this module.
    init(known id: String) { self.id = id }
}
