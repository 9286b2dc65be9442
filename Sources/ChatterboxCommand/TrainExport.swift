import ArgumentParser
import Chatterbox
import Foundation

/// `chatterbox train export`: an adapter as a folder that PEFT reads.
struct TrainExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write an adapter as a folder that Hugging Face's PEFT reads.",
        discussion: """
            In Python, PeftModel.from_pretrained(t3.tfmr, "FOLDER") adds it to the transformer of upstream's T3. Folders that PEFT \
            wrote need no import: this program takes them wherever it takes an adapter.

            Example:
              chatterbox train export ada.adapter.safetensors -o ada
            """)
    @Argument(help: ArgumentHelp("The adapter.", valueName: "file|dir"), completion: .file())
    var adapter: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write.", valueName: "dir"), completion: .directory)
    var output: String

    func run() throws {
        let adapter = try Adapter.load(from: URL(filePath: adapter))
        try adapter.saveForPEFT(to: URL(filePath: output))
        try StandardOutput.print("\(output): \(adapter.matrices.count) layers of rank \(adapter.matrices.values.map(\.rank).max() ?? 0)")
    }
}
