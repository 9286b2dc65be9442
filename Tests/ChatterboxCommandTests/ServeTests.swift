#if Server
    import Chatterbox
    import ChatterboxServer
    import Foundation
    import TestSupport
    import Testing

    @testable import ChatterboxCommand

    @Suite("chatterbox serve", .standInModel, .serialized) struct ServeTests {
        let program: Program

        init() throws { program = try Program() }

        @Test("prints its address and a line to try, and ends normally") func life() async throws {
            let run = try await program(
                ["serve", "--port", "0", "--model", StandInModel.folder.path, "--voices", program.path("voices")], interruptedAt: "curl ")
            #expect(run.status == 0, "\(run.errors)")
            let address = try #require(run.errors.firstMatch(of: /on (http:\/\/127\.0\.0\.1:[0-9]+);/)?.1)
            #expect(run.lines.contains { $0.hasPrefix("curl \(address)/v1/audio/speech -H") })
            #expect(run.lines.last == "Stopped.")
            #expect(run.errors.contains("no watermark") && run.errors.contains("chatterbox watermark --fetch"), "\(run.errors)")
        }

        @Test("--wyoming takes a separate port, and warns that it has no keys if keys are set") func wyoming() async throws {
            try Data("secret\n".utf8).write(to: URL(filePath: program.path("keys")))
            let run = try await program(
                [
                    "serve", "--port", "0", "--wyoming", "0", "--api-key-file", "keys", "--model", StandInModel.folder.path, "--voices",
                    program.path("voices"),
                ],
                interruptedAt: "curl ")
            #expect(run.status == 0 && run.errors.firstMatch(of: /Wyoming on port [1-9][0-9]*/) != nil, "\(run.errors)")
            #expect(run.errors.contains("the Wyoming protocol has no keys"))
        }

        // The program's requests to other servers use the hub's HTTP client.
        #if Hub
            @Test("models of a running server are listed, loaded and unloaded by name") func models() async throws {
                let folder = StandInModel.folder, (ports, listening) = AsyncStream<Int>.makeStream()
                let offers = ["a", "b"].map { name in
                    ModelOffering(name: name, folder: folder, bytes: 3_200_000_000) { try await Synthesizer.load(folder) }
                }
                var configuration = ServerConfiguration(voices: program.folder.url)
                configuration.port = 0
                configuration.keys = Keyring("secret")
                try Data("# ours\nsecret ada\n".utf8).write(to: URL(filePath: program.path("keys")))
                let server = SpeechServer(configuration, offers)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run { listening.yield($0) } }
                    let port = try #require(await ports.first { _ in true }),
                        own = ["--server", "http://127.0.0.1:\(port)/v1", "--api-key-file", "keys"]
                    let listed = try await program(["models", "status"] + own)
                    #expect(listed.status == 0, "\(listed.errors)")
                    let table = String(decoding: listed.output, as: UTF8.self).split(separator: "\n")
                    #expect(
                        table[0].hasPrefix("model") && table.contains { $0.hasPrefix("a ") && $0.contains("inactive") && $0.contains("3.2 GB") },
                        "\(table)")
                    let loaded = try await program(["models", "load", "b", "--pin", "--json"] + own)
                    let model = try #require(JSONDecoder().decode([ModelsCommand.ServedModel].self, from: loaded.output).first)
                    #expect(model.id == "b" && model.state == "active" && model.pinned)
                    #expect(String(decoding: try await program(["models", "unload", "b"] + own).output, as: UTF8.self).contains("inactive"))
                    let unknown = try await program(["models", "load", "c"] + own)
                    #expect(unknown.status == 1 && unknown.errors.contains("404: there is no model c here; there are a, b"), "\(unknown.errors)")
                    let noKey = try await program(["models", "status", "--server", "http://127.0.0.1:\(port)"])
                    #expect(noKey.status == 1 && noKey.errors.contains("--api-key-file"), "\(noKey.errors)")
                    group.cancelAll()
                    try await group.waitForAll()
                }
                let gone = try await program(["models", "status", "--server", "http://127.0.0.1:1"])
                #expect(gone.status == 1 && gone.errors.contains("cannot be reached"), "\(gone.errors)")
                #expect(try await program(["models", "status", "--server", "here"]).status == 64)
            }
        #endif

        @Test("numbers of bytes may have units") func bytes() {
            let known = ["8G": 8_000_000_000, "1.5g": 1_500_000_000, "512M": 512_000_000, "2GB": 2_000_000_000, "100": 100, "0": 0, "3k": 3000]
            for (text, bytes) in known { #expect(ByteCount(argument: text)?.bytes == bytes, "\(text)") }
            for text in ["", "G", "-1", "8 G", "1e99", "nan", "8Q"] { #expect(ByteCount(argument: text) == nil, "\(text)") }
            for text in ["8G", "1500M", "2T", "100", "0"] { #expect(ByteCount(argument: text)?.defaultValueDescription == text) }
        }

        @Test("limits, pinned models and names are checked before a model is loaded") func budgets() async throws {
            let offers = [
                ModelOffering(name: "a", bytes: 3_000_000_000, isPinned: true) { throw CancellationError() },
                ModelOffering(name: "b", bytes: 3_000_000_000, isPinned: true) { throw CancellationError() },
            ]
            func problem(_ options: String...) async throws -> String? {
                let settings = try await ServeSettings(try ServeArguments.parse(options), environment: [:])
                do {
                    try settings.check(offers, try settings.configuration(voices: program.folder.url))
                    return nil
                } catch let error as UsageError { return error.description }
            }
            #expect(try await problem("--pin", "a", "--pin", "b", "--memory", "6G", "--gpu-memory", "1M") == nil)
            #expect(try await problem("--memory", "2G")?.hasPrefix("--memory is 2000000000 bytes; a alone takes") == true)
            #expect(try await problem("--memory", "5G")?.contains("--pin take 6000000000") == true)
            #expect(try await problem("--pin", "c") == "--pin is c; there are a, b")
        }

        @Test("aliases of voices, limits and times are read from options, the environment and the file") func modelSettings() async throws {
            let file = program.path("serve.json")
            try Data(
                #"{"voiceAlias": ["alloy=ada", "echo=bob=x"], "memory": 5000, "gpuMemory": "2G", "idleTimeout": 90, "pin": ["a"], "logTexts": true}"#
                    .utf8
            )
            .write(to: URL(filePath: file))
            let settings = try await ServeSettings(
                try ServeArguments.parse(["--config", file]), environment: ["CHATTERBOX_MEMORY": "7M", "CHATTERBOX_CONNECTIONS": "9"])
            let configuration = try settings.configuration(voices: program.folder.url)
            #expect(configuration.voiceAliases == ["alloy": "ada", "echo": "bob=x"])
            #expect(configuration.memory == 7_000_000 && configuration.gpuMemory == 2_000_000_000 && configuration.idleTimeout == 90)
            #expect(settings.pinned == ["a"] && configuration.logsTexts && configuration.connectionLimit == 9)
        }

        @Test("options have priority over the environment, and the environment over the file") func sources() async throws {
            let file = program.path("serve.json")
            try Data(#"{"host": "::1", "port": 1, "places": 3, "model": ["a", "b"], "strict": true, "patience": 2.5}"#.utf8).write(
                to: URL(filePath: file))
            let arguments = try ServeArguments.parse(["--config", file, "--port", "4"])
            let settings = try await ServeSettings(
                arguments, environment: ["CHATTERBOX_PORT": "2", "CHATTERBOX_PLACES": "5", "CHATTERBOX_REQUESTS_PER_MINUTE": "9"])
            let configuration = try settings.configuration(voices: program.folder.url)
            #expect(configuration.host == "::1" && configuration.port == 4 && configuration.places == 5 && configuration.isStrict)
            #expect(configuration.requestsPerMinute == 9 && configuration.patience == 2.5 && settings.models == ["a", "b"])
            let other = try await ServeSettings(try ServeArguments.parse(["--model", "c"]), environment: ["CHATTERBOX_MODEL": "d,e"])
            #expect(other.models == ["c"])
            #expect(try await ServeSettings(try ServeArguments.parse([]), environment: ["CHATTERBOX_MODEL": "d,e"]).models == ["d", "e"])
        }

        @Test("an address that other machines can reach causes a warning, unless keys are set") func otherAddress() async throws {
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

        @Test(
            "invalid options are reported before a model is loaded",
            arguments: [
                (["--port", "70000"], "--port is 70000"), (["--api-key-file", "none"], "--api-key-file none"),
                (["--tls-key", "key.pem"], "go together"),
                (["--config", "none.json"], "--config none.json"), (["--log-level", "loud"], "--log-level is loud"),
                (["--places", "0"], "--places is 0"),
                (["--voice-alias", "alloy"], "--voice-alias is alloy"), (["--idle-timeout", "0"], "--idle-timeout is 0"),
                (["--pin", "turbo"], "--pin is turbo"),
                (["--memory", "1k"], "alone takes"),
            ]) func mistakes(options: [String], words: String) async throws
        {
            let run = try await program(["serve", "--model", StandInModel.folder.path] + options)
            #expect(run.status == 64 && run.errors.contains(words) && !run.errors.contains("Loading"), "\(run.status) \(run.errors)")
        }

        @Test(
            "an unknown name or a wrong value in a file is refused, with the probable name",
            arguments: [
                (#"{"apiKeyfile": "keys.txt"}"#, "no option \"apiKeyfile\"; apiKeyFile is meant"),
                (#"{"Strict": true}"#, "\"Strict\"; strict is meant"),
                (#"{"requestsPerMinut": 5}"#, "requestsPerMinute is meant"),
                (#"{"voiceAlias": {"alloy": "slt"}}"#, "\"voiceAlias\" must be a list of texts"),
                (#"{"model": [1]}"#, "\"model\" must be a list of texts"), (#"{"port": "8080"}"#, "\"port\" must be a whole number"),
                (#"{"port": 1.5}"#, "\"port\" must be"),
                (#"{"strict": 1}"#, "\"strict\" must be true or false"), (#"{"host": null}"#, "\"host\" must be a text"),
                (#"{"memory": "much"}"#, "\"memory\" must be bytes"),
                (#"{"config": "x"}"#, "no option \"config\""), (#"{"somethingElseEntirely": 1}"#, "there are adapters, apiKeyFile"),
                ("[]", "not a JSON object"), ("{", "not a JSON object"),
            ]) func fileNames(text: String, words: String) async throws
        {
            let file = program.path("serve.json")
            try Data(text.utf8).write(to: URL(filePath: file))
            let error = await #expect(throws: UsageError.self) {
                try await ServeSettings(try ServeArguments.parse(["--config", file]), environment: [:])
            }
            #expect(
                error?.description.hasPrefix("--config \(file): ") == true && error?.description.contains(words) == true,
                "\(error?.description ?? "")")
        }

        @Test("unknown names in the environment are refused as well, except those of others") func environmentNames() async throws {
            func problem(_ environment: [String: String]) async throws -> String? {
                do {
                    _ = try await ServeSettings(try ServeArguments.parse([]), environment: environment)
                    return nil
                } catch let error as UsageError { return error.description }
            }
            #expect(
                try await problem(["CHATTERBOX_HSOT": "x"])
                    == "the environment has CHATTERBOX_HSOT, which is no option; CHATTERBOX_HOST is meant, perhaps; unset it")
            #expect(try await problem(["CHATTERBOX_PORT": "tcp://10.0.0.1:80"])?.contains("CHATTERBOX_PORT is tcp://10.0.0.1:80") == true)
            #expect(try await problem(["CHATTERBOX_STRICT": "perhaps"])?.contains("true or false") == true)
            // Variables of a Kubernetes service called chatterbox, of a client's key, and of other programs.
            let others = [
                "CHATTERBOX_SERVICE_HOST": "10.0.0.1", "CHATTERBOX_SERVICE_PORT_HTTP": "80", "CHATTERBOX_PORT_80_TCP_ADDR": "10.0.0.1",
                "CHATTERBOX_KEY": "k", "HOST": "x",
            ]
            #expect(try await problem(others) == nil)
            #expect(
                try await problem([
                    "CHATTERBOX_STRICT": "yes", "CHATTERBOX_API_KEY_FILE": "keys", "CHATTERBOX_TF32": "no", "CHATTERBOX_PATIENCE": "2.5",
                ]) == nil)
        }

        @Test("every option has a name in the file and in the environment, and a type") func names() {
            let kinds = ServeNames.kinds
            #expect(kinds["apiKeyFile"] == .text && kinds["port"] == .whole && kinds["patience"] == .number && kinds["strict"] == .flag)
            #expect(
                kinds["model"] == .list && kinds["memory"] == .bytes && kinds["device"] == .text && kinds["threads"] == .whole
                    && kinds["tf32"] == .flag)
            #expect(ServeNames.variable("apiKeyFile") == "CHATTERBOX_API_KEY_FILE" && ServeNames.variable("gpuMemory") == "CHATTERBOX_GPU_MEMORY")
            #expect(ServeNames.distance("hsot", "host") == 1 && ServeNames.distance("", "abc") == 3 && ServeNames.distance("port", "port") == 0)
        }

        @Test("compute options may be in the file and in the environment; the command line has priority") func compute() async throws {
            let file = program.path("serve.json")
            try Data(#"{"device": "cpu", "quantize": "int8", "threads": 3, "flow": "fast", "exact": false, "offload": true}"#.utf8).write(
                to: URL(filePath: file))
            let given = try ComputeArguments.parse(["--quantize", "none", "--dtype", "float16"])
            let settings = try await ServeSettings(
                try ServeArguments.parse(["--config", file]), given, environment: ["CHATTERBOX_THREADS": "2", "CHATTERBOX_DTYPE": "bfloat16"],
                commandLine: ["serve", "--quantize=none", "--dtype", "float16"])
            let compute = settings.compute
            #expect(
                compute.device == "cpu" && compute.quantize == .none && compute.threads == 2 && compute.flow == .fast && compute.dtype == .float16)
            #expect(!compute.exact && compute.offload && !compute.tf32)
            await #expect(throws: (any Error).self) {
                try await ServeSettings(
                    try ServeArguments.parse([]), ComputeArguments.parse([]), environment: ["CHATTERBOX_DTYPE": "float8"], commandLine: [])
            }
        }

        @Test("voices that options name must exist, in the folder or with a model") func voices() async throws {
            let model = StandInModel.folder, folder = program.folder.url.appending(path: "voices")
            for (library, name) in [(VoiceLibrary(folder: folder), "ada"), (VoiceLibrary(ofModel: model), "rms")] {
                let file = try library.file(named: name)
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data().write(to: file)
            }
            let offers = [ModelOffering(name: "tiny", folder: model) { throw CancellationError() }]
            func problem(_ options: String...) async throws -> String? {
                let settings = try await ServeSettings(try ServeArguments.parse(options + ["--voices", folder.path]), environment: [:])
                do {
                    try settings.check(offers, try settings.configuration(voices: folder))
                    return nil
                } catch let error as UsageError { return error.description }
            }
            #expect(try await problem("--voice", "nobody") == "--voice is nobody, but there is no such voice; there are ada, rms")
            #expect(
                try await problem("--voice-alias", "alloy=nobody") == "--voice-alias is alloy=nobody, but there is no such voice; there are ada, rms")
            for options in [["--voice", "ada"], ["--voice", "rms"], ["--voice-alias", "alloy=rms"], ["--voice-alias", "alloy=default"]] {
                #expect(try await problem(options[0], options[1]) == nil, "\(options)")
            }
        }

        @Test("the origin of --cors must be an origin as browsers write it") func origins() async throws {
            func origin(_ text: String) async throws -> String? {
                try await ServeSettings(try ServeArguments.parse(["--cors", text]), environment: [:]).configuration(voices: program.folder.url)
                    .allowedOrigin
            }
            #expect(try await origin("https://Example.org/") == "https://example.org")
            #expect(try await origin("*") == "*")
            let error = await #expect(throws: UsageError.self) { try await origin("nonsense") }
            #expect(error?.description == "--cors is nonsense; give an origin, as https://example.org, or *")
        }

        @Test("a port that is taken causes one sentence, and nothing is reported as served", arguments: ["--port", "--wyoming"]) func takenPort(
            option: String
        ) async throws {
            let folder = try TemporaryFolder(), (ports, listening) = AsyncStream<Int>.makeStream()
            var configuration = ServerConfiguration(voices: folder.url)
            configuration.port = 0
            let model = StandInModel.folder
            let server = SpeechServer(configuration, [ModelOffering(name: "a") { try await Synthesizer.load(model) }])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run { listening.yield($0) } }
                let port = try #require(await ports.first { _ in true })
                let own =
                    ["serve", "--model", model.path, "--voices", program.path("voices"), option, "\(port)"]
                    + (option == "--port" ? ["--wyoming", "0"] : ["--port", "0"])
                let run = try await program(own)
                #expect(
                    run.status == 1 && run.errors.contains("port \(port) on 127.0.0.1, for ")
                        && run.errors.contains("give another port with \(option)"), "\(run.status) \(run.errors)")
                #expect(!run.errors.contains("Serving") && !run.errors.contains("Wyoming on port") && !run.errors.contains("errno"), "\(run.errors)")
                group.cancelAll()
                try await group.waitForAll()
            }
        }

        #if Hub
            @Test("for a server with a certificate of a private authority use --ca-file") func authority() async throws {
                let folder = try TemporaryFolder(), (ports, listening) = AsyncStream<Int>.makeStream(),
                    certificates = fixturesFolder.appending(path: "certificates")
                let model = StandInModel.folder, chain = certificates.appending(path: "first.pem")
                var configuration = ServerConfiguration(voices: folder.url)
                (configuration.port, configuration.certificate) = (0, (chain, certificates.appending(path: "first.key.pem")))
                let server = SpeechServer(configuration, [ModelOffering(name: "a") { try await Synthesizer.load(model) }])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run { listening.yield($0) } }
                    let port = try #require(await ports.first { _ in true }), status = ["models", "status", "--server", "https://localhost:\(port)"]
                    let trusted = try await program(status + ["--ca-file", chain.path])
                    #expect(trusted.status == 0 && String(decoding: trusted.output, as: UTF8.self).contains("inactive"), "\(trusted.errors)")
                    let strange = try await program(status)
                    #expect(strange.status == 1 && strange.errors.contains("--ca-file"), "\(strange.errors)")
                    let other = try await program(status + ["--ca-file", certificates.appending(path: "first.key.pem").path])
                    #expect(other.status == 64 && other.errors.contains("there is no certificate"), "\(other.errors)")
                    let load = ["bench", "load", "--url", "https://localhost:\(port)", "--requests", "1", "--listeners", "1", "--runs", "1"]
                    let measured = try await program(load + ["--ca-file", chain.path, "--model", "a"])
                    #expect(measured.errors.contains("answered 400: a has no voice"), "\(measured.errors)")
                    let distrusted = try await program(load)
                    #expect(distrusted.status == 1 && distrusted.errors.contains("--ca-file"), "\(distrusted.errors)")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
        #endif
    }
#endif
