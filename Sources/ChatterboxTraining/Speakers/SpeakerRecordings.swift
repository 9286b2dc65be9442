import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// The two speaker encoders' input features of some recordings, in memory.
public struct SpeakerRecordings: Sendable {
    /// Names of the speakers, sorted.
    public let speakers: [String]
    /// The recordings of each speaker.
    public let recordings: [[Recording]]

    /// One recording.
    public struct Recording: Sendable {
        /// The voice encoder's input, from the recording with its ends trimmed: power, `[frames, 40]`, 100 frames a second.
        public let mel: Tensor
        /// CAMPPlus's input, before its mean is subtracted: `[frames, 80]`, 100 frames a second.
        public let filterbank: Tensor
    }

    /// Reads recordings and computes the encoders' input. Recordings under a third of a second are left out.
    ///
    /// - Parameters:
    ///   - utterances: of all speakers.
    ///   - perSpeaker: the most recordings that one speaker gives.
    ///   - seed: seed for choosing recordings of a speaker.
    ///   - progress: called now and then with the recordings read so far.
    /// - Throws: `AudioError` for a recording that cannot be read.
    public init(_ utterances: [Manifest.Utterance], perSpeaker: Int, seed: UInt64, progress: (Int) -> Void = { _ in }) throws {
        var random = SplitMix64(seed: seed)
        let bySpeaker = Dictionary(grouping: utterances, by: \.speaker)
        speakers = bySpeaker.keys.sorted()
        var bank = KaldiFilterBankConfig.chatterbox
        bank.subtractsMean = false
        let (filterBank, voiceMel) = (try KaldiFilterBank(bank), try VoiceEncoderMel())
        let sinc = try WindowedSincResampler(from: 24_000, to: 16_000)
        var read = 0
        recordings = try speakers.map { speaker in
            try bySpeaker[speaker]!.shuffled(using: &random).prefix(perSpeaker).compactMap { utterance in
                let wide = try AudioFile.read(utterance.audio).mono().resampled(to: 24_000)
                let narrow = try wide.resampled(to: 16_000).trimmed()
                read += 1
                if read.isMultiple(of: 500) { progress(read) }
                guard min(narrow.duration, wide.duration) > 1.0 / 3 else { return nil }
                return Recording(mel: try voiceMel(narrow.tensor()), filterbank: try filterBank(sinc(wide.tensor())))
            }
        }
    }

    /// An excerpt of `frames` frames at a random position of `[frames, bins]`, or all of it with zeros after it.
    static func cut(_ x: Tensor, frames: Int, using random: inout SplitMix64) throws -> Tensor {
        let surplus = x.size(0) - frames
        guard surplus > 0 else { return try x.padded([0, 0, 0, -surplus]) }
        return try x.narrow(axis: 0, from: Int.random(in: 0...surplus, using: &random), count: frames)
    }
}
