import ArgumentParser
import Chatterbox
import Foundation

struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Models on this machine.",
        subcommands: [MakeRandom.self])
}

extension ModelsCommand {
    /// A stand-in where no trained model is at hand.
    struct MakeRandom: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "make-random",
            abstract: "Write a model with random weights, to try the program without a download.",
            discussion: """
                Random weights make noise of a random length, not words. Everything else is as with a trained model: the same \
                files, the same code, the same speed for the same size.

                Example:
                  chatterbox models make-random stand-in --tokenizer tokenizer.json
                  chatterbox say "This will be noise." --model stand-in -o noise.wav
                """)

        @Argument(help: ArgumentHelp("The folder to write.", valueName: "dir")) var folder: String
        @Option(help: ArgumentHelp("A tokenizer.json to copy.", valueName: "file")) var tokenizer: String
        @Option(help: "tiny takes 10 MB, full 3.2 GB as the English model.") var size = Size.tiny
        @Option(help: ArgumentHelp("What the weights follow from.", valueName: "n")) var seed: UInt64 = 0

        enum Size: String, CaseIterable, ExpressibleByArgument {
            case tiny, full

            var configuration: ModelConfiguration { self == .tiny ? .tiny : .chatterbox }
        }

        func run() async throws {
            let folder = URL(filePath: folder)
            try Model.writeRandom(size.configuration, tokenizer: URL(filePath: tokenizer), seed: seed, to: folder)
            StandardError.print("\(self.folder): a model with random weights; it makes noise, not words")
        }
    }
}
