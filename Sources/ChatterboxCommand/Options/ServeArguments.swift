#if Server
    import ArgumentParser
    import Chatterbox
    import ChatterboxServer
    import Configuration
    import Foundation
    import Logging
    import SpeechAudio

    /// The options of the server. Those that are not given are read from the environment or a file, or have their defaults.
    struct ServeArguments: ParsableArguments {
        @Option(help: ArgumentHelp("The address to listen on. (default: 127.0.0.1)", valueName: "address"))
        var host: String?

        @Option(help: ArgumentHelp("The port; with 0 a free port is chosen and printed. (default: 8080)", valueName: "n"))
        var port: Int?

        @Option(
            help: ArgumentHelp(
                "Also serve the Wyoming protocol, which Home Assistant uses, on this port; it has no keys. 10200 is usual.", valueName: "n"))
        var wyoming: Int?

        @Option(
            help: ArgumentHelp(
                "A model to serve, by name or folder; may be repeated, and the first is the default model. (default: the first installed one, as with `say`)",
                valueName: "name|dir"))
        var model: [String] = []

        @Option(help: ArgumentHelp("The folder of voices, which clients may add to. (default: that of `chatterbox voice`)", valueName: "dir"))
        var voices: String?

        @Option(help: ArgumentHelp("The voice of requests that name none. (default: the model's own)", valueName: "name"))
        var voice: String?

        @Option(
            help: ArgumentHelp(
                "A further name of a voice, as alloy=ada; may be repeated. OpenAI's thirteen names mean the default voice unless given here.",
                valueName: "name=voice"))
        var voiceAlias: [String] = []

        @Option(help: ArgumentHelp("The folder of adapters, which clients may add to. (default: none)", valueName: "dir"))
        var adapters: String?

        @Option(
            help: ArgumentHelp(
                "A speech recogniser that transcribes takes and keeps the one with the fewest wrong words, for requests with \"stream\": false that name it: moonshine, for English. (default: none)",
                valueName: "name"))
        var judge: String?

        @Option(
            help: ArgumentHelp(
                "A file with API keys, one on each line, optionally followed by a name; each client needs one of them. (default: no key is needed)",
                valueName: "file"))
        var apiKeyFile: String?

        @Flag(help: "Lists of models and voices need no key, even where keys are set.")
        var publicLists = false

        @Option(help: ArgumentHelp("The origin whose web pages may send requests, as https://example.org, or *.", valueName: "origin"))
        var cors: String?

        @Option(
            help: ArgumentHelp(
                "A host name, such as a proxy's, that a server without keys on a loopback address accepts in requests besides localhost; may be repeated.",
                valueName: "name"))
        var hostName: [String] = []

        @Option(help: ArgumentHelp("A certificate chain (PEM), to serve over TLS.", valueName: "file"))
        var tlsCertificate: String?

        @Option(help: ArgumentHelp("The certificate's key (PEM).", valueName: "file"))
        var tlsKey: String?

        @Option(
            help: ArgumentHelp(
                "Memory limit for all loaded models together, as 8G; beyond it the least recently used model is unloaded. (default: no limit)",
                valueName: "bytes"
            ))
        var memory: ByteCount?

        @Option(help: ArgumentHelp("The same for a GPU's memory. (default: no limit)", valueName: "bytes"))
        var gpuMemory: ByteCount?

        @Option(help: ArgumentHelp("Seconds after which an unused model is unloaded. (default: never)", valueName: "s"))
        var idleTimeout: Double?

        @Option(help: ArgumentHelp("Name of a model that is loaded at start and stays loaded; may be repeated.", valueName: "name"))
        var pin: [String] = []

        @Flag(help: "Free weights that are unloaded from a GPU, instead of keeping them in page-locked host memory.")
        var dropUnloaded = false

        @Option(help: ArgumentHelp("Number of requests that are spoken at the same time. (default: 8)", valueName: "n"))
        var places: Int?

        @Option(help: ArgumentHelp("Number of requests that may wait. (default: 64)", valueName: "n"))
        var queue: Int?

        @Option(help: ArgumentHelp("Refuse a request if its first sound is expected after more than this many seconds. (default: 5)", valueName: "s"))
        var patience: Double?

        @Option(help: ArgumentHelp("Limit of requests a minute for each key, or without keys for each address. (default: no limit)", valueName: "n"))
        var requestsPerMinute: Int?

        @Option(
            help: ArgumentHelp("Limit of simultaneous requests for each key, or without keys for each address. (default: no limit)", valueName: "n"))
        var requestsAtOnce: Int?

        @Option(
            help: ArgumentHelp("Limit of open connections. (default: the limit of open files minus 256)", valueName: "n"))
        var connections: Int?

        @Option(
            help: ArgumentHelp(
                "Seconds after SIGTERM during which requests are still accepted while /ready answers 503, so that load balancers can react. (default: 0)",
                valueName: "s"))
        var drain: Double?

        @Option(help: ArgumentHelp("Seconds that open responses may continue after that. (default: 30)", valueName: "s"))
        var deadline: Double?

        @Flag(help: "Refuse requests with unknown fields, instead of ignoring them.")
        var strict = false

        @Flag(help: "Leave the inaudible watermark out.")
        var noWatermark = false

        @Option(
            help: ArgumentHelp("What to log: debug, info (a line for each response), notice, warning or error. (default: notice)", valueName: "level")
        )
        var logLevel: String?

        @Flag(help: "Log the texts that are spoken.")
        var logTexts = false

        @Option(help: ArgumentHelp("A JSON file with these options, whose names are in camel case.", valueName: "file"))
        var config: String?
    }

    /// The options after the environment and the file have been read.
    struct ServeSettings {
        let models: [String]
        /// The names of the models that are loaded at start and stay loaded.
        var pinned: [String] { arguments.pin }
        let logLevel: Logger.Level
        private let arguments: ServeArguments
        /// The device and the arithmetic of the models.
        let compute: ComputeArguments

        /// - Parameter commandLine: the arguments; an option among them has priority over the environment and the file.
        /// - Throws: ``UsageError`` for an unknown name or an invalid value; errors of reading the file.
        init(
            _ given: ServeArguments, _ compute: ComputeArguments? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
            commandLine: [String] = CommandLine.arguments
        ) async throws {
            var arguments = given
            try ServeNames.check(environment: environment)
            var readers = [ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment)).scoped(to: "chatterbox")]
            if let file = given.config ?? environment["CHATTERBOX_CONFIG"] {
                try ServeNames.check(file: file)
                readers.append(ConfigReader(provider: try await FileProvider<JSONSnapshot>(filePath: .init(file))))
            }
            func first<Value>(_ value: Value?, _ read: (ConfigReader) async throws -> Value?) async throws -> Value? {
                if let value { return value }
                for reader in readers { if let found = try await read(reader) { return found } }
                return nil
            }
            arguments.host = try await first(given.host) { try await $0.fetchString(forKey: "host") }
            arguments.port = try await first(given.port) { try await $0.fetchInt(forKey: "port") }
            arguments.wyoming = try await first(given.wyoming) { try await $0.fetchInt(forKey: "wyoming") }
            arguments.voices = try await first(given.voices) { try await $0.fetchString(forKey: "voices") }
            arguments.voice = try await first(given.voice) { try await $0.fetchString(forKey: "voice") }
            arguments.judge = try await first(given.judge) { try await $0.fetchString(forKey: "judge") }
            arguments.adapters = try await first(given.adapters) { try await $0.fetchString(forKey: "adapters") }
            arguments.apiKeyFile = try await first(given.apiKeyFile) { try await $0.fetchString(forKey: "apiKeyFile") }
            arguments.publicLists = try await first(given.publicLists ? true : nil) { try await $0.fetchBool(forKey: "publicLists") } ?? false
            arguments.cors = try await first(given.cors) { try await $0.fetchString(forKey: "cors") }
            arguments.tlsCertificate = try await first(given.tlsCertificate) { try await $0.fetchString(forKey: "tlsCertificate") }
            arguments.tlsKey = try await first(given.tlsKey) { try await $0.fetchString(forKey: "tlsKey") }
            func bytes(_ value: ByteCount?, _ key: ConfigKey, _ option: String) async throws -> ByteCount? {
                try await first(value) { reader in
                    // A number, with or without a unit.
                    var text = try? await reader.fetchInt(forKey: key).map { "\($0)" }
                    if text == nil { text = try await reader.fetchString(forKey: key) }
                    guard let text else { return nil }
                    guard let bytes = ByteCount(argument: text) else { throw UsageError("\(option) is \(text); give bytes, as 8G") }
                    return bytes
                }
            }
            func list(_ values: [String], _ key: ConfigKey) async throws -> [String] {
                try await first(values.isEmpty ? nil : values) { try await $0.fetchStringArray(forKey: key) } ?? []
            }
            arguments.memory = try await bytes(given.memory, "memory", "--memory")
            arguments.gpuMemory = try await bytes(given.gpuMemory, "gpuMemory", "--gpu-memory")
            arguments.idleTimeout = try await first(given.idleTimeout) { try await $0.fetchDouble(forKey: "idleTimeout") }
            arguments.pin = try await list(given.pin, "pin")
            arguments.dropUnloaded = try await first(given.dropUnloaded ? true : nil) { try await $0.fetchBool(forKey: "dropUnloaded") } ?? false
            arguments.voiceAlias = try await list(given.voiceAlias, "voiceAlias")
            arguments.hostName = try await list(given.hostName, "hostName")
            arguments.connections = try await first(given.connections) { try await $0.fetchInt(forKey: "connections") }
            arguments.logTexts = try await first(given.logTexts ? true : nil) { try await $0.fetchBool(forKey: "logTexts") } ?? false
            arguments.places = try await first(given.places) { try await $0.fetchInt(forKey: "places") }
            arguments.queue = try await first(given.queue) { try await $0.fetchInt(forKey: "queue") }
            arguments.patience = try await first(given.patience) { try await $0.fetchDouble(forKey: "patience") }
            arguments.requestsPerMinute = try await first(given.requestsPerMinute) { try await $0.fetchInt(forKey: "requestsPerMinute") }
            arguments.requestsAtOnce = try await first(given.requestsAtOnce) { try await $0.fetchInt(forKey: "requestsAtOnce") }
            arguments.drain = try await first(given.drain) { try await $0.fetchDouble(forKey: "drain") }
            arguments.deadline = try await first(given.deadline) { try await $0.fetchDouble(forKey: "deadline") }
            arguments.strict = try await first(given.strict ? true : nil) { try await $0.fetchBool(forKey: "strict") } ?? false
            arguments.noWatermark = try await first(given.noWatermark ? true : nil) { try await $0.fetchBool(forKey: "noWatermark") } ?? false
            models = try await list(given.model, "model")
            let level = try await first(given.logLevel) { try await $0.fetchString(forKey: "logLevel") } ?? "notice"
            self.compute = try await (compute ?? ComputeArguments.parse([])).completed(commandLine, readers)
            guard let known = Logger.Level(rawValue: level) else {
                throw UsageError("--log-level is \(level); known are debug, info, notice, warning, error")
            }
            logLevel = known
            self.arguments = arguments
        }

        /// The server's configuration.
        ///
        /// - Parameter voices: the folder of voices if none is given.
        /// - Throws: ``UsageError``.
        func configuration(voices: URL) throws -> ServerConfiguration {
            var configuration = ServerConfiguration(voices: arguments.voices.map { URL(filePath: $0) } ?? voices)
            configuration.host = arguments.host ?? configuration.host
            configuration.port = try checked(arguments.port ?? configuration.port, "port", 0...65_535)
            configuration.wyomingPort = try arguments.wyoming.map { try checked($0, "wyoming", 0...65_535) }
            configuration.defaultVoice = arguments.voice
            configuration.adapters = arguments.adapters.map { URL(filePath: $0) }
            if let file = arguments.apiKeyFile {
                guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                    throw UsageError("--api-key-file \(file): cannot be read")
                }
                configuration.keys = Keyring(text)
                guard !configuration.keys.isEmpty else { throw UsageError("--api-key-file \(file): there is no key in it") }
            }
            configuration.publicLists = arguments.publicLists
            configuration.allowedOrigin = try arguments.cors.map { text in
                guard let origin = ServerConfiguration.origin(text) else {
                    throw UsageError("--cors is \(text); give an origin, as https://example.org, or *")
                }
                return origin
            }
            configuration.hostNames = Set(arguments.hostName.map { $0.lowercased() })
            switch (arguments.tlsCertificate, arguments.tlsKey) {
            case (nil, nil): break
            case (let chain?, let key?): configuration.certificate = (URL(filePath: chain), URL(filePath: key))
            default: throw UsageError("--tls-certificate and --tls-key go together")
            }
            configuration.voiceAliases = try aliases()
            configuration.memory = arguments.memory?.bytes
            configuration.gpuMemory = arguments.gpuMemory?.bytes
            configuration.idleTimeout = try arguments.idleTimeout.map { try checked($0, "idle-timeout", 1...31_536_000) }
            configuration.restsOnHost = !arguments.dropUnloaded
            configuration.connectionLimit = try arguments.connections.map { try checked($0, "connections", 1...1_000_000) }
            configuration.logsTexts = arguments.logTexts
            configuration.places = try checked(arguments.places ?? configuration.places, "places", 1...1024)
            configuration.queueLength = try checked(arguments.queue ?? configuration.queueLength, "queue", 0...100_000)
            configuration.patience = try checked(arguments.patience ?? configuration.patience, "patience", 0...3600)
            configuration.requestsPerMinute = try arguments.requestsPerMinute.map { try checked($0, "requests-per-minute", 1...1_000_000) }
            configuration.requestsAtOnce = try arguments.requestsAtOnce.map { try checked($0, "requests-at-once", 1...100_000) }
            configuration.drain = try checked(arguments.drain ?? configuration.drain, "drain", 0...3600)
            configuration.stopDeadline = try checked(arguments.deadline ?? configuration.stopDeadline, "deadline", 0...86_400)
            configuration.isStrict = arguments.strict
            configuration.watermark = !arguments.noWatermark
            configuration.ffmpeg = .installed(in: ProcessInfo.processInfo.environment["PATH"] ?? "")
            return configuration
        }

        /// The recogniser for requests that name a judge.
        ///
        /// - Throws: ``UsageError`` for an unknown name; errors of loading.
        func judge(_ folders: UserFolders) throws -> (any SpeechJudge)? {
            try arguments.judge.map { name in
                guard let judge = JudgeName(rawValue: name) else {
                    throw UsageError("--judge is \(name); known are \(JudgeName.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return try judge.load(folders)
            }
        }

        private func aliases() throws -> [String: String] {
            let pairs = try arguments.voiceAlias.map { text in
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw UsageError("--voice-alias is \(text); give a name and the voice that it means, as alloy=ada") }
                return (parts[0], parts[1])
            }
            return Dictionary(pairs) { $1 }
        }

        private func checked<Value: Comparable>(_ value: Value, _ name: String, _ range: ClosedRange<Value>) throws -> Value {
            guard range.contains(value) else { throw UsageError("--\(name) is \(value); allowed is \(range.lowerBound) to \(range.upperBound)") }
            return value
        }

        /// Checks the options against the models.
        ///
        /// - Throws: ``UsageError``.
        func check(_ offerings: [ModelOffering], _ configuration: ServerConfiguration) throws {
            let names = offerings.map(\.name)
            for name in Set(names) where names.count(where: { $0 == name }) > 1 {
                throw UsageError("--model: two models are called \(name); rename a folder")
            }
            if let stranger = pinned.first(where: { !names.contains($0) }) {
                throw UsageError("--pin is \(stranger); there are \(names.joined(separator: ", "))")
            }
            try checkVoices(offerings, configuration)
            for (option, limit, onGPU) in [("--memory", configuration.memory, false), ("--gpu-memory", configuration.gpuMemory, true)] {
                guard let limit else { continue }
                let own = offerings.filter { $0.usesGPU == onGPU }
                if let large = own.first(where: { $0.bytes > limit }) {
                    throw UsageError("\(option) is \(limit) bytes; \(large.name) alone takes \(large.bytes)")
                }
                let pinned = own.filter(\.isPinned).reduce(0) { $0 + $1.bytes }
                if pinned > limit { throw UsageError("\(option) is \(limit) bytes; the models of --pin take \(pinned)") }
            }
        }

        /// Checks that the voices named by options exist, in the folder or with a model; the default voice must exist for the first model.
        ///
        /// - Throws: ``UsageError``.
        private func checkVoices(_ offerings: [ModelOffering], _ configuration: ServerConfiguration) throws {
            let added = VoiceLibrary(folder: configuration.voices)
            func isThere(_ name: String, _ offerings: some Sequence<ModelOffering>) -> Bool {
                ([added] + offerings.compactMap(\.voices)).contains { (try? $0.entry(named: name)) != nil }
            }
            func unknown(_ option: String) -> UsageError {
                let known = ([added] + offerings.compactMap(\.voices)).flatMap { $0.entries().map(\.name) }
                return UsageError("\(option), but there is no such voice; there are \(known.isEmpty ? "none" : known.joined(separator: ", "))")
            }
            if let name = configuration.defaultVoice, !isThere(name, offerings.prefix(1)) { throw unknown("--voice is \(name)") }
            for (name, meant) in configuration.voiceAliases.sorted(by: { $0.key < $1.key }) where meant != "default" && !isThere(meant, offerings) {
                throw unknown("--voice-alias is \(name)=\(meant)")
            }
        }

        /// A warning for the operator; nil if there is none.
        func warning(_ configuration: ServerConfiguration) -> String? {
            if configuration.wyomingPort != nil, !configuration.isLocal || !configuration.keys.isEmpty {
                return "the Wyoming protocol has no keys: everybody who reaches its port on \(configuration.host) can speak"
            }
            guard !configuration.isLocal, configuration.keys.isEmpty else { return nil }
            return "everybody who reaches \(configuration.host) can speak and add voices: give keys with --api-key-file"
        }
    }

    extension ComputeArguments {
        /// These options, completed from the environment and the file where the command line has none.
        ///
        /// - Throws: `ValidationError` for an invalid value.
        fileprivate func completed(_ commandLine: [String], _ readers: [ConfigReader]) async throws -> ComputeArguments {
            func isGiven(_ option: String) -> Bool { commandLine.contains { $0 == option || $0.hasPrefix(option + "=") } }
            var words: [String] = [], found: Set<String> = []
            func take(_ option: String, _ read: (ConfigReader) async throws -> [String]?) async throws {
                guard !isGiven(option) else { return }
                for reader in readers {
                    guard let more = try await read(reader) else { continue }
                    words += more
                    found.insert(option)
                    return
                }
            }
            let texts: [(String, ConfigKey)] = [
                ("--device", "device"), ("--dtype", "dtype"), ("--quantize", "quantize"), ("--flow", "flow"), ("--language-helper", "languageHelper"),
            ]
            for (option, key) in texts { try await take(option) { try await $0.fetchString(forKey: key).map { [option, $0] } } }
            try await take("--threads") { try await $0.fetchInt(forKey: "threads").map { ["--threads", "\($0)"] } }
            let flags: [(String, ConfigKey)] = [("--exact", "exact"), ("--offload", "offload"), ("--no-capture", "noCapture"), ("--tf32", "tf32")]
            for (option, key) in flags { try await take(option) { try await $0.fetchBool(forKey: key).map { $0 ? [option] : [] } } }
            let read = try ComputeArguments.parse(words)
            var completed = self
            if found.contains("--device") { completed.device = read.device }
            if found.contains("--dtype") { completed.dtype = read.dtype }
            if found.contains("--quantize") { completed.quantize = read.quantize }
            if found.contains("--flow") { completed.flow = read.flow }
            if found.contains("--language-helper") { completed.languageHelper = read.languageHelper }
            if found.contains("--threads") { completed.threads = read.threads }
            if found.contains("--exact") { completed.exact = read.exact }
            if found.contains("--offload") { completed.offload = read.offload }
            if found.contains("--no-capture") { completed.noCapture = read.noCapture }
            if found.contains("--tf32") { completed.tf32 = read.tf32 }
            return completed
        }
    }
#endif
