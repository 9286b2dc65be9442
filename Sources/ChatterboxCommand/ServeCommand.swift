#if Server
import ArgumentParser
import Chatterbox
import ChatterboxServer
import Foundation
import Logging
import SpeechAudio

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve speech over HTTP, as OpenAI's API does.",
        discussion: """
            Every option may also come from the environment, as CHATTERBOX_PORT or CHATTERBOX_API_KEY_FILE, or from the JSON object in
            --config FILE, as "port" or "apiKeyFile"; an option given here goes before the environment, and that before the file.

            Examples:
              chatterbox serve
              chatterbox serve --model turbo --model multilingual-v3 --voices voices --port 9000
              chatterbox serve --host 0.0.0.0 --api-key-file keys.txt --tls-certificate chain.pem --tls-key key.pem
            """)

    @OptionGroup(title: "Serving") var serving: ServeArguments
    @OptionGroup(title: "Model") var compute: ComputeArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    func run() async throws {
        try compute.check()
        let settings = try await ServeSettings(serving)
        Self.raiseFileLimit()
        let folders = UserFolders(), display = progress.display
        defer { display.clear() }
        let configuration = try settings.configuration(voices: folders.voiceLibrary.folder)

        // All models share the device.
        let engine = SpeechEngine()
        let names = try settings.models.isEmpty ? [await defaultModel(folders, display)] : settings.models
        let offerings = try await names.asyncMap { try await offering($0, folders, engine, display) }
        var logger = Logger(label: "chatterbox") { _ in LineLogHandler() }
        logger.logLevel = settings.logLevel
        let server = SpeechServer(configuration, offerings, logger: logger)
        try await server.warmUp()
        if let warning = settings.warning(configuration) { display.note(warning) }
        if configuration.watermark, !server.unmarkedModels.isEmpty { display.note(WatermarkCommand.missing) }
        let scheme = configuration.certificate == nil ? "http" : "https"
        try await server.run { port in
            let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
            let address = "\(scheme)://\(host):\(port)"
            display.finish("Serving \(offerings.map(\.name).joined(separator: ", ")) on \(address); Ctrl-C ends it")
            let key = configuration.keys.isEmpty ? "" : " -H 'Authorization: Bearer KEY'"
            StandardError.print(
                "curl \(address)/v1/audio/speech\(key) -H 'Content-Type: application/json' "
                    + "-d '{\"model\":\"\(offerings[0].name)\",\"input\":\"The ship was late.\",\"voice\":\"default\"}' -o ship.mp3")
        }
        StandardError.print("Stopped.")
    }

    private func defaultModel(_ folders: UserFolders, _ display: ProgressDisplay) async throws -> String {
        let offer = ModelOffer(folders: folders, display: display)
        return try await offer.folder(of: nil).path
    }

    /// A model that is loaded when it is asked for; its folder is looked up now, so that a typing error shows at once.
    private func offering(
        _ model: String, _ folders: UserFolders, _ engine: SpeechEngine, _ display: ProgressDisplay
    ) async throws -> ModelOffering {
        let offer = ModelOffer(folders: folders, display: display)
        let folder = try await offer.folder(of: model)
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.path)
        return ModelOffering(
            name: folder.lastPathComponent, created: attributes?[.modificationDate] as? Date ?? .distantPast, bytes: Self.bytes(of: folder)
        ) { [compute] in
            try await compute.load(folder.path, display, engine: engine)
        }
    }

    /// Of the weights in a folder, which a loaded model takes about.
    private static func bytes(of folder: URL) -> Int {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { ["safetensors", "pt"].contains($0.pathExtension) }.reduce(0) { sum, file in
            sum + ((try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0)
        }
    }

    /// Each connection is an open file: as many as this process may have.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
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
