import SpeechAudio
import Torch

/// The distance between the spectra of two waveforms, at several resolutions of time and frequency.
///
/// Yamamoto, Song and Kim 2020, "Parallel WaveGAN" (spectral convergence and the distance of log magnitudes), with the
/// distance of log mels that Kong, Kim and Bae 2020, "HiFi-GAN", train on.
public struct SpectralLoss: Sendable {
    /// One resolution, in samples.
    public struct Resolution: Sendable, Hashable {
        public var size: Int
        public var hop: Int

        public init(size: Int, hop: Int) { (self.size, self.hop) = (size, hop) }
    }

    /// Magnitudes below this are raised to it, because the spectrum of silence does not matter.
    static let floor = 1e-2

    let transforms: [(resolution: Resolution, window: Tensor)]
    let mel: PromptMel

    /// - Throws: `TorchError` if the device has no memory left.
    public init(
        _ resolutions: [Resolution] = [
            .init(size: 256, hop: 64), .init(size: 512, hop: 128), .init(size: 1024, hop: 256), .init(size: 2048, hop: 512),
        ],
        device: Device = .cpu
    ) throws {
        transforms = try resolutions.map { ($0, try Tensor.hannWindow($0.size, device: device)) }
        mel = try PromptMel(device: device)
    }

    /// The parts of the distance, each a mean over the batch.
    public struct Distance {
        /// ‖difference of magnitudes‖ ÷ ‖magnitudes‖.
        public let convergence: Tensor
        /// Mean distance of the natural logarithms of magnitudes.
        public let logarithm: Tensor
        /// Mean distance of natural log mels.
        public let mel: Tensor
    }

    /// Waveforms `[batch, samples]`, of more than 1024 samples, both the same shape; gradients go to the first.
    public func callAsFunction(_ waveform: Tensor, target: Tensor) throws -> Distance {
        var convergence = try Tensor(0.0), logarithm = try Tensor(0.0)
        for (resolution, window) in transforms {
            let made = try magnitudes(waveform, resolution, window)
            let wanted = try withoutGradients { try magnitudes(target, resolution, window) }
            let difference = try (wanted - made).square().sum(axes: [1, 2])
            let ratio = try (difference + 1e-8).sqrt() / wanted.square().sum(axes: [1, 2]).sqrt().clamped(min: 1)
            convergence = try convergence + ratio.mean()
            let (a, b) = (try made.clamped(min: Self.floor).log(), try wanted.clamped(min: Self.floor).log())
            logarithm = try logarithm + (a - b).abs().mean()
        }
        let count = Double(transforms.count)
        let wantedMel = try withoutGradients { try mel(target) }
        return Distance(
            convergence: try convergence / count, logarithm: try logarithm / count, mel: try (mel(waveform) - wantedMel).abs().mean())
    }

    /// `[batch, samples]` → `[batch, bins, frames]`.
    private func magnitudes(_ x: Tensor, _ resolution: Resolution, _ window: Tensor) throws -> Tensor {
        let spectrum = try x.stft(size: resolution.size, hop: resolution.hop, window: window).viewAsReal()
        return try (spectrum.square().sum(axis: -1) + 1e-9).sqrt()
    }
}
