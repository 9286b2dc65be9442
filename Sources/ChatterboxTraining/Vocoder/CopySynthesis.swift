import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// Speech that a vocoder makes anew from a recording's own mel: the best that a model with this vocoder can sound.
public struct CopySynthesis: Sendable {
    private let vocoder: Vocoder
    private let mel: PromptMel
    private let window: Tensor

    /// Bins of the spectra that are compared: flite's recordings have nothing above 7.5 kHz.
    private static let bins = 320
    private static let transform = 1024

    public init(_ vocoder: Vocoder) throws {
        self.vocoder = vocoder
        mel = try PromptMel()
        window = try Tensor.hannWindow(Self.transform)
    }

    /// The recording spoken again, F0 predicted from the mel, and how far its spectrum is from the recording's.
    ///
    /// - Returns: 24 kHz, whole frames of 20 ms; the log-spectral distance in decibels: the root mean square over bins up
    ///   to 7.5 kHz, its mean over frames, what is 60 dB under the loudest bin or softer taken as that.
    /// - Throws: `TorchError` for a recording of 30 ms or less.
    public func callAsFunction(_ recording: Audio, seed: UInt64 = 1) throws -> (audio: Audio, logSpectralDistance: Double) {
        try withoutGradients {
            let original = try recording.mono().resampled(to: mel.config.sampleRate).tensor()
            let made = try vocoder(mel(original), generator: Generator(seed: seed)).waveform
            let (a, b) = (try decibels(original.narrow(axis: 1, from: 0, count: made.size(1))), try decibels(made))
            let floor = try a.max().item(Double.self) - 60
            let distance = try (a.clamped(min: floor) - b.clamped(min: floor)).square().mean(axis: 1).sqrt().mean()
            return (try Audio(made, sampleRate: mel.config.sampleRate), try distance.item())
        }
    }

    private func decibels(_ x: Tensor) throws -> Tensor {
        let spectrum = try x.stft(size: Self.transform, hop: Self.transform / 4, window: window).viewAsReal()
        return try (spectrum.narrow(axis: 1, from: 0, count: Self.bins).square().sum(axis: -1) + 1e-12).log10() * 10
    }
}
