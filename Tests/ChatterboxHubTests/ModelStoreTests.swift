import Foundation
import TestSupport
import Testing

@testable import ChatterboxHub

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
        CatalogModel(name: name, summary: "", sources: sources.map { CatalogModel.Source(HubRepository(known: $0.0), $0.1) })
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

    @Test("a model's files may come from two repositories, with one of two names") func twoSources() async throws {
        let folder = try await pull("pack:xx")
        #expect(try names(folder) == ["shared.bin", "xx.pt"])
        #expect(try store.folder(of: #require(store.catalog.model(named: "pack:xx"))) == folder)
    }

    @Test("files that another program has put into the cache are added to the shelf") func refresh() async throws {
        try store.refresh()
        #expect(!FileManager.default.fileExists(atPath: store.shelf.path))
        _ = try await HubClient.with(world.configuration) {
            try await $0.fetch([HubRequest("english.bin"), HubRequest("shared.bin")], from: HubRepository("Org/base"))
        }
        try store.refresh()
        #expect(try names(store.shelf) == ["english"])
    }

    @Test("a model whose files are removed from the cache is removed from the shelf") func gone() async throws {
        _ = try await pull("english")
        try FileManager.default.removeItem(at: world.cache.folder)
        try store.refresh()
        #expect(try names(store.shelf) == [])
        #expect(try store.folder(of: store.catalog.models[0]) == nil)
    }

    @Test("a model's size is found without downloading it") func size() async throws {
        let size = try await HubClient.with(world.configuration) { try await store.size(of: store.catalog.models[2], with: $0) }
        #expect(size == 6000)
        #expect(world.hub.transfers.isEmpty)
    }

    @Test("checking distinguishes complete files from damaged ones") func verify() async throws {
        _ = try await pull("english")
        let model = store.catalog.models[0]
        let files = store.files(of: model)
        #expect(files.map(\.name) == ["english.bin", "shared.bin", "voice.pt"])
        #expect(files.map(\.bytes) == [3000, 3000, 5])
        for file in files { #expect(try store.verify(file) == .intact) }
        var damaged = try Data(contentsOf: files[0].contents)
        damaged[5] ^= 1
        try damaged.write(to: files[0].contents)
        guard case .damaged(files[0].contents.lastPathComponent, _) = try store.verify(files[0]) else {
            Issue.record("not noticed")
            return
        }
        // Pulling again repairs the model.
        _ = try await pull("english")
        #expect(try store.verify(files[0]) == .intact)
    }

    @Test("removing a model keeps files that others need, and removing the last one removes the repository") func remove() async throws {
        for name in ["english", "many", "pack:xx"] { _ = try await pull(name) }
        #expect(try store.remove(store.catalog.models[1]) == 3000)
        #expect(try names(store.shelf) == ["english", "pack:xx"])
        for file in store.files(of: store.catalog.models[0]) { #expect(try store.verify(file) == .intact) }
        #expect(try store.remove(store.catalog.models[2]) == 3000)
        #expect(try names(world.cache.folder).filter { $0.hasPrefix("models--") } == ["models--Org--base"])
        #expect(try store.remove(store.catalog.models[0]) == 6005)
        #expect(try names(world.cache.folder).filter { $0.hasPrefix("models--") } == [])
        #expect(try names(store.shelf) == [])
    }

    @Test("locks are removed with what they protect, except those that a process holds") func locks() async throws {
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

    // MARK: caches without links, and the user's own shelf

    /// Stores a model's files in the cache, in one folder for each repository.
    private func lay(_ name: String, as kind: CacheKind) throws {
        for source in try #require(store.catalog.model(named: name)).sources {
            let files = source.requests.flatMap(\.names).filter { !$0.hasSuffix("xx.bin") }
            try kind.lay(
                Dictionary(uniqueKeysWithValues: files.map { ($0, world.hub.contents("\(source.repository.id)/\($0)")) }), commit: world.hub.commit,
                in: world.cache.folder(of: source.repository))
        }
    }

    @Test("pulling a complete cache does not change it", arguments: CacheKind.allCases) func pullOverCache(kind: CacheKind) async throws {
        try lay("pack:xx", as: kind)
        let before = try everyFile(in: world.cache.folder)
        let folder = try await pull("pack:xx")
        #expect(try everyFile(in: world.cache.folder) == before)
        #expect(world.hub.transfers.isEmpty)
        #expect(try Data(contentsOf: folder.appending(path: "xx.pt")) == world.hub.contents("Org/pack-xx/xx.pt"))
        #expect(try Data(contentsOf: folder.appending(path: "shared.bin")) == world.hub.contents("Org/base/shared.bin"))
    }

    @Test("a model stays when another's pull updates the branch", arguments: CacheKind.allCases) func otherCommit(kind: CacheKind) throws {
        let folder = world.cache.folder(of: try HubRepository("Org/base")),
            data = ["english.bin", "shared.bin", "many.bin"].map { ($0, world.hub.contents("Org/base/\($0)")) }
        try kind.lay(Dictionary(uniqueKeysWithValues: data.prefix(2)), commit: String(repeating: "b2", count: 20), in: folder)
        try kind.lay(Dictionary(uniqueKeysWithValues: data.suffix(1)), commit: world.hub.commit, in: folder)
        #expect(store.isHere(store.catalog.models[0]))
        #expect(!store.isHere(store.catalog.models[1]))
        let shelved = try #require(try store.folder(of: store.catalog.models[0]))
        #expect(try Data(contentsOf: shelved.appending(path: "english.bin")) == world.hub.contents("Org/base/english.bin"))
    }

    @Test("a model is removed completely from any kind of cache, and other models' files stay", arguments: CacheKind.allCases)
    func removeFromCache(kind: CacheKind) async throws {
        try lay("pack:xx", as: kind)
        try lay("english", as: kind)
        #expect(try store.remove(#require(store.catalog.model(named: "pack:xx"))) == (kind == .copied ? 6000 : 3000))
        #expect(store.isHere(store.catalog.models[0]))
        _ = try store.remove(store.catalog.models[0])
        #expect(try everyFile(in: world.cache.folder).keys.filter { !$0.hasPrefix(".locks") } == [])
    }

    @Test("on a disk without links the shelf contains the files themselves", arguments: HubCacheTests.disks) func shelfWithoutLinks(
        disk: HubCacheTests.Disk
    )
        async throws
    {
        var configuration = world.configuration
        configuration.links = disk.links
        let store = ModelStore(catalog: Self.catalog, shelf: store.shelf, configuration: configuration), model = store.catalog.models[0]
        let folder = try await HubClient.with(configuration) { try await store.pull(model, with: $0) }
        #expect(try Data(contentsOf: folder.appending(path: "english.bin")) == world.hub.contents("Org/base/english.bin"))
        let before = try everyFile(in: world.folder.url)
        #expect(try await HubClient.with(configuration) { try await store.pull(model, with: $0) } == folder)
        #expect(try everyFile(in: world.folder.url) == before)
        _ = try store.remove(model)
        #expect(try everyFile(in: world.folder.url).keys.filter { !$0.contains(".locks") } == [])
    }

    @Test("the user's own files on the shelf stay: a complete model is used, an incomplete one is not") func ownFiles() async throws {
        let folder = store.shelf.appending(path: "english"), model = store.catalog.models[0]
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("my own".utf8).write(to: folder.appending(path: "english.bin"))
        let half = try everyFile(in: store.shelf)
        try store.refresh()
        #expect(try store.folder(of: model) == nil)
        #expect(try everyFile(in: store.shelf) == half)

        // The same if the cache has the model.
        try lay("english", as: .links)
        try store.refresh()
        #expect(throws: HubError.occupied(folder: folder.path, files: ["english.bin"])) { try store.folder(of: model) }
        await #expect(throws: HubError.occupied(folder: folder.path, files: ["english.bin"])) { try await pull("english") }
        #expect(try everyFile(in: store.shelf) == half)

        try Data("as well".utf8).write(to: folder.appending(path: "shared.bin"))
        #expect(try store.folder(of: model) == folder)
        let whole = try everyFile(in: store.shelf)
        await #expect(throws: HubError.self) { try await pull("english") }
        #expect(try everyFile(in: store.shelf) == whole)
    }

    @Test("a shelf that was copied with links followed works like one with links") func copiedShelf() async throws {
        let folder = try await pull("english")
        for name in try names(folder) {
            let file = folder.appending(path: name), data = try Data(contentsOf: file)
            try FileManager.default.removeItem(at: file)
            try data.write(to: file)
        }
        let before = try everyFile(in: store.shelf)
        #expect(try await pull("english") == folder)
        #expect(try everyFile(in: store.shelf) == before)
    }

    @Test("a link to another folder is not replaced") func linkedFolder() async throws {
        let elsewhere = world.folder.url.appending(path: "elsewhere")
        try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(at: store.shelf, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(at: store.shelf.appending(path: "english"), withDestinationURL: elsewhere)
        try store.refresh()
        await #expect(throws: HubError.self) { try await pull("english") }
        #expect(try everyFile(in: store.shelf) == ["english": Data("-> \(elsewhere.path)".utf8)])
    }

    @Test("a model is found and read if the shelf cannot be written") func unwritableShelf() async throws {
        try lay("english", as: .links)
        try Data().write(to: store.shelf)
        #expect(store.isHere(store.catalog.models[0]))
        #expect(store.files(of: store.catalog.models[0]).map(\.bytes) == [3000, 3000, 5])
        for file in store.files(of: store.catalog.models[0]) { #expect(try store.verify(file) == .intact) }
        #expect(throws: HubError.self) { try store.refresh() }
    }
}
