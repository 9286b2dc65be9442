import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Places and the queue before them") struct SpeechQueueTests {
    @Test("a place that is given back goes to who has waited longest") func order() async throws {
        let queue = SpeechQueue(places: 1, length: 2, patience: 5)
        var place: Place? = try await queue.enter()
        let entered = Gate()
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                let place = try await queue.enter()
                await entered.wait()
                withExtendedLifetime(place) {}
                return 1
            }
            while queue.load.waiting < 1 { await Task.yield() }
            group.addTask {
                _ = try await queue.enter()
                return 2
            }
            while queue.load.waiting < 2 { await Task.yield() }
            #expect(queue.load.running == 1)
            withExtendedLifetime(place) {}
            place = nil
            while queue.load.waiting > 1 { await Task.yield() }
            #expect(queue.load.running == 1)
            entered.open()
            let order = [try await group.next(), try await group.next()]
            #expect(order == [1, 2])
        }
        #expect(queue.load.running == 0 && queue.load.waiting == 0)
    }

    @Test("beyond its length it refuses at once, and says when to come again") func full() async throws {
        let queue = SpeechQueue(places: 1, length: 0, patience: 5)
        let place = try await queue.enter()
        let error = await #expect(throws: APIError.self) { _ = try await queue.enter() }
        #expect(error?.status == .tooManyRequests && error?.code == "queue_full")
        #expect(error?.headers[.retryAfter] == "1" && error?.headers[.shouldRetry] == "true")
        withExtendedLifetime(place) {}
    }

    @Test("who would wait too long is refused at once, by how long places were held before") func patience() async throws {
        let queue = SpeechQueue(places: 2, length: 100, patience: 5, holding: 8)
        let places = [try await queue.enter(), try await queue.enter()]
        // One who waits: 8 s over two places. Two: 8 s.
        let first = Task { _ = try await queue.enter() }
        while queue.load.waiting < 1 { await Task.yield() }
        let error = await #expect(throws: APIError.self) { _ = try await queue.enter() }
        #expect(error?.code == "slow_down" && error?.headers[.retryAfter] == "3")
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(queue.load.running == 2 && queue.load.waiting == 0)
        withExtendedLifetime(places) {}
    }

    @Test("who would hear nothing for too long in company is refused, though there are places; alone everybody is let in") func company() async throws {
        let queue = SpeechQueue(places: 8, length: 100, patience: 5)
        var estimate = SpeechQueue.Estimate()
        for _ in 0..<9 { estimate.take(2) }
        #expect(estimate.seconds == 2)
        estimate.take(7)
        // The mean is 3, and the mean distance 1.
        #expect(abs(estimate.seconds - 5) < 1e-9)

        queue.learn(estimate: 2)
        var places = [try await queue.enter(), try await queue.enter()]
        let error = await #expect(throws: APIError.self) { _ = try await queue.enter() }
        // Three at once would wait for 6 s.
        #expect(error?.code == "slow_down" && error?.headers[.retryAfter] == "1")
        places.removeAll()
        queue.learn(estimate: 60)
        places.append(try await queue.enter())
        await #expect(throws: APIError.self) { _ = try await queue.enter() }
        #expect(queue.load.running == 1)
    }

    @Test("a place tells when its first sound came, or how long it was waited for in vain") func sounds() {
        let told = Mutex<[Bool]>([])
        var place: Place? = Place { _ in } onSound: { _, hasCome in told.withLock { $0.append(hasCome) } }
        place?.speaks()
        place?.sounds()
        place?.sounds()
        place = nil
        #expect(told.withLock(\.self) == [true])
        place = Place { _ in } onSound: { _, hasCome in told.withLock { $0.append(hasCome) } }
        place?.speaks()
        place = nil
        #expect(told.withLock(\.self) == [true, false])
        // An upload has no sound.
        place = Place { _ in } onSound: { _, hasCome in told.withLock { $0.append(hasCome) } }
        place = nil
        #expect(told.withLock(\.self) == [true, false])
    }

    @Test("who gives up leaves the queue, and takes no place") func cancelled() async throws {
        let queue = SpeechQueue(places: 1, length: 1, patience: 5)
        var place: Place? = try await queue.enter()
        let waiting = Task { _ = try await queue.enter() }
        while queue.load.waiting < 1 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        withExtendedLifetime(place) {}
        place = nil
        #expect(queue.load.running == 0 && queue.load.waiting == 0)
    }
}

@Suite("What a client may have") struct ClientLimitsTests {
    @Test("so many requests a minute, which come back with time") func rate() throws {
        let clock = TestClock()
        let limits = ClientLimits(perMinute: 2, atOnce: nil) { clock.now }
        _ = try limits.admit("a")
        _ = try limits.admit("a")
        let error = #expect(throws: APIError.self) { _ = try limits.admit("a") }
        #expect(error?.code == "rate_limit_exceeded" && error?.headers[.retryAfter] == "30")
        _ = try limits.admit("b")
        clock.advance(by: .seconds(31))
        _ = try limits.admit("a")
        #expect(throws: APIError.self) { _ = try limits.admit("a") }
    }

    @Test("so many at once") func atOnce() throws {
        let limits = ClientLimits(perMinute: nil, atOnce: 1)
        var place = try limits.admit("a")
        #expect(place != nil)
        #expect(throws: APIError.self) { _ = try limits.admit("a") }
        place = nil
        _ = try limits.admit("a")
    }
}

@Suite("Keys") struct KeyringTests {
    @Test("a key is known by its line, with its name") func names() {
        let keys = Keyring("# ours\nsecret-1 ada\n\n  secret-2\n")
        #expect(keys.name(of: "secret-1") == "ada" && keys.name(of: "secret-2") == "key 3")
        #expect(keys.name(of: "secret") == nil && keys.name(of: "ada") == nil && keys.name(of: "") == nil && keys.name(of: "# ours") == nil)
        #expect(!keys.isEmpty && Keyring("# none\n").isEmpty)
    }

    @Test("without a key the page and health are open, the rest is not") func routes() async throws {
        try await LoopbackServer.run { $0.keys = Keyring("secret ada") } _: { server in
            for path in ["/", "/health", "/live", "/v1/health"] { #expect(try await server.ask(.GET, path).status == 200, "\(path)") }
            for path in ["/v1/models", "/audio/voices", "/metrics", "/v1/models/stand-in", "/nothing"] {
                let answer = try await server.ask(.GET, path)
                #expect(answer.status == 401 && answer.json?["error"]?["type"] == "authentication_error", "\(path)")
            }
            #expect(try await server.speak().status == 401)
            #expect(try await server.speak(headers: ["authorization": "Bearer wrong"]).status == 401)
            #expect(try await server.speak(headers: ["authorization": "Bearer secret"]).status == 200)
            #expect(try await server.speak(headers: ["xi-api-key": "secret"]).status == 200)
        }
    }

    @Test("lists need none where that is wished") func publicLists() async throws {
        try await LoopbackServer.run { ($0.keys, $0.publicLists) = (Keyring("secret"), true) } _: { server in
            let (models, voices) = (try await server.ask(.GET, "/v1/models"), try await server.ask(.GET, "/v1/audio/voices"))
            #expect(models.status == 200 && voices.status == 200)
            let added = try await server.ask(.POST, "/v1/audio/voices", bytes: [])
            #expect(added.status == 401)
        }
    }
}
