#if Hub
    import ChatterboxHub
    import Foundation
    import TestSupport
    import Testing

    @testable import Chatterbox
    @testable import ChatterboxModels

    private let releasedNames = Variant.all.map(\.name)

    @Suite("The catalogue of released models") struct ReleasedModelsTests {
        @Test("it contains every released model, with the files that loading needs", arguments: releasedNames)
        func released(name: String) throws {
            let model = try #require(ModelCatalog.released.model(named: name))
            let folder = try TemporaryFolder()
            for request in model.sources.flatMap(\.requests) {
                try Data().write(to: folder.url.appending(path: request.names.last!))
            }
            let files = try ModelFiles(folder.url)
            #expect(files.variant.name == name)
            #expect(files.builtInVoice?.lastPathComponent == "conds.pt")
        }

        @Test("it contains no other models, and its repositories have valid names") func catalogue() throws {
            #expect(ModelCatalog.released.models.filter { !$0.isPart }.map(\.name).sorted() == releasedNames.sorted())
            #expect(ModelCatalog.released.models.filter(\.isPart) == [.fastFlow])
            for source in ModelCatalog.released.models.flatMap(\.sources) { #expect(try HubRepository(source.repository.id) == source.repository) }
        }

        @Test("files and repositories are those that upstream's package downloads") func files() throws {
            func requests(_ name: String) throws -> [[String]] {
                try #require(ModelCatalog.released.model(named: name)).sources.map { source in
                    [source.repository.id] + source.requests.map { $0.names.joined(separator: " or ") + ($0.isOptional ? "?" : "") }
                }
            }
            #expect(
                try requests("chatterbox") == [
                    ["ResembleAI/chatterbox", "t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "tokenizer.json", "conds.pt?"]
                ])
            #expect(
                try requests("nano") == [
                    [
                        "ResembleAI/chatterbox-nano", "t3_nano_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json",
                        "merges.txt",
                        "added_tokens.json", "conds.pt?",
                    ]
                ])
            #expect(
                try requests("multilingual-v3") == [
                    [
                        "ResembleAI/chatterbox", "t3_mtl23ls_v3.safetensors", "s3gen.pt", "ve.pt", "grapheme_mtl_merged_expanded_v1.json",
                        "conds.pt?",
                        "Cangjie5_TC.json?",
                    ]
                ])
            #expect(
                try requests("pack:es-mx-latam") == [
                    [
                        "ResembleAI/Chatterbox-Multilingual-es-mx-latam", "t3_es_mx_latam.safetensors", "s3gen_v3.safetensors or s3gen_v3.pt",
                        "grapheme_mtl_merged_expanded_v1.json",
                    ],
                    ["ResembleAI/chatterbox", "ve.pt", "conds.pt?", "Cangjie5_TC.json?"],
                ])
        }
    }
#endif
