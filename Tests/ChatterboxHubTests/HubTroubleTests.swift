import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxHub

@Suite("A hub that misbehaves") struct HubTroubleTests {
    private static let weights = [HubRequest("weights.bin")]
    private static let size = HubWorld.large.count

    /// Failures of transfers of contents only, by the number of earlier transfers.
    private static func world(
        clock: TestClock = TestClock(), _ trouble: @escaping @Sendable (Int) -> FakeHub.Trouble?
    ) async throws -> HubWorld {
        try await HubWorld(clock: clock) { request, before in request.server == 1 && request.isContents ? trouble(before) : nil }
    }

    private static func inTurn(_ troubles: FakeHub.Trouble...) -> @Sendable (Int) -> FakeHub.Trouble? {
        { $0 < troubles.count ? troubles[$0] : nil }
    }

    private func expectWhole(_ world: HubWorld, _ files: [String: URL], sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try Data(contentsOf: #require(files["weights.bin"])) == HubWorld.large, sourceLocation: sourceLocation)
        #expect(world.blobs == [FakeHub.checksum(HubWorld.large)], sourceLocation: sourceLocation)
    }

    /// The cache contains nothing that could be taken for the file.
    private func expectNothing(_ world: HubWorld, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(world.blobs.allSatisfy { $0.hasSuffix(".incomplete") }, sourceLocation: sourceLocation)
        #expect(world.cache.file("weights.bin", of: HubWorld.repository) == nil, sourceLocation: sourceLocation)
    }

    // MARK: statuses

    @Test("requests to busy and failing servers are repeated, after pauses that double", arguments: [408, 429, 500, 502, 503, 504])
    func statuses(code: Int) async throws {
        let world = try await HubWorld { request, before in request.server == 0 && before < 3 ? .status(code) : nil }
        let events = Events()
        try await expectWhole(world, world.fetch(Self.weights, onEvent: events.record))
        #expect(world.clock.sleeps == [.seconds(1), .seconds(2), .seconds(4)] + [.seconds(1), .seconds(2), .seconds(4)])
        #expect(events.all.count { if case .pausing = $0 { true } else { false } } == 6)
    }

    @Test("after repeated failures of the server the download fails") func givesUp() async throws {
        let world = try await HubWorld { _, _ in .status(503) }
        let url = "\(world.hub.address())/Org/model/resolve/main/weights.bin"
        await #expect(throws: HubError.status(url: url, code: 503, attempts: 4)) { try await world.fetch(Self.weights) }
        #expect(world.hub.requests.count == 4)
    }

    @Test("the pause that the hub requests is observed") func retryAfter() async throws {
        let world = try await HubWorld { request, before in
            request.method == .HEAD && before == 0 ? .status(429, headers: [("Retry-After", "37")]) : nil
        }
        _ = try await world.fetch(Self.weights)
        #expect(world.clock.sleeps == [.seconds(37)])
    }

    @Test("a pause of hours is refused") func retryAfterHours() async throws {
        let world = try await HubWorld { _, _ in .status(429, headers: [("Retry-After", "7200")]) }
        await #expect(throws: HubError.self) { try await world.fetch(Self.weights) }
        #expect(world.clock.sleeps.isEmpty)
    }

    @Test("statuses that waiting does not change cause no waiting", arguments: [400, 410, 451]) func final(code: Int) async throws {
        let world = try await HubWorld { _, _ in .status(code) }
        await #expect(throws: HubError.self) { try await world.fetch(Self.weights) }
        #expect(world.clock.sleeps.isEmpty)
    }

    @Test("a proxy that refuses the name and password is asked once") func proxyRefuses() async throws {
        var asked = try await HubWorld(trouble: { _, _ in .status(407) })
        asked.configuration.proxy = HubProxy(host: "127.0.0.1", port: try #require(URL(string: asked.hub.address())?.port))
        let world = asked
        let error = await #expect(throws: HubError.self) { try await world.fetch(Self.weights) }
        #expect("\(error as Any)".contains("the proxy refuses the name and password"))
        #expect(world.hub.requests.count == 1)
    }

    @Test("an error says that a proxy supports no tunnels, which hubs without TLS also need", arguments: [400, 405, 501])
    func proxyWithoutTunnels(code: Int) async throws {
        var asked = try await HubWorld(trouble: { _, _ in .status(code) })
        asked.configuration.proxy = HubProxy(host: "127.0.0.1", port: try #require(URL(string: asked.hub.address())?.port))
        let world = asked
        let error = await #expect(throws: HubError.self) { try await world.fetch(Self.weights) }
        #expect("\(error as Any)".contains("refuses a tunnel (CONNECT)"), "\(error as Any)")
    }

    @Test("an expired address of the content server is requested again") func expired() async throws {
        let world = try await Self.world { $0 == 0 ? .status(403) : nil }
        try await expectWhole(world, world.fetch(Self.weights))
        #expect(world.hub.requests.count { $0.server == 0 && $0.isContents } == 2)
    }

    // MARK: broken transfers

    @Test("an interrupted transfer continues where it stopped") func cut() async throws {
        let world = try await Self.world(Self.inTurn(.cut(after: 20_000), .cut(after: 12_000), .cut(after: 0)))
        let events = Events()
        try await expectWhole(world, world.fetch(Self.weights, onEvent: events.record))
        #expect(world.hub.transfers.filter { $0.server == 1 }.map(\.range) == [nil, "bytes=20000-", "bytes=32000-", "bytes=32000-"])
        #expect(events.progress.last?.bytes == Self.size)
    }

    @Test("after repeated interruptions the download fails, and the next run continues it") func alwaysCut() async throws {
        let cuts = Switch(true)
        let world = try await Self.world { _ in cuts.isOn ? .cut(after: 100) : nil }
        let error = await #expect(throws: HubError.self) { try await world.fetch(Self.weights) }
        #expect(error == .interrupted(file: "weights.bin", received: 400, size: Self.size, attempts: 4, reason: "the connection was cut"))
        expectNothing(world)
        cuts.isOn = false
        try await expectWhole(world, world.fetch(Self.weights))
        #expect(world.hub.transfers.last?.range == "bytes=400-")
    }

    @Test("a transfer that makes progress does not fail, however often it is interrupted") func headway() async throws {
        let world = try await Self.world { $0 < 20 ? .cut(after: 2000) : nil }
        try await expectWhole(world, world.fetch(Self.weights))
        #expect(Set(world.clock.sleeps) == [.seconds(1)])
    }

    @Test("a transfer without data is ended, and the next attempt continues") func stall() async throws {
        var world = try await HubWorld { request, _ in
            // Bytes after this position are sent: a busy machine may interrupt that as well, further on.
            let start = request.range.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
            return request.server == 1 && request.isContents && start < 5000 ? .stall(at: 5000) : nil
        }
        world.configuration.patience.silence = .milliseconds(500)
        // On a busy machine the transfer may end before all sent bytes have been received.
        world.configuration.patience.attempts = 1000
        try await expectWhole(world, world.fetch(Self.weights))
        #expect(world.hub.transfers.contains { $0.range == "bytes=5000-" })
    }

    @Test("a transfer that is too slow is ended") func drip() async throws {
        // Each reading of the clock takes a second, and each byte one reading.
        let world = try await Self.world(clock: TestClock(tick: .seconds(1))) { $0 < 2 ? .drip : nil }
        try await expectWhole(world, world.fetch(Self.weights))
        let ranges = world.hub.transfers.filter { $0.server == 1 }.compactMap(\.range)
        #expect(ranges.count == 2)
    }

    // MARK: wrong contents

    @Test("if the server ignores the range, the file is read from the beginning") func rangeIgnored() async throws {
        let world = try await Self.world { $0 == 0 ? .cut(after: 20_000) : .ignoreRange }
        let events = Events()
        try await expectWhole(world, world.fetch(Self.weights, onEvent: events.record))
        #expect(events.progress.last?.bytes == Self.size)
    }

    @Test("a part other than the requested one is not used") func wrongRange() async throws {
        let world = try await Self.world(Self.inTurn(.cut(after: 20_000), .wrongRange))
        try await expectWhole(world, world.fetch(Self.weights))
    }

    @Test(
        "a wrong length is detected",
        arguments: [
            .announce(49_999), .announce(50_001), .short(by: 1), .long(by: 1), .short(by: 49_999), .long(by: 70_000),
        ] as [FakeHub.Trouble])
    func wrongLength(trouble: FakeHub.Trouble) async throws {
        let once = try await Self.world { $0 == 0 ? trouble : nil }
        try await expectWhole(once, once.fetch(Self.weights))
        let always = try await Self.world { _ in trouble }
        // A transfer that lacks a byte is completed by the next; others never are.
        if case .short = trouble { return }
        await #expect(throws: HubError.self) { try await always.fetch(Self.weights) }
        expectNothing(always)
    }

    @Test("damaged contents are downloaded again", arguments: [0, 25_000, 49_999]) func damagedOnce(place: Int) async throws {
        let world = try await Self.world { $0 == 0 ? .damage(at: place) : nil }
        try await expectWhole(world, world.fetch(Self.weights))
    }

    @Test("contents that are always damaged are never stored") func damagedAlways() async throws {
        let world = try await Self.world { _ in .damage(at: 7) }
        let error = await #expect(throws: HubError.self) { try await world.fetch(Self.weights) }
        guard case .corrupt("weights.bin", let expected, _, attempts: 3) = error else {
            Issue.record("\(error!)")
            return
        }
        #expect(expected == FakeHub.checksum(HubWorld.large))
        expectNothing(world)
        #expect(world.blobs.isEmpty)
    }

    @Test("a small file is verified by git's checksum") func damagedSmall() async throws {
        let world = try await HubWorld { request, _ in request.isContents ? .damage(at: 3) : nil }
        await #expect(throws: HubError.self) { try await world.fetch([HubRequest("sub/config.json")]) }
        #expect(world.blobs.isEmpty)
    }

    @Test(
        "bytes from an earlier run are used if they are right, and replaced otherwise",
        arguments: [
            (HubWorld.large.prefix(30_000), 1), (HubWorld.large, 0), (Data(repeating: 9, count: 30_000), 2), (HubWorld.large + Data([1]), 1),
        ])
    func leftovers(data: Data, transfers: Int) async throws {
        let world = try await HubWorld()
        try FileManager.default.createDirectory(at: world.largeBlob.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: world.largeBlob.appendingPathExtension("incomplete"))
        let events = Events()
        try await expectWhole(world, world.fetch(Self.weights, onEvent: events.record))
        #expect(world.hub.transfers.count { $0.server == 1 } == transfers)
        #expect(events.progress.last?.bytes == Self.size)
    }

    @Test("a cancelled download leaves nothing that looks complete") func cancelled() async throws {
        let world = try await Self.world { _ in .stall(at: 8192) }
        let task = Task { try await world.fetch(Self.weights) }
        while world.hub.transfers.count(where: { $0.server == 1 }) == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        expectNothing(world)
    }
}

/// A switch that is changed during a test.
final class Switch: Sendable {
    private let state: Mutex<Bool>
    init(_ isOn: Bool) { state = Mutex(isOn) }
    var isOn: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
