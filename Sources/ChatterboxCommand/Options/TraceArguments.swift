import ArgumentParser
import Chatterbox
import Foundation
import Torch

/// Whether what every stage computed is kept.
struct TraceArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep what every stage computed in a safetensors file, to compare or to report a fault; implies --split none.", valueName: "file"))
    var trace: String?

    var file: URL? { trace.map { URL(filePath: $0) } }

    /// - Throws: `AudioError.unwritable`.
    func check() throws {
        if let file { try OutputPlace.check(file) }
    }

    /// - Throws: `SafetensorsError.unwritable`.
    static func write(_ trace: SpeechTrace, of text: String, _ speech: Speech, to file: URL) throws {
        let metadata = ["format": "chatterbox-trace", "text": text, "seed": String(speech.seed)]
        try SafetensorsWriter.write(trace, metadata: metadata, to: file)
    }
}
