import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// Speech that a vocoder computes from a recording's own mel (copy synthesis): the upper limit of the quality of a model with this vocoder.
public struct CopySynthesis: Sendable {
    private let vocoder: Vocoder
    private let mel: PromptMel
    let distance: LogSpectralDistance

    public init(_ vocoder: Vocoder) throws {
        self.vocoder = vocoder
        mel = try PromptMel()
        distance = try LogSpectralDistance()
    }

    /// The resynthesised recording, with F0 predicted from the mel, and the distance of its spectrum from the recording's.
    ///
    /// - Returns: 24 kHz, whole frames of 20 ms; the log-spectral distance in decibels, up to 12 kHz.
    /// - Throws: `TorchError` for a recording of 30 ms or less.
    public func callAsFunction(_ recording: Audio, seed: UInt64 = 1) throws -> (audio: Audio, logSpectralDistance: Double) {
        try withoutGradients {
            let original = try recording.mono().resampled(to: mel.config.sampleRate).tensor()
            let made = try vocoder(mel(original), generator: Generator(seed: seed)).waveform
            return (try Audio(made, sampleRate: mel.config.sampleRate), try distance(original, made))
        }
    }
}
