import Foundation
import Kernels
import SpeechAudio
import Torch

/// ``WatermarkEncoder`` on the CPU with packed weights, for sound at its own rate.
///
/// A window of the networks' rate and one of as many seconds at the sound's rate hear the same in their common bins, so
/// that nothing is resampled; and since the mark changes some of the lowest bins alone, the transform of that change is
/// added to the sound. With the released network that is within 1e-6 of full scale of what the exact way adds, but where a sound
/// is cut off in the middle and a resampler rings. The sound itself stays as it is, where the exact way takes it to the
/// networks' rate and back.
struct PackedWatermark: Sendable {
    private let configuration: WatermarkConfiguration
    private let layers: [PackedLayer]

    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ encoder: WatermarkEncoder, _ configuration: WatermarkConfiguration, team: ThreadTeam) throws {
        self.configuration = configuration
        layers = try encoder.layers.layers.enumerated().map { index, layer in
            let matrix = try PackedMatrix([.init(layer)], format: .float32, winograd: layer.weight.size(2) >= 3, team: team)
            let way = index == 0 ? WayIn.plain : WayIn(activation: .leakyReLU(slope: WatermarkConvolutions.slope))
            return PackedLayer(matrix, in: way, convolution: .init(lead: layer.padding))
        }
    }

    /// Whether the networks' window and step are whole numbers of samples at a rate, and their bins are there.
    func suits(sampleRate: Int) -> Bool {
        let (size, hop) = (configuration.transformSize * sampleRate, configuration.transformHop * sampleRate)
        return size.isMultiple(of: 2 * configuration.sampleRate) && hop.isMultiple(of: configuration.sampleRate)
            && size / configuration.sampleRate / 2 + 1 >= configuration.markedBins
    }

    /// Samples `[1, samples]`, more than half a window of them, → the same with the mark.
    func callAsFunction(_ samples: Tensor, sampleRate: Int) throws -> Tensor {
        let scale = Double(configuration.sampleRate) / Double(sampleRate)
        let (size, hop) = (
            configuration.transformSize * sampleRate / configuration.sampleRate, configuration.transformHop * sampleRate / configuration.sampleRate
        )
        let window = try Tensor.hannWindow(size)
        let transform = try samples.stft(size: size, hop: hop, window: window).transposed(1, 2)
        let levels = try WatermarkSpectrum.levels(transform.abs() * scale)
        let carriers = try WatermarkSpectrum.carriers(totals: levels.sum(axis: 2, keepAxis: true).transposed(1, 2)).transposed(1, 2)
        let band = try levels.narrow(axis: 2, from: 0, count: configuration.markedBins).contiguous()
        let gain = try WatermarkSpectrum.gain(from: band, by: change(of: band) * carriers)
        let difference = try transform.narrow(axis: 2, from: 0, count: configuration.markedBins) * (gain - 1)
        let bins = size / 2 + 1
        let added = try difference.padded([0, bins - configuration.markedBins]).transposed(1, 2)
            .istft(size: size, hop: hop, window: window, length: samples.size(1))
        return try samples + added
    }

    /// What the networks add to levels `[1, frames, marked bins]`.
    private func change(of band: Tensor) throws -> Tensor {
        try layers.reduce(band) { x, layer in
            let result = try Tensor.empty([1, x.size(1), layer.matrix.outputs])
            try layer(x, into: result)
            return result
        }
    }
}
