import Foundation
import SpeechAudio
import Torch

/// Short cuts of recordings, with what a vocoder hears of each: mel and measured F0.
public struct SpeechExcerpts: Sendable {
    /// A batch of cuts of one length.
    public struct Batch: Sendable {
        /// `[batch, 80, frames]`.
        public let mel: Tensor
        /// Hertz, 0 where unvoiced, `[batch, frames]`.
        public let pitch: Tensor
        /// `[batch, frames · 480]`.
        public let waveform: Tensor
    }

    /// Frames cut away at either end after mel and F0 are measured, so that they know what stood around the cut.
    private static let margin = 2

    private let mel: PromptMel
    private let tracker: PitchTracker
    private let recordings: [URL]

    /// - Parameter recordings: files at 24 kHz, or of any rate, which takes longer.
    public init(_ recordings: [URL]) throws {
        precondition(!recordings.isEmpty, "at least one recording")
        self.recordings = recordings
        mel = try PromptMel()
        tracker = PitchTracker()
    }

    /// Cuts at random from recordings at random.
    ///
    /// - Throws: `AudioError` for a recording that cannot be read.
    public func batch(_ size: Int, frames: Int, using random: inout some RandomNumberGenerator) throws -> Batch {
        let hop = mel.config.hop, whole = frames + 2 * Self.margin
        let cuts = try (0..<size).map { _ in
            let url = recordings[Int.random(in: recordings.indices, using: &random)]
            let samples = try AudioFile.read(url).mono().resampled(to: mel.config.sampleRate).samples
            let start = Int.random(in: 0...max(0, samples.count - whole * hop), using: &random)
            let cut = samples[start..<min(start + whole * hop, samples.count)]
            return try Tensor(cut + [Float](repeating: 0, count: whole * hop - cut.count), shape: [1, whole * hop])
        }
        return try measured(Tensor.cat(cuts), frames: frames)
    }

    private func measured(_ samples: Tensor, frames: Int) throws -> Batch {
        try withoutGradients {
            Batch(
                mel: try mel(samples).narrow(axis: 2, from: Self.margin, count: frames).contiguous(),
                pitch: try tracker(samples).narrow(axis: 1, from: Self.margin, count: frames).contiguous(),
                waveform: try samples.narrow(axis: 1, from: Self.margin * mel.config.hop, count: frames * mel.config.hop).contiguous())
        }
    }
}
