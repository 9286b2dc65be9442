import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechAudio
import Torch

/// `chatterbox train copies`: recordings resynthesised by a vocoder.
struct CopySynthesisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copies", abstract: "Resynthesise recordings from their mels with a vocoder (copy synthesis).",
        discussion: "Writes WAV files and a manifest.jsonl for scripts/measure-speech, and prints the log-spectral distance.")

    @Argument(help: "A folder with manifest.jsonl.", completion: .directory) var data: String
    @Option(help: "The vocoder's weights, by their names in s3gen.safetensors.", completion: .file()) var weights: String
    @Option(help: "Folder for the recordings.", completion: .directory) var out: String
    @Option(help: "config.json of the model; Pico's sizes when left out.", completion: .file()) var config: String?
    @Option(help: "Which recordings of the manifest.") var split = "test"
    @Option(help: "Use only recordings of this speaker.") var speaker: String?
    @Option(help: "Largest number of recordings.") var limit: Int?
    @Option(help: "Processor threads.") var threads = 2

    private struct Line: Encodable { var audio, text, speaker, split: String }

    func run() throws {
        try Libtorch.setThreads(threads)
        let folder = URL(filePath: out)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let loaded = try Weights.load(URL(filePath: weights), dtype: .float32)["mel2wav"]
        let copies = try CopySynthesis(Vocoder(loaded, ModelConfiguration(ofFile: config).s3Gen.vocoder))
        let chosen = try Manifest(URL(filePath: data)).split(split).filter { speaker == nil || $0.speaker == speaker }
            .prefix(limit ?? .max)

        var (lines, sum, audioSeconds) = ([Data](), 0.0, 0.0)
        let clock = ContinuousClock(), encoder = JSONEncoder()
        var spent = Duration.zero
        for utterance in chosen {
            let recording = try AudioFile.read(utterance.audio)
            let start = clock.now
            let (audio, distance) = try copies(recording)
            spent += clock.now - start
            let name = utterance.audio.deletingPathExtension().lastPathComponent + ".wav"
            try AudioFile.write(audio, to: folder.appending(path: name))
            lines.append(try encoder.encode(Line(audio: name, text: utterance.text, speaker: utterance.speaker, split: split)))
            (sum, audioSeconds) = (sum + distance, audioSeconds + audio.duration)
        }
        try Data(lines.joined(separator: Data("\n".utf8))).write(to: folder.appending(path: "manifest.jsonl"), options: .atomic)
        print(
            String(
                format: "%d recordings, %.1f s: log-spectral distance %.2f dB, %.1f times real time with mel and comparison",
                lines.count, audioSeconds, sum / Double(max(1, lines.count)), audioSeconds / (spent / .seconds(1))))
    }
}
