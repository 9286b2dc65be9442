#if Server
import ChatterboxServer
import Foundation
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox serve", .standInModel, .serialized) struct ServeTests {
    let program: Program

    init() throws { program = try Program() }

    @Test("prints its address and a line to try, and ends in good order") func life() async throws {
        let run = try await program(
            ["serve", "--port", "0", "--model", StandInModel.folder.path, "--voices", program.path("voices")], interruptedAt: "curl ")
        #expect(run.status == 0, "\(run.errors)")
        let address = try #require(run.errors.firstMatch(of: /on (http:\/\/127\.0\.0\.1:[0-9]+);/)?.1)
        #expect(run.lines.contains { $0.hasPrefix("curl \(address)/v1/audio/speech -H") })
        #expect(run.lines.last == "Stopped.")
        #expect(run.errors.contains("no watermark") && run.errors.contains("chatterbox watermark --fetch"), "\(run.errors)")
    }

    @Test("options go before the environment, and that before the file") func sources() async throws {
        let file = program.path("serve.json")
        try Data(#"{"host": "::1", "port": 1, "places": 3, "model": ["a", "b"], "strict": true, "patience": 2.5}"#.utf8).write(to: URL(filePath: file))
        let arguments = try ServeArguments.parse(["--config", file, "--port", "4"])
        let settings = try await ServeSettings(arguments, environment: ["CHATTERBOX_PORT": "2", "CHATTERBOX_PLACES": "5", "CHATTERBOX_REQUESTS_PER_MINUTE": "9"])
        let configuration = try settings.configuration(voices: program.folder.url)
        #expect(configuration.host == "::1" && configuration.port == 4 && configuration.places == 5 && configuration.isStrict)
        #expect(configuration.requestsPerMinute == 9 && configuration.patience == 2.5 && settings.models == ["a", "b"])
        let other = try await ServeSettings(try ServeArguments.parse(["--model", "c"]), environment: ["CHATTERBOX_MODEL": "d,e"])
        #expect(other.models == ["c"])
        #expect(try await ServeSettings(try ServeArguments.parse([]), environment: ["CHATTERBOX_MODEL": "d,e"]).models == ["d", "e"])
    }

    @Test("an address that others reach is warned of, unless keys are asked for") func otherAddress() async throws {
        func warning(_ options: String...) async throws -> String? {
            let settings = try await ServeSettings(try ServeArguments.parse(options), environment: [:])
            return settings.warning(try settings.configuration(voices: program.folder.url))
        }
        #expect(try await warning() == nil)
        #expect(try await warning("--host", "localhost") == nil)
        #expect(try await warning("--host", "0.0.0.0")?.contains("--api-key-file") == true)
        try Data("secret\n".utf8).write(to: URL(filePath: program.path("keys")))
        #expect(try await warning("--host", "0.0.0.0", "--api-key-file", program.path("keys")) == nil)
    }

    @Test("what cannot be is said before a model is loaded", arguments: [
        (["--port", "70000"], "--port is 70000"), (["--api-key-file", "none"], "--api-key-file none"), (["--tls-key", "key.pem"], "go together"),
        (["--config", "none.json"], "--config none.json"), (["--log-level", "loud"], "--log-level is loud"), (["--places", "0"], "--places is 0"),
    ]) func mistakes(options: [String], words: String) async throws {
        let run = try await program(["serve", "--model", StandInModel.folder.path] + options)
        #expect(run.status == 64 && run.errors.contains(words) && !run.errors.contains("Loading"), "\(run.status) \(run.errors)")
    }
}
#endif
