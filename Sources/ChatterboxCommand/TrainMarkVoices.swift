import ArgumentParser
import ChatterboxTraining
import Foundation

/// `chatterbox train mark-voices`.
struct TrainMarkVoices: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mark-voices", abstract: "Write the digests of a model's networks into its own voices.",
        discussion: """
            For a folder that was assembled before voices told their origin: conds.safetensors and voices/. Voices that tell \
            it stay as they are, and so do all numbers.
            """)
    @Argument(help: "The model's folder.", completion: .directory) var folder: String

    func run() throws {
        for file in try ModelAssembly.markVoices(of: URL(filePath: folder)) { print(file.relativePath) }
    }
}
