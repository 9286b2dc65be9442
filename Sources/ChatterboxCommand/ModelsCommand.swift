import ArgumentParser
import Chatterbox
import ChatterboxModels
import FileSupport
import Foundation
import SpeechText
import Torch

struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Download, list, verify and remove models; show, load and unload the models of a server.",
        subcommands: ofTheHub + [Path.self, MakeRandom.self])

    #if Hub
        private static let ofTheHub: [any ParsableCommand.Type] = [
            Pull.self, List.self, Verify.self, Remove.self, Status.self, Load.self, Unload.self,
        ]
    #else
        private static let ofTheHub: [any ParsableCommand.Type] = []
    #endif
}

extension ModelsCommand {
    struct Path: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the folder of a model.",
            discussion: "Without a name it prints the folder of the default model. The exit status is 1 if there is no such model.")

        @Argument(help: ArgumentHelp("The model's name.", valueName: "name")) var name: String?

        func run() throws {
            let folders = UserFolders()
            #if Hub
                // The folders of other models do not depend on the hub's cache.
                if name.map({ folders.modelStore.catalog.model(named: $0) != nil }) ?? true { try folders.modelStore.refresh() }
            #endif
            try StandardOutput.print(folders.modelLocator.folder(of: name).path)
        }
    }

    /// Writes a model with random weights, for use where no trained model is available.
    struct MakeRandom: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "make-random",
            abstract: "Write a model with random weights, to try the program without a download.",
            discussion: """
                A model with random weights produces noise instead of words. Everything else is as with a trained model: the same files, \
                the same code, the same speed for the same size.

                Example:
                  chatterbox models make-random stand-in --tokenizer tokenizer.json
                  chatterbox say "This will be noise." --model stand-in -o noise.wav
                """)

        @Argument(help: ArgumentHelp("The folder to write.", valueName: "dir")) var folder: String
        @Option(help: ArgumentHelp("A tokenizer.json to copy, or a folder with the variant's tokenizer.", valueName: "file|dir"))
        var tokenizer: String
        @Option(help: "Which model of the family: \(Variant.all.map(\.name).joined(separator: ", ")).") var variant = Variant.chatterbox.name
        @Option(help: "Size of the networks: tiny (10 MB on disk) or full (3.2 GB for the English model).") var size = Size.tiny
        @Option(help: ArgumentHelp("Seed of the weights.", valueName: "n")) var seed: UInt64 = 0
        @Flag(help: "Also write a fast flow, for --flow fast.") var fastFlow = false

        enum Size: String, CaseIterable, ExpressibleByArgument {
            case tiny, full

            func of(_ configuration: ModelConfiguration) -> ModelConfiguration { self == .tiny ? configuration.tiny : configuration }
        }

        func run() async throws {
            guard let variant = Variant(named: variant) else {
                throw UsageError("--variant is \(variant); known are \(Variant.all.map(\.name).joined(separator: ", "))")
            }
            let folder = URL(filePath: folder), tokenizer = URL(filePath: tokenizer)
            guard (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.isEmpty ?? true else {
                throw UsageError("\(self.folder): the folder is not empty; give a new one")
            }
            if variant.name == Variant.chatterbox.name, !tokenizer.isFolder { _ = try EnglishTokenizer(tokenizer) }
            // Written under another name until it is complete.
            let unfinished = folder.deletingLastPathComponent().appending(path: ".\(folder.lastPathComponent).\(UUID().uuidString.prefix(8)).part")
            do {
                try Model.writeRandom(
                    size.of(variant.configuration), as: variant, tokenizer: tokenizer, seed: seed, fastFlow: fastFlow, to: unfinished)
                let sizes = try Model.load(unfinished).voiceAnalyzer.voiceSizes
                try Voice.random(sizes, generator: Generator(seed: seed)).save(to: unfinished.appending(path: "conds.safetensors"))
                try Task.checkCancellation()
                guard rename(unfinished.path, folder.path) == 0 else {
                    throw CheckpointError.unwritable(folder, reason: String(cString: strerror(errno)))
                }
            } catch let error as SafetensorsError {
                try? FileManager.default.removeItem(at: unfinished)
                guard case .unwritable(_, let reason) = error else { throw error }
                throw CheckpointError.unwritable(folder, reason: reason)
            } catch {
                try? FileManager.default.removeItem(at: unfinished)
                throw error
            }
            StandardError.print("\(self.folder): a model with random weights; it makes noise, not words")
        }
    }
}
