import Torch

/// A normalisation over a row: LayerNorm (Ba et al. 2016), or without a bias RMSNorm (Zhang and Sennrich 2019); or one whose
/// statistics are known beforehand, a scale and a shift for each number (BatchNorm, Ioffe and Szegedy 2015).
public struct Norm: Sendable {
    let weight: Tensor
    let bias: Tensor?
    let epsilon: Double
    var isAffine = false

    /// - Throws: `TorchError` for a weight that is not float32 on the CPU.
    public init(weight: Tensor, bias: Tensor? = nil, epsilon: Double) throws {
        self.weight = try weight.contiguous()
        self.bias = try bias?.contiguous()
        self.epsilon = epsilon
        _ = try self.weight.storage(of: Float.self)
        _ = try self.bias?.storage(of: Float.self)
    }

    public init(_ norm: LayerNorm) throws { try self.init(weight: norm.weight, bias: norm.bias, epsilon: norm.epsilon) }
    public init(_ norm: BatchNorm) throws {
        let (scale, shift) = try norm.affine()
        try self.init(weight: scale, bias: shift, epsilon: 0)
        isAffine = true
    }
    public init(_ norm: RMSNorm) throws { try self.init(weight: norm.weight, epsilon: norm.epsilon) }
}
