#if Hub
    import Chatterbox
    import ChatterboxHub

    extension ModelCatalog {
        /// Resemble AI's models, and the files of each that upstream downloads: those that the variants name.
        public static let released = ModelCatalog(
            models: [
                english, gpt2(.turbo, "English, fast, with tags such as [laugh]"), gpt2(.nano, "English, the smallest, for processors"),
                multilingual(.multilingualV3, "23 languages"), multilingual(.multilingualV2, "23 languages, the earlier release"),
            ] + Variant.packs.map(pack) + [.fastFlow])

        private static let base = "ResembleAI/chatterbox"
        private static let cangjie = HubRequest("Cangjie5_TC.json", isOptional: true)

        private static let english = CatalogModel(
            .chatterbox, "English, with liveliness to choose",
            CatalogModel.Source(base, networks(.chatterbox) + tokenizer(.chatterbox) + [voice(.chatterbox)]))

        private static func multilingual(_ variant: Variant, _ summary: String) -> CatalogModel {
            CatalogModel(variant, summary, CatalogModel.Source(base, networks(variant) + tokenizer(variant) + [voice(variant), cangjie]))
        }

        private static func gpt2(_ variant: Variant, _ summary: String) -> CatalogModel {
            let tags = HubRequest("added_tokens.json")
            return CatalogModel(
                variant, summary,
                CatalogModel.Source("ResembleAI/chatterbox-\(variant.name)", networks(variant) + tokenizer(variant) + [tags, voice(variant)]))
        }

        /// A pack's repository contains the networks that were tuned; the voice encoder and a voice come from the base model.
        private static func pack(_ variant: Variant) -> CatalogModel {
            let code = variant.name.split(separator: ":")[1], files = variant.files
            let s3Gen = HubRequest("s3gen_v3.safetensors", orElse: files.s3Gen[0])
            return CatalogModel(
                variant, "\(variant.title.split(separator: ", ")[1]), tuned for it alone",
                CatalogModel.Source("ResembleAI/Chatterbox-Multilingual-\(code)", [HubRequest(files.t3[0]), s3Gen] + tokenizer(variant)),
                CatalogModel.Source(base, [HubRequest(files.voiceEncoder[0]), voice(variant), cangjie]))
        }

        private static func networks(_ variant: Variant) -> [HubRequest] {
            [variant.files.t3, variant.files.s3Gen, variant.files.voiceEncoder].map { HubRequest($0[0]) }
        }

        private static func tokenizer(_ variant: Variant) -> [HubRequest] { variant.tokenizer.type.fileNames.map { HubRequest($0) } }

        private static func voice(_ variant: Variant) -> HubRequest { HubRequest(variant.files.voice[0], isOptional: true) }
    }

    extension CatalogModel {
        /// The S3Gen of Chatterbox Flash, whose mean flow the models with a Llama as T3 can use.
        public static let fastFlow = CatalogModel(
            name: "fast-flow", summary: "a fast flow for chatterbox, multilingual and the models of one language: --flow fast",
            sources: [Source("ResembleAI/chatterbox-flash", [HubRequest("s3gen.safetensors")])], isPart: true)

        fileprivate init(_ variant: Variant, _ summary: String, _ sources: Source...) {
            self.init(name: variant.name, summary: summary, sources: sources)
        }
    }

    extension CatalogModel.Source {
        fileprivate init(_ repository: String, _ requests: [HubRequest]) { self.init(HubRepository(known: repository), requests) }
    }
#endif
