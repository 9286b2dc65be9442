import Foundation
import TestSupport
import Testing

@testable import Chatterbox
@testable import ChatterboxHub

/// Every model but Pico, which comes with the program.
private let releasedNames = Variant.all.map(\.name).filter { $0 != "pico" }

@Suite("Model store") struct ModelStoreTests {
    let world: HubWorld
    let store: ModelStore
    /// Two models that share a repository and two files, and one whose files come from two repositories.
    static let catalog = ModelCatalog(models: [
        model("english", ("Org/base", [HubRequest("english.bin"), HubRequest("shared.bin"), HubRequest("voice.pt", isOptional: true)])),
        model("many", ("Org/base", [HubRequest("many.bin"), HubRequest("shared.bin"), HubRequest("voice.pt", isOptional: true)])),
        model("pack:xx", ("Org/pack-xx", [HubRequest("xx.bin", orElse: "xx.pt")]), ("Org/base", [HubRequest("shared.bin")])),
    ])

    private static func model(_ name: String, _ sources: (String, [HubRequest])...) -> CatalogModel {
        CatalogModel(name: name, summary: "", sources: sources.map { CatalogModel.Source(repository: HubRepository(known: $0.0), requests: $0.1) })
    }

    init() async throws {
        func data(_ seed: UInt8) -> Data { Data((0..<3000).map { UInt8(truncatingIfNeeded: $0) &+ seed }) }
        world = try await HubWorld(files: [
            "Org/base/english.bin": data(1), "Org/base/many.bin": data(2), "Org/base/shared.bin": data(3), "Org/base/voice.pt": Data("voice".utf8),
            "Org/pack-xx/xx.pt": data(4),
        ])
        store = ModelStore(catalog: Self.catalog, shelf: world.folder.url.appending(path: "shelf"), configuration: world.configuration)
    }

    private func pull(_ name: String) async throws -> URL {
        let model = try #require(store.catalog.model(named: name))
        return try await HubClient.with(world.configuration) { try await store.pull(model, with: $0) }
    }

    private func names(_ folder: URL) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

    @Test("a pulled model has a folder with its files and no others") func pulls() async throws {
        _ = try await pull("english")
        let folder = try await pull("many")
        #expect(try names(folder) == ["many.bin", "shared.bin", "voice.pt"])
        #expect(try Data(contentsOf: folder.appending(path: "many.bin")) == world.hub.contents("Org/base/many.bin"))
        #expect(try names(store.shelf) == ["english", "many"])
    }

    @Test("a model's files may come from two repositories, under either of two names") func twoSources() async throws {
        let folder = try await pull("pack:xx")
        #expect(try names(folder) == ["shared.bin", "xx.pt"])
        #expect(try store.folder(of: #require(store.catalog.model(named: "pack:xx"))) == folder)
    }

    @Test("what somebody else put into the cache is on the shelf after a look") func refresh() async throws {
        try store.refresh()
        #expect(!FileManager.default.fileExists(atPath: store.shelf.path))
        _ = try await HubClient.with(world.configuration) {
            try await $0.fetch([HubRequest("english.bin"), HubRequest("shared.bin")], from: HubRepository("Org/base"))
        }
        try store.refresh()
        #expect(try names(store.shelf) == ["english"])
    }

    @Test("a model whose files are gone from the cache is gone from the shelf") func gone() async throws {
        _ = try await pull("english")
        try FileManager.default.removeItem(at: world.cache.folder)
        try store.refresh()
        #expect(try names(store.shelf) == [])
        #expect(try store.folder(of: store.catalog.models[0]) == nil)
    }

    @Test("a model's size is told without fetching it") func size() async throws {
        let size = try await HubClient.with(world.configuration) { try await store.size(of: store.catalog.models[2], with: $0) }
        #expect(size == 6000)
        #expect(world.hub.transfers.isEmpty)
    }

    @Test("checking tells whole files from damaged ones") func verify() async throws {
        _ = try await pull("english")
        let model = store.catalog.models[0]
        let files = try store.files(of: model)
        #expect(files.map(\.name) == ["english.bin", "shared.bin", "voice.pt"])
        #expect(files.map(\.bytes) == [3000, 3000, 5])
        for file in files { #expect(try store.verify(file) == .intact) }
        var damaged = try Data(contentsOf: files[0].contents)
        damaged[5] ^= 1
        try damaged.write(to: files[0].contents)
        guard case .damaged(files[0].contents.lastPathComponent, _) = try store.verify(files[0]) else { Issue.record("not noticed"); return }
        // Pulling again repairs it.
        _ = try await pull("english")
        #expect(try store.verify(files[0]) == .intact)
    }

    @Test("removing a model keeps what others need, and the last one takes the repository along") func remove() async throws {
        for name in ["english", "many", "pack:xx"] { _ = try await pull(name) }
        #expect(try store.remove(store.catalog.models[1]) == 3000)
        #expect(try names(store.shelf) == ["english", "pack:xx"])
        for file in try store.files(of: store.catalog.models[0]) { #expect(try store.verify(file) == .intact) }
        #expect(try store.remove(store.catalog.models[2]) == 3000)
        #expect(try names(world.cache.folder).filter { $0.hasPrefix("models--") } == ["models--Org--base"])
        #expect(try store.remove(store.catalog.models[0]) == 6005)
        #expect(try names(world.cache.folder).filter { $0.hasPrefix("models--") } == [])
        #expect(try names(store.shelf) == [])
    }

    @Test("locks go with what they guard, those that somebody holds stay") func locks() async throws {
        for name in ["english", "many"] { _ = try await pull(name) }
        let folder = world.cache.folder.appending(path: ".locks/models--Org--base")
        #expect(try names(folder).count == 4)
        _ = try store.remove(store.catalog.models[1])
        #expect(try names(folder).count == 3)
        let held = folder.appending(path: "held.lock")
        do {
            let lock = try await FileLock.acquire(held, clock: .continuous)
            _ = try store.remove(store.catalog.models[0])
            #expect(try names(folder) == ["held.lock"])
            _ = consume lock
        }
        _ = try await pull("english")
        _ = try store.remove(store.catalog.models[0])
        #expect(!FileManager.default.fileExists(atPath: folder.deletingLastPathComponent().path))
    }

    @Test("every released model is in the catalogue, and its files are those that loading looks for", arguments: releasedNames)
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

    @Test("the catalogue has no other models, and its repositories have names that can be") func catalogue() throws {
        #expect(ModelCatalog.released.models.map(\.name).sorted() == releasedNames.sorted())
        for source in ModelCatalog.released.models.flatMap(\.sources) { #expect(try HubRepository(source.repository.id) == source.repository) }
        let pack = try #require(ModelCatalog.released.model(named: "pack:es-mx-latam"))
        #expect(pack.sources.map(\.repository.id) == ["ResembleAI/Chatterbox-Multilingual-es-mx-latam", "ResembleAI/chatterbox"])
    }
}
