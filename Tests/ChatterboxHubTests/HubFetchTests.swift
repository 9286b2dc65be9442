import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxHub

@Suite("Fetching from a hub") struct HubFetchTests {
    @Test("files are stored in the cache with the layout of Python's client") func layout() async throws {
        let world = try await HubWorld()
        let events = Events()
        let files = try await world.fetch(onEvent: events.record)
        #expect(try Data(contentsOf: #require(files["weights.bin"])) == HubWorld.large)
        #expect(try Data(contentsOf: #require(files["sub/config.json"])) == HubWorld.small)

        let manager = FileManager.default, folder = world.repositoryFolder
        #expect(folder.lastPathComponent == "models--Org--model")
        #expect(world.blobs == [FakeHub.checksum(HubWorld.large), FakeHub.checksum(HubWorld.small)].sorted())
        let snapshot = folder.appending(path: "snapshots/\(world.hub.commit)")
        #expect(
            try manager.destinationOfSymbolicLink(atPath: snapshot.appending(path: "weights.bin").path)
                == "../../blobs/\(FakeHub.checksum(HubWorld.large))")
        #expect(
            try manager.destinationOfSymbolicLink(atPath: snapshot.appending(path: "sub/config.json").path)
                == "../../../blobs/\(FakeHub.checksum(HubWorld.small))")
        #expect(try String(contentsOf: folder.appending(path: "refs/main"), encoding: .utf8) == world.hub.commit)
        let locks = world.cache.folder.appending(path: ".locks/models--Org--model/\(FakeHub.checksum(HubWorld.large)).lock")
        #expect(manager.fileExists(atPath: locks.path))

        let last = try #require(events.progress.last)
        #expect(last.files == 2 && last.totalFiles == 2)
        #expect(last.bytes == last.totalBytes && last.totalBytes == HubWorld.large.count + HubWorld.small.count)
    }

    @Test("files in the cache are not downloaded again") func again() async throws {
        let world = try await HubWorld()
        _ = try await world.fetch()
        let before = world.hub.transfers.count
        let files = try await world.fetch()
        #expect(files.count == 2)
        #expect(world.hub.transfers.count == before)
    }

    @Test("files that Python's client has downloaded are used without the network, with or without links", arguments: [true, false])
    func python(hasLinks: Bool) async throws {
        var world = try await HubWorld()
        let folder = world.repositoryFolder, snapshot = folder.appending(path: "snapshots/\(world.hub.commit)")
        for part in ["blobs", "refs", "snapshots/\(world.hub.commit)/sub"] {
            try FileManager.default.createDirectory(at: folder.appending(path: part), withIntermediateDirectories: true)
        }
        try Data(world.hub.commit.utf8).write(to: folder.appending(path: "refs/main"))
        for (name, data) in [("weights.bin", HubWorld.large), ("sub/config.json", HubWorld.small)] {
            let blob = folder.appending(path: "blobs/\(FakeHub.checksum(data))"), place = snapshot.appending(path: name)
            try data.write(to: hasLinks ? blob : place)
            if hasLinks { try FileManager.default.createSymbolicLink(at: place, withDestinationURL: blob) }
        }
        world.configuration.isOffline = true
        let files = try await world.fetch()
        #expect(try Data(contentsOf: #require(files["weights.bin"])) == HubWorld.large)
        #expect(world.hub.requests.isEmpty)
        world.configuration.isOffline = false
        _ = try await world.fetch()
        #expect(world.hub.transfers.isEmpty)
    }

    @Test("offline, missing files are named") func offline() async throws {
        var world = try await HubWorld()
        world.configuration.isOffline = true
        let error = await #expect(throws: HubError.self) { try await world.fetch() }
        #expect("\(error!)".contains("weights.bin") && "\(error!)".contains("offline"))
        #expect(world.hub.requests.isEmpty)
    }

    @Test("if the hub cannot be reached, the files of the last download are used") func outage() async throws {
        let world = try await HubWorld()
        _ = try await world.fetch()
        try await world.hub.stop()
        let events = Events()
        #expect(try await world.fetch(onEvent: events.record).count == 2)
        #expect(events.all.contains { if case .usingCache = $0 { true } else { false } })
        #expect(world.clock.sleeps.isEmpty)
        let error = await #expect(throws: HubError.self) { try await world.fetch([HubRequest("other.bin")]) }
        guard case .unreachable = error else {
            Issue.record("\(error!)")
            return
        }
    }

    // MARK: addresses and tokens

    @Test("the token is sent only to the hub") func token() async throws {
        var world = try await HubWorld()
        world.configuration.token = "hf_secret"
        _ = try await world.fetch()
        let requests = world.hub.requests
        #expect(requests.contains { $0.server == 1 })
        for request in requests {
            #expect(request.headers.first(name: "Authorization") == (request.server == 0 ? "Bearer hf_secret" : nil), "\(request.path)")
        }
    }

    @Test("a renamed repository is followed to its new name, with the token") func renamed() async throws {
        var world = try await HubWorld { request, _ in
            request.path.hasPrefix("/Old/") ? .redirect(request.path.replacing("/Old/", with: "/Org/")) : nil
        }
        world.configuration.token = "hf_secret"
        let files = try await HubClient.with(world.configuration) {
            try await $0.fetch([HubRequest("weights.bin")], from: HubRepository("Old/model"))
        }
        #expect(try Data(contentsOf: #require(files["weights.bin"])) == HubWorld.large)
        #expect(world.hub.requests.filter { $0.server == 0 }.allSatisfy { $0.headers.contains(name: "Authorization") })
    }

    @Test("circular redirects end") func circle() async throws {
        let world = try await HubWorld { request, _ in .redirect(request.path) }
        await #expect(throws: HubError.tooManyRedirects(url: "\(world.hub.address())/Org/model/resolve/main/weights.bin")) { try await world.fetch() }
    }

    @Test("a branch with a slash in its name, and a commit", arguments: ["next/try", "commit"]) func revisions(name: String) async throws {
        let world = try await HubWorld()
        let revision = name == "commit" ? world.hub.commit : name
        _ = try await world.fetch(revision: revision)
        #expect(world.cache.commit(of: revision, in: HubWorld.repository) == world.hub.commit)
        #expect(world.cache.file("weights.bin", of: HubWorld.repository, revision: revision) != nil)
        #expect(world.cache.file("weights.bin", of: HubWorld.repository, revision: "main") == nil)
    }

    @Test("after the first file, all others are requested at its commit") func oneCommit() async throws {
        let world = try await HubWorld()
        _ = try await world.fetch()
        #expect(world.hub.requests.filter { $0.server == 0 && $0.path.contains("/main/") }.count == 1)
    }

    // MARK: refusals

    @Test("an error names what the hub does not have") func missing() async throws {
        let world = try await HubWorld()
        await #expect(throws: HubError.noFile(repository: "Org/model", revision: world.hub.commit, file: "absent.bin or gone.bin")) {
            try await world.fetch([HubRequest("weights.bin"), HubRequest("absent.bin", orElse: "gone.bin")])
        }
        await #expect(throws: HubError.noRevision(repository: "Org/model", revision: "absent")) { try await world.fetch(revision: "absent") }
        await #expect(throws: HubError.noRepository("Org/absent", endpoint: world.hub.address())) {
            try await HubClient.with(world.configuration) { try await $0.fetch([HubRequest("x")], from: HubRepository("Org/absent")) }
        }
        #expect(world.clock.sleeps.isEmpty)
    }

    @Test("optional files may be missing, and a second name may replace the first") func alternatives() async throws {
        let world = try await HubWorld()
        let files = try await world.fetch([HubRequest("absent.bin", orElse: "weights.bin"), HubRequest("voice.pt", isOptional: true)])
        #expect(files.keys.sorted() == ["weights.bin"])
    }

    @Test("an error about refused access says whether a token is missing or wrong", arguments: [401, 403]) func refused(code: Int) async throws {
        var world = try await HubWorld { _, _ in .status(code) }
        await #expect(throws: HubError.refused(repository: "Org/model", hasToken: false, reason: nil)) { try await world.fetch() }
        world.configuration.token = "x"
        let error = await #expect(throws: HubError.self) { try await world.fetch() }
        #expect("\(error!)".contains("with this token"))
        #expect(world.clock.sleeps.isEmpty)
    }

    @Test("a server that is not a hub is recognised", arguments: ["X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size"])
    func notAHub(header: String) async throws {
        let world = try await HubWorld { request, _ in request.method == .HEAD && request.server == 0 ? .without(header: header) : nil }
        await #expect(throws: HubError.self) { try await world.fetch([HubRequest("weights.bin")]) }
        #expect(world.blobs.isEmpty)
    }

    @Test("a mirror without some headers serves a commit that is requested by name", arguments: ["X-Repo-Commit", "X-Linked-Size"])
    func mirror(header: String) async throws {
        let world = try await HubWorld { request, _ in request.method == .HEAD && request.server == 0 ? .without(header: header) : nil }
        #expect(try await world.fetch([HubRequest("weights.bin")], revision: world.hub.commit).count == 1)
        #expect(world.blobs.count == 1)
    }

    @Test("a full disk is detected before the download") func diskFull() async throws {
        let world = try await HubWorld()
        let needed = HubWorld.large.count + HubWorld.small.count
        await #expect(throws: HubError.diskFull(folder: world.cache.folder.path, needed: needed, available: needed - 1)) {
            try await world.fetch(freeSpace: { _ in needed - 1 })
        }
        #expect(world.hub.transfers.isEmpty)
        #expect(try await world.fetch(freeSpace: { _ in needed }).count == 2)
    }

    @Test("an error names a cache that cannot be written") func unwritable() async throws {
        let world = try await HubWorld()
        try Data().write(to: world.configuration.cacheFolder)
        let error = await #expect(throws: HubError.self) { try await world.fetch() }
        guard case .unwritable = error else {
            Issue.record("\(error!)")
            return
        }
    }

    // MARK: other processes

    @Test("a file that another process is downloading is waited for and not downloaded twice") func locked() async throws {
        let world = try await HubWorld()
        let lock = world.cache.lock(.sha256(FakeHub.checksum(HubWorld.large)), of: HubWorld.repository)
        let other = OtherProcess(try await FileLock.acquire(lock, clock: world.clock.clock))
        let blob = world.largeBlob
        let files = try await world.fetch(
            [HubRequest("weights.bin")],
            onEvent: { event in
                guard case .waitingForOther = event else { return }
                // The other process finishes.
                try? FileManager.default.createDirectory(at: blob.deletingLastPathComponent(), withIntermediateDirectories: true)
                try? HubWorld.large.write(to: blob)
                other.end()
            })
        #expect(try Data(contentsOf: #require(files["weights.bin"])) == HubWorld.large)
        #expect(world.hub.transfers.isEmpty)
        #expect(!world.clock.sleeps.isEmpty)
    }

    @Test("contents that are damaged in the cache are downloaded again") func repair() async throws {
        let world = try await HubWorld()
        _ = try await world.fetch()
        var damaged = HubWorld.large
        damaged[100] ^= 1
        try damaged.write(to: world.largeBlob)
        let files = try await world.fetch()
        #expect(try Data(contentsOf: #require(files["weights.bin"])) == HubWorld.large)
    }
}

/// Holds a lock until it is released.
final class OtherProcess: Sendable {
    private let lock: Mutex<FileLock?>
    init(_ lock: consuming sending FileLock) { self.lock = Mutex(lock) }
    func end() { lock.withLock { $0 = nil } }
}
