import Foundation
import Torch

/// Sinusoids of the distances between frames, from `count − 1` (the key lies furthest left) down to `1 − count`.
///
/// Shape `[1, 2·count − 1, size]`. Dai et al. 2019 (Transformer-XL), appendix B; `EspnetRelPositionalEncoding` in
/// `models/s3gen/transformer/embedding.py`.
func relativePositions(count: Int, size: Int, like tensor: Tensor) throws -> Tensor {
    let distances = try Tensor.arange(from: Double(count - 1), to: Double(-count), by: -1).unsqueezed(1)
    let rates = try (Tensor.arange(from: 0, to: Double(size), by: 2) * -(log(10000) / Double(size))).exp()
    let angles = try distances * rates
    let waves = try Tensor.stack([angles.sin(), angles.cos()], axis: 2)
    return try waves.reshaped([1, 2 * count - 1, size]).to(tensor.dtype).to(tensor.device)
}
