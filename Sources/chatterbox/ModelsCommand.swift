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
        @Option(help: ArgumentHelp("A tokenizer.json to copy, or a folder with the variant's tokenizer.", valueName: "file|dir"))
        var tokenizer: String
        @Option(help: "Which model of the family: \(Variant.all.map(\.name).joined(separator: ", ")).") var variant = Variant.chatterbox.name
        @Option(help: "tiny takes 10 MB, full 3.2 GB as the English model.") var size = Size.tiny
        @Option(help: ArgumentHelp("What the weights follow from.", valueName: "n")) var seed: UInt64 = 0

        enum Size: String, CaseIterable, ExpressibleByArgument {
            case tiny, full

            func of(_ configuration: ModelConfiguration) -> ModelConfiguration { self == .tiny ? configuration.tiny : configuration }
        }

        func run() async throws {
            let folder = URL(filePath: folder)
            guard let variant = Variant(named: variant) else {
                throw UsageError("--variant is \(variant); known are \(Variant.all.map(\.name).joined(separator: ", "))")
            }
            try Model.writeRandom(
                size.of(variant.configuration), as: variant, tokenizer: URL(filePath: tokenizer), seed: seed, to: folder)
            StandardError.print("\(self.folder): a model with random weights; it makes noise, not words")
        }
    }
}
