import Chatterbox
import Foundation
import Pico
import SpeechAudio

/// Speaks a text into a file.
///
///     swift run Speak "The ship was late." speech.wav
@main struct Speak {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let text = arguments.first, let file = arguments.last, let folder = Pico.folder else {
            print("usage: Speak TEXT FILE.wav")
            exit(64)
        }
        let synthesizer = try await Synthesizer.load(folder)
        let speech = try await synthesizer.speak(text, options: SpeechOptions(seed: 1))
        try AudioFile.write(speech.audio, to: URL(filePath: file))
        for warning in speech.report.warnings { print("warning: \(warning)") }
        print(String(format: "%@: %.1f s of speech", file, speech.audio.duration))
    }
}
