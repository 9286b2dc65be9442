import Foundation
import Torch

/// Triangular filters that add up a spectrum's bins to mel bands.
enum MelFilters {
    /// `[bands, size ÷ 2 + 1]`: Slaney's mel scale and area normalisation, the defaults of `librosa.filters.mel`.
    ///
    /// - Parameters:
    ///   - size: size of the Fourier transform, in samples.
    ///   - from: the lowest band's lower edge, in hertz.
    ///   - to: the highest band's upper edge, in hertz.
    static func slaney(sampleRate: Int, size: Int, bands: Int, from: Double, to: Double, device: Device) throws -> Tensor {
        precondition(bands > 0 && size > 1 && from >= 0 && to > from, "mel bands between two frequencies")
        let low = slaneyMel(from), high = slaneyMel(to)
        let edges = (0..<bands + 2).map { slaneyFrequency(low + (high - low) * Double($0) / Double(bands + 1)) }
        let bins = size / 2 + 1
        var weights = [Float](repeating: 0, count: bands * bins)
        for band in 0..<bands {
            let area = 2 / (edges[band + 2] - edges[band])
            for bin in 0..<bins {
                let frequency = Double(bin) * Double(sampleRate) / Double(size)
                let rising = (frequency - edges[band]) / (edges[band + 1] - edges[band])
                let falling = (edges[band + 2] - frequency) / (edges[band + 2] - edges[band + 1])
                // librosa rounds the triangle to single precision, then scales it.
                weights[band * bins + bin] = Float(Double(Float(max(0, min(rising, falling)))) * area)
            }
        }
        return try Tensor(weights, shape: [bands, bins], device: device)
    }

    /// `[bands, size ÷ 2 + 1]`: Kaldi's scale, with triangles that are linear in mels and weight 0 for the Nyquist bin, as in
    /// `torchaudio.compliance.kaldi.get_mel_banks`.
    ///
    /// Computed in single precision, as in Kaldi: differences of mels near 2840 lose bits, and the weights were trained with that.
    static func kaldi(sampleRate: Int, size: Int, bands: Int, from: Double, to: Double, device: Device) throws -> Tensor {
        precondition(bands > 3 && size % 2 == 0 && from >= 0 && to > from, "mel bands between two frequencies")
        let low = kaldiMel(from), step = (kaldiMel(to) - low) / Double(bands + 1)
        let band = try Tensor.arange(bands).unsqueezed(1).to(.float32)
        let left = try band * step + low
        let centre = try (band + 1) * step + low
        let right = try (band + 2) * step + low
        let frequency = try Tensor.arange(size / 2, dtype: .float32) * (Double(sampleRate) / Double(size))
        let mel = try ((frequency / 700 + 1).log() * 1127).unsqueezed(0)
        let rising = try (mel - left) / (centre - left)
        let falling = try (right - mel) / (right - centre)
        return try rising.minimum(falling).clamped(min: 0).padded([0, 1]).to(device)
    }

    /// Slaney 1998: linear below 1 kHz, logarithmic above.
    private static func slaneyMel(_ frequency: Double) -> Double {
        frequency < 1000 ? frequency * 3 / 200 : 15 + log(frequency / 1000) * 27 / log(6.4)
    }
    private static func slaneyFrequency(_ mel: Double) -> Double {
        mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27)
    }
    private static func kaldiMel(_ frequency: Double) -> Double { 1127 * log(1 + frequency / 700) }
}
