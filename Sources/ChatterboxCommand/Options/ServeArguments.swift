#if Server
import ArgumentParser
import ChatterboxServer
import Configuration
import Foundation
import Logging
import SpeechAudio

/// How to serve. What is not given comes from the environment, from a file, or stays as it is.
struct ServeArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The address to listen on. (default: 127.0.0.1)", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("The port; 0 takes a free one and prints it. (default: 8080)", valueName: "n"))
    var port: Int?

    @Option(help: ArgumentHelp(
        "A model to serve, by name or folder; give it several times for several, of which the first speaks where none is asked for. (default: the best on this machine)",
        valueName: "name|dir"))
    var model: [String] = []

    @Option(help: ArgumentHelp("The folder of voices, which clients may add to. (default: that of `chatterbox voice`)", valueName: "dir"))
    var voices: String?

    @Option(help: ArgumentHelp("The voice of those who want none in particular. (default: the model's own)", valueName: "name"))
    var voice: String?

    @Option(help: ArgumentHelp("A file with the keys that clients must show: one a line, perhaps with a name behind it.", valueName: "file"))
    var apiKeyFile: String?

    @Flag(help: "Let everybody list models and voices, also where keys are set.")
    var publicLists = false

    @Option(help: ArgumentHelp("The origin whose web pages may ask, as https://example.org, or *.", valueName: "origin"))
    var cors: String?

    @Option(help: ArgumentHelp("A certificate chain (PEM), to serve over TLS.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's key (PEM).", valueName: "file"))
    var tlsKey: String?

    @Option(help: ArgumentHelp("Memory that loaded models may take together, in bytes: the longest unused makes room for another.", valueName: "bytes"))
    var memory: Int?

    @Option(help: ArgumentHelp("Requests that are spoken at once. (default: 8)", valueName: "n"))
    var places: Int?

    @Option(help: ArgumentHelp("Requests that may wait. (default: 64)", valueName: "n"))
    var queue: Int?

    @Option(help: ArgumentHelp("Refuse requests that would wait longer than this many seconds. (default: 5)", valueName: "s"))
    var patience: Double?

    @Option(help: ArgumentHelp("Requests a minute for each key, or address. (default: any number)", valueName: "n"))
    var requestsPerMinute: Int?

    @Option(help: ArgumentHelp("Requests at once for each key, or address. (default: any number)", valueName: "n"))
    var requestsAtOnce: Int?

    @Option(help: ArgumentHelp("Seconds that open answers have to end when the server is stopped. (default: 30)", valueName: "s"))
    var deadline: Double?

    @Flag(help: "Refuse requests with unknown fields, instead of ignoring them.")
    var strict = false

    @Flag(help: "Leave the inaudible watermark out.")
    var noWatermark = false

    @Option(help: ArgumentHelp("What to log: debug, info, notice, warning or error; never a text. (default: notice)", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("A JSON file with these options, in camel case.", valueName: "file"))
    var config: String?
}

/// The options with what the environment and the file say.
struct ServeSettings {
    let models: [String]
    let logLevel: Logger.Level
    private let arguments: ServeArguments

    /// - Throws: ``UsageError`` for a value that is none; what reading the file throws.
    init(_ given: ServeArguments, environment: [String: String] = ProcessInfo.processInfo.environment) async throws {
        var arguments = given
        var readers = [ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment)).scoped(to: "chatterbox")]
        if let file = given.config {
            guard FileManager.default.isReadableFile(atPath: file) else { throw UsageError("--config \(file): there is no such file, or it cannot be read") }
            readers.append(ConfigReader(provider: try await FileProvider<JSONSnapshot>(filePath: .init(file))))
        }
        func first<Value>(_ value: Value?, _ read: (ConfigReader) async throws -> Value?) async throws -> Value? {
            if let value { return value }
            for reader in readers { if let found = try await read(reader) { return found } }
            return nil
        }
        arguments.host = try await first(given.host) { try await $0.fetchString(forKey: "host") }
        arguments.port = try await first(given.port) { try await $0.fetchInt(forKey: "port") }
        arguments.voices = try await first(given.voices) { try await $0.fetchString(forKey: "voices") }
        arguments.voice = try await first(given.voice) { try await $0.fetchString(forKey: "voice") }
        arguments.apiKeyFile = try await first(given.apiKeyFile) { try await $0.fetchString(forKey: "apiKeyFile") }
        arguments.publicLists = try await first(given.publicLists ? true : nil) { try await $0.fetchBool(forKey: "publicLists") } ?? false
        arguments.cors = try await first(given.cors) { try await $0.fetchString(forKey: "cors") }
        arguments.tlsCertificate = try await first(given.tlsCertificate) { try await $0.fetchString(forKey: "tlsCertificate") }
        arguments.tlsKey = try await first(given.tlsKey) { try await $0.fetchString(forKey: "tlsKey") }
        arguments.memory = try await first(given.memory) { try await $0.fetchInt(forKey: "memory") }
        arguments.places = try await first(given.places) { try await $0.fetchInt(forKey: "places") }
        arguments.queue = try await first(given.queue) { try await $0.fetchInt(forKey: "queue") }
        arguments.patience = try await first(given.patience) { try await $0.fetchDouble(forKey: "patience") }
        arguments.requestsPerMinute = try await first(given.requestsPerMinute) { try await $0.fetchInt(forKey: "requestsPerMinute") }
        arguments.requestsAtOnce = try await first(given.requestsAtOnce) { try await $0.fetchInt(forKey: "requestsAtOnce") }
        arguments.deadline = try await first(given.deadline) { try await $0.fetchDouble(forKey: "deadline") }
        arguments.strict = try await first(given.strict ? true : nil) { try await $0.fetchBool(forKey: "strict") } ?? false
        arguments.noWatermark = try await first(given.noWatermark ? true : nil) { try await $0.fetchBool(forKey: "noWatermark") } ?? false
        models = try await first(given.model.isEmpty ? nil : given.model) { try await $0.fetchStringArray(forKey: "model") } ?? []
        let level = try await first(given.logLevel) { try await $0.fetchString(forKey: "logLevel") } ?? "notice"
        guard let known = Logger.Level(rawValue: level) else { throw UsageError("--log-level is \(level); known are debug, info, notice, warning, error") }
        logLevel = known
        self.arguments = arguments
    }

    /// What the server is told.
    ///
    /// - Parameter voices: the folder of voices where none is given.
    /// - Throws: ``UsageError``.
    func configuration(voices: URL) throws -> ServerConfiguration {
        var configuration = ServerConfiguration(voices: arguments.voices.map { URL(filePath: $0) } ?? voices)
        configuration.host = arguments.host ?? configuration.host
        configuration.port = try checked(arguments.port ?? configuration.port, "port", 0...65_535)
        configuration.defaultVoice = arguments.voice
        if let file = arguments.apiKeyFile {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { throw UsageError("--api-key-file \(file): cannot be read") }
            configuration.keys = Keyring(text)
            guard !configuration.keys.isEmpty else { throw UsageError("--api-key-file \(file): there is no key in it") }
        }
        configuration.publicLists = arguments.publicLists
        configuration.allowedOrigin = arguments.cors
        switch (arguments.tlsCertificate, arguments.tlsKey) {
        case (nil, nil): break
        case (let chain?, let key?): configuration.certificate = (URL(filePath: chain), URL(filePath: key))
        default: throw UsageError("--tls-certificate and --tls-key go together")
        }
        configuration.memory = arguments.memory
        configuration.places = try checked(arguments.places ?? configuration.places, "places", 1...1024)
        configuration.queueLength = try checked(arguments.queue ?? configuration.queueLength, "queue", 0...100_000)
        configuration.patience = try checked(arguments.patience ?? configuration.patience, "patience", 0...3600)
        configuration.requestsPerMinute = try arguments.requestsPerMinute.map { try checked($0, "requests-per-minute", 1...1_000_000) }
        configuration.requestsAtOnce = try arguments.requestsAtOnce.map { try checked($0, "requests-at-once", 1...100_000) }
        configuration.stopDeadline = try checked(arguments.deadline ?? configuration.stopDeadline, "deadline", 0...86_400)
        configuration.isStrict = arguments.strict
        configuration.watermark = !arguments.noWatermark
        configuration.ffmpeg = .installed(in: ProcessInfo.processInfo.environment["PATH"] ?? "")
        return configuration
    }

    private func checked<Value: Comparable>(_ value: Value, _ name: String, _ range: ClosedRange<Value>) throws -> Value {
        guard range.contains(value) else { throw UsageError("--\(name) is \(value); allowed is \(range.lowerBound) to \(range.upperBound)") }
        return value
    }

    /// What the operator should know; nil where all is well.
    func warning(_ configuration: ServerConfiguration) -> String? {
        guard !configuration.isLocal, configuration.keys.isEmpty else { return nil }
        return "everybody who reaches \(configuration.host) can speak and add voices: give keys with --api-key-file"
    }
}
#endif
