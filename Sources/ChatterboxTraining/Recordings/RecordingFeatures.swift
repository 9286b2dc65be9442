import Chatterbox
import FileSupport
import Foundation
import SpeechAudio
import Torch

/// The features of a recording for training: speech tokens, mel and speaker embeddings.
public struct RecordingFeatures: Sendable {
    /// S3 tokens, 25 a second.
    public let tokens: [Int]
    /// The voice encoder's embedding, `[256]`, and the speaker encoder's, `[192]`.
    public let speaker, timbre: Tensor
    /// S3Gen's log mel, `[80, 2 · tokens]`; read from the file each time, because it is large.
    public func mel() throws -> Tensor { try SafetensorsFile(file).tensor("mel").to(.float32) }

    private let file: URL

    fileprivate init?(_ file: URL, of networks: String) {
        guard FileManager.default.fileExists(atPath: file.path), let stored = try? SafetensorsFile(file), stored.metadata["networks"] == networks,
            let tokens = try? stored.tensor("tokens").array(of: Int.self), let speaker = try? stored.tensor("speaker").clone(),
            let timbre = try? stored.tensor("timbre").clone()
        else { return nil }
        (self.file, self.tokens, self.speaker, self.timbre) = (file, tokens, speaker, timbre)
    }
}

/// Features of recordings, computed once and stored: a safetensors file for each recording, named by its digest, with digests of the networks that
/// made it. Features that are missing, damaged or made by other networks are computed again.
public struct RecordingFeatureCache {
    private let folder: URL
    private let model: Model
    private let networks: String
    private let ffmpeg: FFmpeg?

    /// - Throws: `CocoaError` if the folder cannot be created; `TorchError`.
    public init(_ folder: URL, _ model: Model, ffmpeg: FFmpeg? = nil) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let origin = try model.voiceAnalyzer.origin()
        networks = SHA256.digest(
            "\(origin.voiceEncoder) \(origin.tokenizer) \(origin.speakerEncoder) \(model.configuration.reference.loudness ?? 0)".utf8)
        (self.folder, self.model, self.ffmpeg) = (folder, model, ffmpeg)
    }

    /// The features of recordings, in their order.
    ///
    /// - Parameters:
    ///   - recordings: those whose file already exists are not computed again.
    ///   - isCancelled: checked before each recording.
    ///   - progress: called with the completed share, 0 to 1, if there is something to do.
    /// - Throws: `AudioError`, `TorchError`, `SafetensorsError.unwritable`; `CancellationError` after a recording.
    public func features(
        of recordings: [CheckedRecording], isCancelled: () -> Bool = { false }, progress: (Double) -> Void = { _ in }
    ) throws -> [RecordingFeatures] {
        try withoutGradients {
            try recordings.enumerated().map { index, recording in
                let file = folder.appending(path: "\(recording.digest.prefix(32)).safetensors")
                if let found = RecordingFeatures(file, of: networks) { return found }
                if isCancelled() { throw CancellationError() }
                try compute(recording, to: file)
                progress(Double(index + 1) / Double(recordings.count))
                guard let made = RecordingFeatures(file, of: networks) else {
                    throw SafetensorsError.unwritable(file, reason: "what was written cannot be read")
                }
                return made
            }
        }
    }

    private func compute(_ recording: CheckedRecording, to file: URL) throws {
        // Like ``VoiceAnalyzer`` for a reference, but for the whole recording.
        let analyzer = model.voiceAnalyzer
        var rules = model.configuration.reference
        rules.promptSeconds = .greatestFiniteMagnitude
        let mel = try VoiceEncoderMel()
        let recorded = try AudioFile.read(recording.entry.audio, ffmpeg: ffmpeg).mono().resampled(to: 24_000)
        let wide = try rules.loudness.map { try recorded.normalised(toLUFS: $0) } ?? recorded
        let prompt = try analyzer.promptEncoder(SpeechPromptFeatures(of: wide, rules))
        let tokens = prompt.tokens.size(1)
        try SafetensorsWriter.write(
            [
                "tokens": prompt.tokens[0].to(.int16), "mel": prompt.mel[0].narrow(axis: 0, from: 0, count: 2 * tokens).transposed(0, 1).contiguous(),
                "timbre": prompt.speaker[0],
                "speaker": analyzer.voiceEncoder.embedding(ofMel: mel(wide.resampled(to: mel.config.sampleRate).trimmed().tensor())).reshaped([-1]),
            ], metadata: ["networks": networks, "recording": recording.digest], to: file)
    }
}
