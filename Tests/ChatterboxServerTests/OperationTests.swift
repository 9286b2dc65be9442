import Foundation
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

/// A clock that the test advances.
final class TestClock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { time.withLock(\.self) }

    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

@Suite("Models, load and metrics") struct OperationTests {
    @Test("requests beyond the queue's length get 429 with the fields that clients use, and the next is served") func overload() async throws {
        let gate = Gate()
        try await LoopbackServer.run([.standIn("stand-in", [.wait(gate), .sound(0.1)])]) {
            ($0.places, $0.queueLength) = (1, 0)
        } _: { server in
            async let first = server.speak()
            while server.state.queue.load.running == 0 { await Task.yield() }
            let refused = try await server.speak()
            // The time depends on how long the first request has been running.
            #expect(
                refused.status == 429 && (refused.headers["retry-after"].first.flatMap(Int.init) ?? 0) >= 1
                    && refused.headers["x-should-retry"] == ["true"])
            #expect(refused.json?["error"]?["type"] == "rate_limit_error")
            gate.open()
            #expect(try await first.status == 200)
            #expect(try await server.speak().status == 200)
        }
    }

    @Test("models are listed in OpenAI's format, and found by name") func models() async throws {
        try await LoopbackServer.run([.standIn("one"), .standIn("two")]) { server in
            let list = try #require(try await server.ask(.GET, "/v1/models").json)
            #expect(list["object"] == "list")
            guard case .array(let models)? = list["data"] else { return #expect(Bool(false), "\(list)") }
            #expect(models.map { $0["id"] } == ["one", "two"])
            #expect(
                models.allSatisfy { $0["object"] == "model" && $0["owned_by"] == "chatterbox" && $0["created"] != nil && $0["state"] == "inactive" })
            #expect(try await server.ask(.GET, "/v1/models/two").json?["id"] == "two")
            #expect(try await server.ask(.GET, "/v1/models/three").status == 404)
            #expect(try await server.ask(.GET, "/audio/models").json?["models"] != nil)
        }
    }

    @Test("a model's properties are read from its files before it is loaded; without files they are not known") func abilities() async throws {
        let folder = try TemporaryFolder()
        for name in [
            "t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json", "merges.txt", "voices/ada.voice.safetensors",
        ] {
            let file = folder.url.appending(path: name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: file)
        }
        let offer = ModelOffering(name: "turbo", folder: folder.url) { throw StandInSpeaker.Failure() }
        try await LoopbackServer.run([offer, .standIn()]) { server in
            let turbo = try #require(try await server.ask(.GET, "/models/turbo").json)
            #expect(
                turbo["state"] == "inactive" && turbo["languages"] == ["en"] && turbo["ignores"] == ["exaggeration", "cfg_weight"]
                    && turbo["voices"] == ["ada"])
            let unknown = try #require(try await server.ask(.GET, "/models/stand-in").json)
            #expect(unknown["languages"] == .null && unknown["ignores"] == .null && unknown["voices"] == [])
        }
    }

    @Test("a model is loaded when it is requested, once for all waiting requests, and unloaded when it is idle") func loading() async throws {
        let model = GatedModel()
        try await LoopbackServer.run([model.offer]) { server in
            async let first = server.speak()
            async let second = server.speak()
            while server.state.queue.load.running < 2 { await Task.yield() }
            #expect(try await server.ask(.GET, "/models/stand-in").json?["state"] == "activating")
            #expect(try await server.ask(.POST, "/models/stand-in/unload").status == 409)
            model.gate.open()
            let statuses = [try await first.status, try await second.status]
            #expect(statuses == [200, 200])
            #expect(model.loads == 1)
            // A request releases the model just after its response.
            var unloaded = try await server.ask(.POST, "/models/stand-in/unload")
            for _ in 0..<1000 where unloaded.status == 409 { unloaded = try await server.ask(.POST, "/models/stand-in/unload") }
            #expect(unloaded.json?["state"] == "inactive")
            #expect(try await server.ask(.POST, "/models/stand-in/load").json?["state"] == "active")
            #expect(model.loads == 2)
        }
    }

    @Test("the least recently used model is unloaded for the budget; one that speaks is not") func budget() async throws {
        let gate = Gate()
        let offers: [ModelOffering] = [.standIn("a", bytes: 60), .standIn("b", bytes: 60), .standIn("c", [.wait(gate), .sound(0.1)], bytes: 60)]
        try await LoopbackServer.run(offers) {
            $0.memory = 130
        } _: { server in
            func states() async throws -> [String] { server.state.models.entries.map(\.phase.rawValue) }
            for name in ["a", "b", "a"] { #expect(try await server.speak([("model", .string(name))]).status == 200) }
            async let speaking = server.speak([("model", "c")])
            while try await states()[2] != "active" { await Task.yield() }
            #expect(try await states() == ["active", "inactive", "active"])
            #expect(try await server.speak([("model", "b")]).status == 200)
            #expect(try await states() == ["inactive", "active", "active"])
            gate.open()
            #expect(try await speaking.status == 200)
        }
    }

    @Test("the server is ready after its first model has spoken, and stays ready while models are loaded and unloaded") func ready() async throws {
        let gate = Gate(), speaker = try StandInSpeaker()
        let offer = ModelOffering(name: "stand-in") {
            await gate.wait()
            return speaker
        }
        try await LoopbackServer.run([offer]) { server in
            async let warm: Void = SpeechServer(server.state).warmUp()
            #expect(try await server.ask(.GET, "/live").status == 200)
            let early = try await server.ask(.GET, "/ready")
            #expect(early.status == 503 && early.headers["retry-after"] == ["1"] && early.json?["error"]?["code"] == "starting")
            gate.open()
            try await warm
            #expect(speaker.requests.ended == 2)
            #expect(try await server.ask(.GET, "/ready").status == 200)
            #expect(try await server.ask(.POST, "/models/stand-in/unload").status == 200)
            #expect(try await server.ask(.GET, "/ready").status == 200)
            server.state.beginToStop()
            #expect(try await server.ask(.GET, "/ready").json?["error"]?["code"] == "stopping")
        }
    }

    @Test("if a client disconnects while its model is loaded, its place becomes free, and loading continues for others") func goneWhileLoading()
        async throws
    {
        let model = GatedModel()
        try await LoopbackServer.run([model.offer]) { server in
            let connection = try RawConnection(server.port)
            connection.order(LoopbackServer.order())
            while server.state.models.entries[0].phase != .activating { await Task.yield() }
            connection.end()
            while server.state.queue.load.running > 0 { await Task.yield() }
            #expect(server.state.models.entries[0].phase == .activating)
            model.gate.open()
            #expect(try await server.speak().status == 200)
            #expect(model.loads == 1)
        }
    }

    @Test("a model that cannot be loaded is broken, with the reason, and can be tried again") func broken() async throws {
        let fails = Mutex(true)
        let offer = ModelOffering(name: "stand-in") {
            guard !fails.withLock(\.self) else { throw StandInSpeaker.Failure() }
            return try StandInSpeaker()
        }
        try await LoopbackServer.run([offer]) { server in
            let failed = try await server.speak()
            #expect(failed.status == 500)
            #expect(try await server.ask(.GET, "/models/stand-in").json?["error"] == "Failure()")
            fails.withLock { $0 = false }
            #expect(try await server.speak().status == 200)
        }
    }

    @Test("metrics count what was served") func metrics() async throws {
        try await LoopbackServer.run([.standIn(bytes: 70)]) { server in
            _ = try await server.speak()
            _ = try await server.speak([("speed", 9)])
            _ = try await server.speak([("voice", "nobody")])
            // A place becomes free when the last byte has been sent.
            while server.state.queue.load.running > 0 { await Task.yield() }
            let answer = try await server.ask(.GET, "/metrics")
            #expect(answer.headers["content-type"] == ["text/plain; version=0.0.4; charset=utf-8"])
            for line in [
                #"chatterbox_requests_success_total{model="stand-in",finished_reason="stop"} 1"#,
                #"chatterbox_audio_ttfp_s_count{model="stand-in"} 1"#,
                #"chatterbox_audio_duration_s_sum{model="stand-in"} 1"#, #"chatterbox_http_requests_total{route="/v1/audio/speech",status="400"} 1"#,
                "chatterbox_num_requests_running 0", #"chatterbox_model_active{model="stand-in"} 1"#,
                #"chatterbox_audio_chunk_interval_s_count{model="stand-in"} 1"#, #"chatterbox_audio_underrun_s_count{model="stand-in"} 1"#,
                #"chatterbox_queue_time_s_count{model="stand-in"} 2"#, #"chatterbox_model_memory_bytes{model="stand-in",on="host"} 70"#,
                #"chatterbox_requests_failed_total{status="404"} 1"#,
            ] { #expect(answer.text.contains(line + "\n"), "\(line)") }
        }
    }

    @Test("every path of the API description exists, with its methods and no others") func document() async throws {
        try await LoopbackServer.run { server in
            let document = try #require(try await server.ask(.GET, "/openapi.json").json)
            guard case .object(let paths)? = document["paths"] else { return #expect(Bool(false), "\(document)") }
            #expect(paths.count == 24)
            for path in paths {
                let place = "/v1" + path.name.replacing("{voice_id}", with: "nobody").replacing("{model}", with: "stand-in")
                for (name, method) in [("get", HTTPMethod.GET), ("post", .POST), ("delete", .DELETE)] {
                    let status = try await server.ask(method, place).status
                    #expect((status == 405) == (path.value[name] == nil), "\(name) \(place): \(status)")
                }
            }
        }
    }

    @Test("pages of an allowed origin may send requests, those of others may not") func origins() async throws {
        try await LoopbackServer.run {
            $0.allowedOrigin = "https://example.org"
        } _: { server in
            let answer = try await server.ask(
                .OPTIONS, "/v1/audio/speech", bytes: nil, headers: ["origin": "https://example.org", "access-control-request-method": "POST"])
            #expect(answer.headers["access-control-allow-origin"] == ["https://example.org"])
            // Errors as well, so that a page can read what was wrong.
            let refused = try await server.ask(.POST, "/v1/audio/speech", ["model": "tts-1"], headers: ["origin": "https://example.org"])
            #expect(refused.headers["access-control-allow-origin"] == ["https://example.org"] && refused.json?["error"]?["param"] == "input")
        }
        try await LoopbackServer.run { server in
            let answer = try await server.ask(.GET, "/health", bytes: nil, headers: ["origin": "https://example.org"])
            #expect(answer.headers["access-control-allow-origin"].isEmpty)
        }
    }
}

@Suite("Prometheus metrics") struct PrometheusRegistryTests {
    @Test("counters, gauges and histograms, with help, labels and buckets") func text() {
        let registry = PrometheusRegistry(["b_s": .init(help: "Two\nlines.", buckets: [0.5, 1])])
        registry.makeCounter(label: "a.total", dimensions: [("x", "q\"\\\n")]).increment(by: 2)
        registry.makeMeter(label: "c", dimensions: []).set(1.5)
        let recorder = registry.makeRecorder(label: "b_s", dimensions: [], aggregate: true)
        for value in [0.25, 1.0, 7.0] { recorder.record(value) }
        registry.makeTimer(label: "d", dimensions: []).recordNanoseconds(30_000_000)
        let lines = registry.text.split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(9) == [
                "# TYPE a_total counter", #"a_total{x="q\"\\\n"} 2"#, "# HELP b_s Two\\nlines.", "# TYPE b_s histogram", #"b_s_bucket{le="0.5"} 1"#,
                #"b_s_bucket{le="1"} 2"#, #"b_s_bucket{le="+Inf"} 3"#, "b_s_sum 8.25", "b_s_count 3",
            ])
        #expect(lines.contains("c 1.5") && lines.contains(#"d_bucket{le="0.05"} 1"#) && lines.contains("d_sum 0.03"))
    }

    @Test("a histogram can be set from counts") func counts() {
        let registry = PrometheusRegistry(["batch": .init(help: "Requests.", buckets: [1, 2, 4])])
        registry.set("batch", [1: 5, 3: 2, 9: 1])
        #expect(
            registry.text.split(separator: "\n").dropFirst(2) == [
                #"batch_bucket{le="1"} 5"#, #"batch_bucket{le="2"} 5"#, #"batch_bucket{le="4"} 7"#, #"batch_bucket{le="+Inf"} 8"#, "batch_sum 20",
                "batch_count 8",
            ])
    }

    @Test("a listener waits if sound arrives later than it is played") func listener() {
        let begin = ContinuousClock.now
        var clock = ListenerClock(since: begin)
        _ = clock.take(1, at: begin + .milliseconds(300))
        #expect(clock.firstSound == 0.3)
        #expect(clock.take(1, at: begin + .milliseconds(1000)) == 0.7)
        #expect(clock.waited == 0)
        // Until 2.3, two seconds have been heard.
        _ = clock.take(1, at: begin + .milliseconds(2800))
        #expect(abs(clock.waited - 0.5) < 1e-9 && abs(clock.longest - 0.5) < 1e-9)
        // And until 3.8 the third second.
        _ = clock.take(1, at: begin + .milliseconds(3700))
        #expect(abs(clock.waited - 0.5) < 1e-9 && clock.received == 4)
    }
}
