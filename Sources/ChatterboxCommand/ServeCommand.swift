#if Server
    import ArgumentParser
    import Chatterbox
    import ChatterboxServer
    import Foundation
    import Logging
    import SpeechAudio
    import Torch

    struct ServeCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve",
            abstract: "Serve speech over HTTP and WebSockets, with the APIs of OpenAI and ElevenLabs.",
            discussion: """
                Every option of serving and of the model may also come from the environment, as CHATTERBOX_PORT or CHATTERBOX_API_KEY_FILE, or
                from the JSON object in --config FILE, as "port" or "apiKeyFile"; an option on the command line has priority over the
                environment, and the environment over the file. The server does not start with an unknown name.

                Examples:
                  chatterbox serve
                  chatterbox serve --model turbo --model multilingual-v3 --voices voices --port 9000
                  chatterbox serve --host 0.0.0.0 --api-key-file keys.txt --tls-certificate chain.pem --tls-key key.pem
                """)

        @OptionGroup(title: "Serving") var serving: ServeArguments
        @OptionGroup(title: "Model") var compute: ComputeArguments
        @OptionGroup(title: "Reporting") var progress: ProgressArguments

        func run() async throws {
            // The C library's default of eight arenas for each core keeps several times the memory that a server uses.
            Memory.limitArenas(to: 4)
            let settings = try await ServeSettings(serving, compute)
            try settings.compute.check()
            let folders = UserFolders(), display = progress.display
            defer { display.clear() }
            var configuration = try settings.configuration(voices: folders.voiceLibrary.folder)
            configuration.judge = try settings.judge(folders)
            // Each connection is an open file; models, voices and programs need open files as well.
            let files = Self.raiseFileLimit()
            if configuration.connectionLimit == nil { configuration.connectionLimit = files.map { max(64, $0 - 256) } }

            var logger = Logger(label: "chatterbox") { _ in LineLogHandler() }
            logger.logLevel = settings.logLevel
            // All models share one device.
            let engine = SpeechEngine(logger: logger)
            let names = try settings.models.isEmpty ? [await defaultModel(folders, display)] : settings.models
            let offerings = try await names.asyncMap { [logger] in try await offering($0, folders, engine, display, settings, logger) }
            try settings.check(offerings, configuration)
            let server = SpeechServer(configuration, offerings, engine: engine, logger: logger)
            if let warning = settings.warning(configuration) { display.note(warning) }
            let (ports, listening) = AsyncStream<(listener: StartError.Listener, port: Int)>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { [configuration] group in
                // The server listens while the model is loaded; /ready reports when requests can be sent.
                group.addTask {
                    defer { listening.finish() }
                    try await server.run {
                        listening.yield((.http, $0))
                    } onWyomingRunning: {
                        listening.yield((.wyoming, $0))
                    }
                }
                group.addTask {
                    // Nothing is printed before both listeners are open.
                    var open: [StartError.Listener: Int] = [:]
                    let expected = configuration.wyomingPort == nil ? 1 : 2
                    for await (listener, port) in ports {
                        open[listener] = port
                        if open.count == expected { break }
                    }
                    guard let port = open[.http], open.count == expected else { return }
                    try await server.warmUp()
                    if configuration.watermark, !server.unmarkedModels.isEmpty { display.note(WatermarkCommand.missing) }
                    if let wyoming = open[.wyoming] { StandardError.print("Wyoming on port \(wyoming)") }
                    Self.announce(port, offerings, configuration, display)
                }
                // If one of them fails, the other is cancelled.
                do { for try await _ in group {} } catch is CancellationError where Task.isCancelled {}
            }
            StandardError.print("Stopped.")
        }

        private static func announce(_ port: Int, _ offerings: [ModelOffering], _ configuration: ServerConfiguration, _ display: ProgressDisplay) {
            let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
            let address = "\(configuration.certificate == nil ? "http" : "https")://\(host):\(port)"
            display.finish("Serving \(offerings.map(\.name).joined(separator: ", ")) on \(address); Ctrl-C ends it")
            let key = configuration.keys.isEmpty ? "" : " -H 'Authorization: Bearer KEY'"
            StandardError.print(
                "curl \(address)/v1/audio/speech\(key) -H 'Content-Type: application/json' "
                    + "-d '{\"model\":\"\(offerings[0].name)\",\"input\":\"The ship was late.\",\"voice\":\"default\"}' -o ship.mp3")
        }

        private func defaultModel(_ folders: UserFolders, _ display: ProgressDisplay) async throws -> String {
            let offer = ModelOffer(folders: folders, display: display)
            return try await offer.folder(of: nil).path
        }

        /// A model that is loaded when it is requested; its folder is looked up now, so that a mistyped name is reported at once.
        private func offering(
            _ model: String, _ folders: UserFolders, _ engine: SpeechEngine, _ display: ProgressDisplay, _ settings: ServeSettings, _ logger: Logger
        ) async throws -> ModelOffering {
            let offer = ModelOffer(folders: folders, display: display)
            let folder = try await offer.folder(of: model)
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.path)
            let name = folder.lastPathComponent, compute = settings.compute
            return ModelOffering(
                name: name, folder: folder, created: attributes?[.modificationDate] as? Date ?? .distantPast,
                bytes: try compute.byteCount(of: folder),
                usesGPU: try compute.usesGPU, isPinned: settings.pinned.contains(name)
            ) {
                try await compute.load(folder.path, display, engine: engine, logger: logger)
            }
        }

        /// Raises this process's limit of open files as far as allowed.
        ///
        /// - Returns: the limit; nil if there is none.
        private static func raiseFileLimit() -> Int? {
            let files = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
            var limit = rlimit()
            guard getrlimit(files, &limit) == 0 else { return 1024 }
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(files, &raised) == 0 { limit = raised }
            return limit.rlim_cur < 1 << 30 ? Int(limit.rlim_cur) : nil
        }
    }

    extension Array {
        fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
            var results: [Result] = []
            for element in self { results.append(try await transform(element)) }
            return results
        }
    }
#endif
