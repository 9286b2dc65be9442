import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// Speaks a manifest's sentences into a folder with its own manifest, for `scripts/measure-speech`.
public struct SpeechTest: Sendable {
    public let synthesizer: Synthesizer
    public var options = SpeechOptions.standard

    public init(_ model: Model) { synthesizer = Synthesizer(model) }

    private struct Entry: Encodable {
        var audio, text, speaker, split: String
        var end: String?
    }

    /// - Parameters:
    ///   - utterances: the utterances whose texts are spoken.
    ///   - voices: the voice of each speaker to use; utterances of other speakers are skipped.
    ///   - fromTokens: whether to speak the recordings' own speech tokens instead of the text's: this tests the flow and the vocoder without T3.
    ///   - folder: the folder for the WAV files and their `manifest.jsonl`; it is created if it does not exist.
    ///   - progress: called with a line for each sentence.
    public func run(
        _ utterances: [Manifest.Utterance], voices: [String: Voice], fromTokens: Bool, to folder: URL, progress: (String) -> Void
    ) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var lines = Data()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for (number, utterance) in utterances.enumerated() {
            guard let voice = voices[utterance.speaker] else { continue }
            let name = "\(number)-\(utterance.speaker).wav"
            var entry = Entry(audio: name, text: utterance.text, speaker: utterance.speaker, split: utterance.split)
            let audio: Audio
            if fromTokens {
                audio = try spoken(again: utterance, voice)
            } else {
                let speech = try await synthesizer.speak(utterance.text, voice: voice, options: options)
                audio = speech.audio
                entry.end = speech.report.end?.rawValue
            }
            try AudioFile.write(audio, to: folder.appending(path: name))
            lines += try encoder.encode(entry) + Data("\n".utf8)
            progress("\(name): \(String(format: "%.2f", audio.duration)) s, \(entry.end ?? "tokens"): \(utterance.text)")
        }
        try lines.write(to: folder.appending(path: "manifest.jsonl"), options: .atomic)
    }

    private func spoken(again utterance: Manifest.Utterance, _ voice: Voice) throws -> Audio {
        let model = synthesizer.model
        return try withoutGradients {
            let tokens = try model.s3Gen.tokenizer.tokens(of: AudioFile.read(utterance.audio))
            let speech = try model.s3Gen(tokens: tokens, prompt: voice.prompt, steps: options.steps, generator: Generator(seed: 1))
            return try Audio(speech.waveform, sampleRate: synthesizer.sampleRate)
        }
    }
}
