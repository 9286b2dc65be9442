import Foundation
import Synchronization
import TestSupport

@testable import ChatterboxHub

/// A hub, a cache and a client between them.
struct HubWorld: Sendable {
    static let repository = try! HubRepository("Org/model")
    static let small = Data("{\"small\": true}".utf8)
    static let large = Data((0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })

    let hub: FakeHub
    let folder: TemporaryFolder
    let clock: TestClock
    var configuration: HubConfiguration

    init(
        clock: TestClock = TestClock(), files: [String: Data] = ["Org/model/weights.bin": large, "Org/model/sub/config.json": small],
        trouble: @escaping @Sendable (FakeHub.Request, Int) -> FakeHub.Trouble? = { _, _ in nil }
    ) async throws {
        hub = try await FakeHub(files, trouble: trouble)
        folder = try TemporaryFolder()
        self.clock = clock
        configuration = HubConfiguration(endpoint: hub.address(), cacheFolder: folder.url.appending(path: "hub"))
        configuration.patience.attempts = 4
        // However busy the machine is, responses are waited for.
        configuration.patience.response = .seconds(3600)
        configuration.patience.silence = .seconds(3600)
        configuration.patience.slowestBytes = 1000
    }

    var cache: HubCache { HubCache(configuration.cacheFolder) }
    var repositoryFolder: URL { cache.folder(of: Self.repository) }
    var blobs: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: repositoryFolder.appending(path: "blobs").path)) ?? []).sorted() }
    var largeBlob: URL { repositoryFolder.appending(path: "blobs/\(FakeHub.checksum(Self.large))") }

    func fetch(
        _ requests: [HubRequest] = [HubRequest("weights.bin"), HubRequest("sub/config.json")], revision: String = "main",
        freeSpace: @escaping @Sendable (URL) -> Int? = { _ in nil }, onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> [String: URL] {
        try await HubClient.with(configuration, clock: clock.clock, freeSpace: freeSpace) {
            try await $0.fetch(requests, from: Self.repository, revision: revision) { event in
                if case .progress(let progress) = event { hub.arrived = progress.bytes }
                onEvent(event)
            }
        }
    }
}

/// What was reported, in order.
final class Events: Sendable {
    private let events = Mutex<[HubEvent]>([])
    var all: [HubEvent] { events.withLock { $0 } }
    var progress: [HubProgress] { all.compactMap { if case .progress(let progress) = $0 { progress } else { nil } } }
    var record: @Sendable (HubEvent) -> Void { { event in self.events.withLock { $0.append(event) } } }
}
