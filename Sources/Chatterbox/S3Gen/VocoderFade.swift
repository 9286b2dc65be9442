import Foundation
import Torch

/// Silences the first 20 ms of speech and fades the next 20 ms in along a raised cosine.
///
/// What is left of the reference voice's recording would be heard there. With streaming it belongs to the first chunk
/// only. Upstream: `trim_fade` in `models/s3gen/s3gen.py`.
public struct VocoderFade: Sendable {
    /// The gain of each of the first samples, `[samples]`.
    public let gains: Tensor

    /// Makes the fade for a sample rate.
    public init(sampleRate: Int, device: Device = .cpu) throws {
        let length = sampleRate / 50
        // The angles are rounded to float32 before the cosine, as upstream's are.
        let step = Float.pi / Float(max(length - 1, 1))
        let rise = (0..<length).map { index in
            let angle = index < length / 2 ? Float.pi - step * Float(index) : step * Float(length - 1 - index)
            return (cos(angle) + 1) / 2
        }
        gains = try Tensor([Float](repeating: 0, count: length) + rise, device: device)
    }

    /// Waveform `[batch, samples]` → the same shape. A waveform shorter than the fade keeps as much of it as it has.
    public func callAsFunction(_ waveform: Tensor) throws -> Tensor {
        let total = waveform.shape[1]
        let count = min(total, gains.count)
        let faded =
            try waveform.narrow(axis: 1, from: 0, count: count)
            * gains.narrow(axis: 0, from: 0, count: count).to(waveform.dtype)
        return try Tensor.cat([faded, waveform.narrow(axis: 1, from: count, count: total - count)], axis: 1)
    }
}
