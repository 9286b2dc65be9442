import Foundation
import TestSupport
import Testing

@testable import ChatterboxHub

/// The ways in which a cache may store its files.
enum CacheKind: CaseIterable, CustomTestStringConvertible {
    case links, absoluteLinks
    /// The result of copying with links followed: contents twice.
    case copied
    /// The layout of Python's client on a disk without links.
    case contentsInSnapshot

    var testDescription: String { "\(self)" }

    /// Stores files at a commit, which becomes the main branch's.
    func lay(_ files: [String: Data], commit: String, in folder: URL) throws {
        let manager = FileManager.default
        try manager.createDirectory(at: folder.appending(path: "refs"), withIntermediateDirectories: true)
        try Data(commit.utf8).write(to: folder.appending(path: "refs/main"))
        for (name, data) in files {
            let place = folder.appending(path: "snapshots/\(commit)/\(name)"), blob = folder.appending(path: "blobs/\(FakeHub.checksum(data))")
            if manager.fileExists(atPath: place.path) { continue }
            try manager.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            if self != .contentsInSnapshot {
                try manager.createDirectory(at: blob.deletingLastPathComponent(), withIntermediateDirectories: true)
                try data.write(to: blob)
            }
            switch self {
            case .links:
                let up = String(repeating: "../", count: 1 + name.split(separator: "/").count)
                try manager.createSymbolicLink(atPath: place.path, withDestinationPath: "\(up)blobs/\(blob.lastPathComponent)")
            case .absoluteLinks: try manager.createSymbolicLink(at: place, withDestinationURL: blob)
            case .copied, .contentsInSnapshot: try data.write(to: place)
            }
        }
    }
}

/// Every file below a folder: its contents, or its target.
func everyFile(in folder: URL) throws -> [String: Data] {
    let manager = FileManager.default
    return try manager.subpathsOfDirectory(atPath: folder.path).reduce(into: [:]) { files, name in
        let path = folder.appending(path: name).path
        if let target = try? manager.destinationOfSymbolicLink(atPath: path) {
            files[name] = Data("-> \(target)".utf8)
        } else if let data = manager.contents(atPath: path) {
            files[name] = data
        }
    }
}

@Suite("Caches of every kind") struct HubCacheTests {
    private static let files = ["weights.bin": HubWorld.large, "sub/config.json": HubWorld.small]
    private static let earlier = String(repeating: "b2", count: 20)

    private func expectFiles(_ places: [String: URL], sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(places.count == Self.files.count, sourceLocation: sourceLocation)
        for (name, data) in Self.files { #expect(try Data(contentsOf: #require(places[name])) == data, sourceLocation: sourceLocation) }
    }

    // MARK: complete caches

    @Test("a complete cache is used unchanged", arguments: CacheKind.allCases) func complete(kind: CacheKind) async throws {
        let world = try await HubWorld()
        try kind.lay(Self.files, commit: world.hub.commit, in: world.repositoryFolder)
        let before = try everyFile(in: world.cache.folder)
        // There is no free space, and none is needed.
        try expectFiles(await world.fetch(freeSpace: { _ in 0 }))
        #expect(try everyFile(in: world.cache.folder) == before)
        #expect(world.hub.transfers.isEmpty)
    }

    @Test("a new commit with the same files uses the stored contents, and the old one stays", arguments: CacheKind.allCases)
    func newCommit(kind: CacheKind) async throws {
        let world = try await HubWorld()
        try kind.lay(Self.files, commit: Self.earlier, in: world.repositoryFolder)
        let before = try everyFile(in: world.repositoryFolder).filter { $0.key != "refs/main" }
        try expectFiles(await world.fetch())
        #expect(world.hub.transfers.isEmpty)
        let after = try everyFile(in: world.repositoryFolder)
        for (name, contents) in before { #expect(after[name] == contents, "\(name)") }
        #expect(world.cache.commit(of: "main", in: HubWorld.repository) == world.hub.commit)
        try expectFiles(#require(world.cache.files([HubRequest("weights.bin"), HubRequest("sub/config.json")], of: HubWorld.repository)))
    }

    @Test("a damaged file is replaced, and the undamaged ones stay", arguments: CacheKind.allCases) func damaged(kind: CacheKind) async throws {
        let world = try await HubWorld()
        try kind.lay(Self.files, commit: world.hub.commit, in: world.repositoryFolder)
        var data = HubWorld.large
        data[100] ^= 1
        for name in try everyFile(in: world.repositoryFolder).filter({ $0.value == HubWorld.large }).keys {
            try data.write(to: world.repositoryFolder.appending(path: name))
        }
        let config = "snapshots/\(world.hub.commit)/sub/config.json", before = try everyFile(in: world.repositoryFolder)[config]
        try expectFiles(await world.fetch())
        #expect(try everyFile(in: world.repositoryFolder)[config] == before)
        #expect(world.hub.transfers.filter { $0.server == 1 }.count == 1)
    }

    // MARK: caches that cannot be written

    /// Root can write even into read-only folders, so files are created where folders would have to be.
    private func block(_ places: [URL]) throws {
        for place in places {
            try? FileManager.default.removeItem(at: place)
            try Data("not a folder".utf8).write(to: place)
        }
    }

    @Test("a complete cache that cannot be written is used") func readOnly() async throws {
        let world = try await HubWorld()
        try CacheKind.contentsInSnapshot.lay(Self.files, commit: world.hub.commit, in: world.repositoryFolder)
        try block([world.cache.folder.appending(path: ".locks"), world.repositoryFolder.appending(path: "blobs")])
        let before = try everyFile(in: world.cache.folder)
        try expectFiles(await world.fetch())
        #expect(try everyFile(in: world.cache.folder) == before)
    }

    @Test("if a new commit cannot be recorded, its files are used at the old one", arguments: CacheKind.allCases)
    func readOnlyNewCommit(kind: CacheKind) async throws {
        let world = try await HubWorld()
        try kind.lay(Self.files, commit: Self.earlier, in: world.repositoryFolder)
        try block([world.cache.folder.appending(path: ".locks"), world.repositoryFolder.appending(path: "snapshots/\(world.hub.commit)")])
        let before = try everyFile(in: world.cache.folder)
        try expectFiles(await world.fetch())
        #expect(try everyFile(in: world.cache.folder) == before)
    }

    @Test("a file missing from a cache that cannot be written causes an error") func readOnlyIncomplete() async throws {
        let world = try await HubWorld()
        try CacheKind.links.lay(["sub/config.json": HubWorld.small], commit: world.hub.commit, in: world.repositoryFolder)
        try block([world.cache.folder.appending(path: ".locks")])
        let error = await #expect(throws: HubError.self) { try await world.fetch() }
        guard case .unwritable = error else {
            Issue.record("\(error!)")
            return
        }
    }

    // MARK: disks without links

    struct Disk: Sendable, CustomTestStringConvertible {
        let testDescription: String, links: DiskLinks
        static let refuses: @Sendable (String, String) -> Bool = { _, _ in false }
    }

    static let disks = [
        Disk(testDescription: "hard links alone", links: DiskLinks(symbolic: Disk.refuses, hard: DiskLinks.system.hard)),
        Disk(testDescription: "no links", links: DiskLinks(symbolic: Disk.refuses, hard: Disk.refuses)),
        Disk(
            testDescription: "links that lead nowhere",
            links: DiskLinks(
                symbolic: { DiskLinks.system.symbolic("nowhere/" + $0, $1) }, hard: Disk.refuses)),
    ]

    @Test("on a disk without links a snapshot contains the files, which are not downloaded again", arguments: disks)
    func withoutLinks(disk: Disk) async throws {
        var world = try await HubWorld()
        world.configuration.links = disk.links
        let files = try await world.fetch()
        try expectFiles(files)
        for url in files.values { #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: url.path)) == nil) }
        let before = try everyFile(in: world.cache.folder), transfers = world.hub.transfers.count
        try expectFiles(await world.fetch())
        #expect(try everyFile(in: world.cache.folder) == before)
        #expect(world.hub.transfers.count == transfers)
        #expect(!before.keys.contains { $0.hasSuffix(".link") })
    }

    @Test("the same contents under two names are kept on a disk without links", arguments: disks) func twice(disk: Disk) async throws {
        var world = try await HubWorld(files: ["Org/model/one.bin": HubWorld.large, "Org/model/two.bin": HubWorld.large])
        world.configuration.links = disk.links
        let files = try await world.fetch([HubRequest("one.bin"), HubRequest("two.bin")])
        for url in files.values { #expect(try Data(contentsOf: url) == HubWorld.large) }
        #expect(files.count == 2)
    }

    @Test("a new commit on a disk without links keeps the old one's files", arguments: disks) func newCommitWithoutLinks(disk: Disk) async throws {
        var world = try await HubWorld()
        world.configuration.links = disk.links
        try CacheKind.contentsInSnapshot.lay(Self.files, commit: Self.earlier, in: world.repositoryFolder)
        try expectFiles(await world.fetch())
        #expect(world.hub.transfers.isEmpty)
        for (name, data) in Self.files {
            #expect(try Data(contentsOf: world.repositoryFolder.appending(path: "snapshots/\(Self.earlier)/\(name)")) == data)
        }
    }
}
