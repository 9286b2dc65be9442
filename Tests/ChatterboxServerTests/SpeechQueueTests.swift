import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Places and the queue") struct SpeechQueueTests {
    @Test("a free place is given to the request that has waited longest") func order() async throws {
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

    @Test("beyond its length the queue refuses at once, and says when to repeat") func full() async throws {
        let queue = SpeechQueue(places: 1, length: 0, patience: 5)
        let place = try await queue.enter()
        let error = await #expect(throws: APIError.self) { _ = try await queue.enter() }
        #expect(error?.status == .tooManyRequests && error?.code == "queue_full")
        #expect(error?.headers[.retryAfter] == "2" && error?.headers[.shouldRetry] == "true")
        withExtendedLifetime(place) {}
    }

    @Test("a request whose first sound would be late is refused at once, by earlier times, with the time to repeat") func patience() async throws {
        let clock = TestClock(), queue = SpeechQueue(places: 1, length: 100, patience: 5) { clock.now }
        var place: Place? = try await queue.enter(characters: 10)
        place?.comes(to: .begins)
        clock.advance(by: .seconds(1))
        place?.comes(to: .sounds)
        clock.advance(by: .seconds(1))
        place?.comes(to: .ends)
        place = nil
        place = try await queue.enter(characters: 10)
        // 2 s until the first has its place, 1 s more to its sound; times 1.5 before any estimate has been compared.
        let first = Task { _ = try await queue.enter(characters: 10) }
        while queue.load.waiting < 1 { await Task.yield() }
        let error = await #expect(throws: APIError.self) { _ = try await queue.enter(characters: 10) }
        #expect(error?.code == "slow_down" && error?.headers[.retryAfter] == "3" && error?.message.contains("within 5 s: about 8 s") == true)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(queue.load.running == 1 && queue.load.waiting == 0)
        withExtendedLifetime(place) {}
    }

    @Test("a place is freed once, after its steps have been recorded") func place() {
        let told = Mutex<[String]>([])
        var place: Place? = Place {
            told.withLock { $0.append("gone") }
        } onStep: { step in
            told.withLock { $0.append("\(step)") }
        }
        for step in [Place.Step.begins, .sounds, .ends] { place?.comes(to: step) }
        place = nil
        #expect(told.withLock(\.self) == ["begins", "sounds", "ends", "gone"])
    }

    @Test("a cancelled request leaves the queue, and takes no place") func cancelled() async throws {
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

@Suite("Limits of a client") struct ClientLimitsTests {
    @Test("requests per minute, which become available again with time") func rate() throws {
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

    @Test("simultaneous requests") func atOnce() throws {
        let limits = ClientLimits(perMinute: nil, atOnce: 1)
        var place = try limits.admit("a")
        #expect(place != nil)
        #expect(throws: APIError.self) { _ = try limits.admit("a") }
        place = nil
        _ = try limits.admit("a")
    }
}

@Suite("Keys") struct KeyringTests {
    @Test("a key is found by its line, with its name") func names() {
        let keys = Keyring("# ours\nsecret-1 ada\n\n  secret-2\n")
        #expect(keys.name(of: "secret-1") == "ada" && keys.name(of: "secret-2") == "key 3")
        #expect(keys.name(of: "secret") == nil && keys.name(of: "ada") == nil && keys.name(of: "") == nil && keys.name(of: "# ours") == nil)
        #expect(!keys.isEmpty && Keyring("# none\n").isEmpty)
    }

    @Test("without a key only the page and the health routes are accessible") func routes() async throws {
        try await LoopbackServer.run {
            $0.keys = Keyring("secret ada")
        } _: { server in
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

    @Test("lists need no key if this is configured") func publicLists() async throws {
        try await LoopbackServer.run {
            ($0.keys, $0.publicLists) = (Keyring("secret"), true)
        } _: { server in
            let (models, voices) = (try await server.ask(.GET, "/v1/models"), try await server.ask(.GET, "/v1/audio/voices"))
            #expect(models.status == 200 && voices.status == 200)
            let added = try await server.ask(.POST, "/v1/audio/voices", bytes: [])
            #expect(added.status == 401)
        }
    }
}
