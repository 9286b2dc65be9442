import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation

/// `chatterbox train merge`: merges adapters into a model.
struct TrainMerge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Merge adapters into a model's weights and write a complete model.",
        discussion: """
            The new model speaks as the old one does with the adapters, and works in any program that runs such models. Adapters are files \
            that this program wrote, or folders that PEFT wrote. The weights are written in the model's precision.

            Examples:
              chatterbox train merge --model turbo --adapter ada.adapter.safetensors -o turbo-ada
              chatterbox train merge --model DIR --adapter style=0.5 --adapter voice -o merged
            """)
    @Option(help: ArgumentHelp("The model: a name (see `chatterbox models list`), or a folder.", valueName: "name|dir"))
    var model: String
    @OptionGroup var adapters: AdapterArguments
    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write.", valueName: "dir"), completion: .directory)
    var output: String
    @OptionGroup var progress: ProgressArguments

    func validate() throws {
        if adapters.adapter.isEmpty { throw ValidationError("--adapter is missing; give at least one") }
    }

    func run() async throws {
        let display = progress.display
        defer { display.clear() }
        let offer = ModelOffer(folders: UserFolders(), display: display)
        let folder = try await offer.folder(of: model)
        let uses = try adapters.uses()
        display.begin("Merging into \(folder.lastPathComponent)")
        let count = try Model.merge(uses, into: folder, to: URL(filePath: output))
        display.clear()
        try StandardOutput.print("\(output): \(count) layers changed")
    }
}

/// The adapters of a request.
struct AdapterArguments: ParsableArguments {
    @Option(help: ArgumentHelp("An adapter, with its weight where that is not 1; several are added.", valueName: "file|dir[=weight]"))
    var adapter: [AdapterArgument] = []

    /// - Throws: ``AdapterError``, and errors of reading.
    func uses() throws -> [AdapterUse] { try adapter.map { try $0.use() } }
}

/// An adapter on the command line: a file or a folder, and its weight.
struct AdapterArgument: ExpressibleByArgument {
    let path: String
    let weight: Double

    /// An existing file whose name ends like a weight is treated as a file.
    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        guard !FileManager.default.fileExists(atPath: argument), let sign = argument.lastIndex(of: "="), sign > argument.startIndex,
            let weight = Double(argument[argument.index(after: sign)...]), weight.isFinite
        else {
            (path, weight) = (argument, 1)
            return
        }
        (path, self.weight) = (String(argument[..<sign]), weight)
    }

    func use() throws -> AdapterUse { AdapterUse(try Adapter.load(from: URL(filePath: path)), weight: weight) }
}

/// `chatterbox train export`: writes an adapter as a folder that PEFT reads.
struct TrainExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write an adapter as a folder that Hugging Face's PEFT reads.",
        discussion: """
            In Python, PeftModel.from_pretrained(t3.tfmr, "FOLDER") adds the adapter to the transformer of upstream's T3. Folders that \
            PEFT wrote need no conversion: this program accepts them wherever it accepts an adapter.

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

/// `chatterbox train mark-voices`.
struct TrainMarkVoices: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mark-voices", abstract: "Write the digests of a model's networks into its own voices.",
        discussion: """
            For a model's folder that was made before voices contained these digests: it adds them to conds.safetensors and voices/. \
            Voices that already contain digests are not changed, nor is any tensor.
            """)
    @Argument(help: "The model's folder.", completion: .directory) var folder: String

    func run() throws {
        for file in try ModelAssembly.markVoices(of: URL(filePath: folder)) { print(file.relativePath) }
    }
}
