import Chatterbox
import Foundation
import Pico
import SpeechAudio

/// Makes a voice from a recording, saves it in a file, and speaks with it.
///
///     swift run CloneVoice recording.wav "The ship was late." speech.wav
///
/// The second time the voice is read from `recording.voice.safetensors`, which is faster. Pico, the model used here, was trained on two
/// voices only; use a full-size model to judge how well a voice is imitated.
@main struct CloneVoice {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let folder = Pico.folder else {
            print("usage: CloneVoice RECORDING TEXT FILE.wav")
            exit(64)
        }
        let recording = URL(filePath: arguments[1])
        let prepared = recording.deletingPathExtension().appendingPathExtension("voice.safetensors")
        let synthesizer = try await Synthesizer.load(folder)
        let voice: Voice
        if FileManager.default.fileExists(atPath: prepared.path) {
            voice = try await synthesizer.voice(from: prepared)
        } else {
            voice = try await synthesizer.voice(from: recording)
            for warning in voice.warnings { print("warning: \(warning)") }
            try voice.save(to: prepared)
        }
        let speech = try await synthesizer.speak(arguments[2], voice: voice)
        try AudioFile.write(speech.audio, to: URL(filePath: arguments[3]))
        print(String(format: "%@: %.1f s of speech", arguments[3], speech.audio.duration))
    }
}
