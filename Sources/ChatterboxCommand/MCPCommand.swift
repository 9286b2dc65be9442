#if Server
    import ArgumentParser
    import Chatterbox
    import ChatterboxServer
    import Foundation
    import SpeechAudio
    import Synchronization

    struct MCPCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mcp",
            abstract: "Serve the Model Context Protocol, for assistants that use tools.",
            discussion: """
                The assistant starts this program and exchanges messages over its standard input and output. Its tools are speak, which writes a
                file or returns sound, and list_voices. Files are written only within --folder, and existing files are never replaced.

                In an assistant's configuration:
                  {"mcpServers": {"chatterbox": {"command": "chatterbox", "args": ["mcp", "--folder", "/home/ada/Speech"]}}}
                """)

        @Option(help: ArgumentHelp("The folder in which files are written.", valueName: "dir"))
        var folder = "."

        @Option(help: ArgumentHelp("The folder of voices. (default: that of `chatterbox voice`)", valueName: "dir"))
        var voices: String?

        @Flag(help: "Leave the inaudible watermark out.")
        var noWatermark = false

        @OptionGroup(title: "Model") var model: ModelArguments
        @OptionGroup(title: "Reporting") var progress: ProgressArguments

        func run() async throws {
            try model.check()
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
                throw UsageError("--folder \(folder): there is no such folder")
            }
            let folders = UserFolders(), display = progress.display, engine = SpeechEngine()
            defer { display.clear() }
            let files = try await ModelOffer(folders: folders, display: display).folder(of: model.model)
            let offering = ModelOffering(name: files.lastPathComponent, folder: files) { [compute = model.compute] in
                try await compute.load(files.path, display, engine: engine)
            }
            var configuration = ServerConfiguration(voices: voices.map { URL(filePath: $0) } ?? folders.voiceLibrary.folder)
            configuration.watermark = !noWatermark
            configuration.ffmpeg = .installed(in: ProcessInfo.processInfo.environment["PATH"] ?? "")
            let server = MCPServer(configuration, [offering], folder: URL(filePath: folder, directoryHint: .isDirectory), engine: engine)
            await server.run(reading: InputLines.all) { line in
                FileHandle.standardOutput.write(Data((line + "\n").utf8))
            }
        }
    }

    /// Reads standard input.
    private enum InputLines {
        /// Lines, each read when it is requested; they end when the task is cancelled.
        static var all: AsyncStream<String> {
            let box = Box()
            return AsyncStream {
                await withCheckedContinuation { continuation in
                    box.waiting.withLock { $0 = continuation }
                    DispatchQueue.global().async { box.resume(readLine()) }
                }
            } onCancel: {
                box.resume(nil)
            }
        }

        private final class Box: Sendable {
            let waiting = Mutex<CheckedContinuation<String?, Never>?>(nil)

            func resume(_ line: String?) {
                let continuation = waiting.withLock { waiting in
                    defer { waiting = nil }
                    return waiting
                }
                continuation?.resume(returning: line)
            }
        }
    }
#endif
