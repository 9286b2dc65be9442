import Foundation
import SpeechAudio
import Torch

/// Short excerpts of recordings with the vocoder's input for each: measured F0, and the excerpt's own mel or one that a flow computed.
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

    /// Frames that are removed at both ends after mel and F0 are measured, so that these include the context of the excerpt.
    private static let margin = 2

    private let mel: PromptMel
    private let tracker: PitchTracker
    private let recordings: [URL]
    /// The mels that replace those of the recordings, and each recording's number there.
    private let flowMels: (mels: FeatureStore, numbers: [Int])?

    /// Cuts with the recordings' own mels.
    ///
    /// - Parameter recordings: files at 24 kHz, or of any rate, which takes longer.
    public init(_ recordings: [URL]) throws {
        precondition(!recordings.isEmpty, "at least one recording")
        try self.init(recordings, flowMels: nil)
    }

    /// Cuts of one split's recordings, with mels that were made for them (``FlowMels``).
    ///
    /// - Throws: ``TrainingError/noExamples(_:split:)`` if there is no mel for any, ``TrainingError/otherRecordings(_:)`` if the mels
    ///   are of other recordings.
    public init(_ manifest: Manifest, split: String, mels: FeatureStore) throws {
        try mels.check(against: manifest)
        let numbers = manifest.utterances.indices.filter {
            manifest.utterances[$0].split == split && mels.tokenCount($0) != nil
        }
        guard !numbers.isEmpty else { throw TrainingError.noExamples(manifest.url, split: split) }
        try self.init(numbers.map { manifest.utterances[$0].audio }, flowMels: (mels, numbers))
    }

    private init(_ recordings: [URL], flowMels: (mels: FeatureStore, numbers: [Int])?) throws {
        (self.recordings, self.flowMels) = (recordings, flowMels)
        mel = try PromptMel()
        tracker = PitchTracker()
    }

    /// Random excerpts of random recordings.
    ///
    /// - Throws: `AudioError` for a recording that cannot be read.
    public func batch(_ size: Int, frames: Int, using random: inout some RandomNumberGenerator) throws -> Batch {
        let hop = mel.config.hop, whole = frames + 2 * Self.margin
        var cuts: [Tensor] = [], mels: [Tensor] = []
        for _ in 0..<size {
            let place = Int.random(in: recordings.indices, using: &random)
            let samples = try AudioFile.read(recordings[place]).mono().resampled(to: mel.config.sampleRate).samples
            var start = Int.random(in: 0...max(0, samples.count - whole * hop), using: &random)
            if let flowMels {
                start -= start % hop
                mels.append(try cut(flowMels.mels.mel(flowMels.numbers[place]), from: start / hop + Self.margin, frames: frames))
            }
            let cut = samples[start..<min(start + whole * hop, samples.count)]
            cuts.append(try Tensor(cut + [Float](repeating: 0, count: whole * hop - cut.count), shape: [1, whole * hop]))
        }
        return try measured(Tensor.cat(cuts), frames: frames, mel: mels.isEmpty ? nil : Tensor.stack(mels))
    }

    /// `[80, frames]` of a mel, with silence after its end.
    private func cut(_ mel: Tensor, from start: Int, frames: Int) throws -> Tensor {
        let from = min(start, mel.size(1)), count = min(frames, mel.size(1) - from)
        return try mel.narrow(axis: 1, from: from, count: count).to(.float32).padded([0, frames - count], value: Corpus.silence)
    }

    private func measured(_ samples: Tensor, frames: Int, mel given: Tensor?) throws -> Batch {
        try withoutGradients {
            Batch(
                mel: try given ?? mel(samples).narrow(axis: 2, from: Self.margin, count: frames).contiguous(),
                pitch: try tracker(samples).narrow(axis: 1, from: Self.margin, count: frames).contiguous(),
                waveform: try samples.narrow(axis: 1, from: Self.margin * mel.config.hop, count: frames * mel.config.hop).contiguous())
        }
    }
}
