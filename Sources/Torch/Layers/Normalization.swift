/// Ba et al. 2016, over the last axis.
public struct LayerNorm: Sendable {
    /// `[size]`.
    public let weight, bias: Tensor
    let size: Int
    public let epsilon: Double

    /// Takes `weight` and `bias`, both `[size]`.
    public init(_ weights: Weights, size: Int, epsilon: Double = 1e-5) throws {
        weight = try weights.tensor("weight", shape: [size], initial: .ones)
        bias = try weights.tensor("bias", shape: [size], initial: .zeros)
        self.size = size
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.layerNorm(shape: [size], weight: weight, bias: bias, epsilon: epsilon)
    }
}

/// Zhang and Sennrich 2019, over the last axis, as in Hugging Face's Llama: computed in float32 whatever the type of the input.
public struct RMSNorm: Sendable {
    public let weight: Tensor
    public let epsilon: Double

    /// Takes `weight`, `[size]`.
    public init(_ weights: Weights, size: Int, epsilon: Double) throws {
        weight = try weights.tensor("weight", shape: [size], initial: .ones)
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let wide = try x.to(.float32)
        let scale = try (wide.square().mean(axis: -1, keepAxis: true) + epsilon).rsqrt()
        return try weight * (wide * scale).to(x.dtype)
    }
}

/// Batch normalisation (Ioffe and Szegedy 2015), `[batch, channels, …]`, with stored statistics; in training with those of the batch
/// (``Weights/updatingStatistics``).
public struct BatchNorm: Sendable {
    let mean, variance: Tensor
    let weight, bias: Tensor?
    let epsilon: Double
    let isTraining: Bool

    /// Takes `running_mean`, `running_var` and, where affine, `weight` and `bias`, all `[channels]`.
    public init(_ weights: Weights, channels: Int, epsilon: Double = 1e-5, affine: Bool = true) throws {
        mean = try weights.tensor("running_mean", shape: [channels], initial: .zeros)
        variance = try weights.tensor("running_var", shape: [channels], initial: .ones)
        weight = affine ? try weights.tensor("weight", shape: [channels], initial: .ones) : nil
        bias = affine ? try weights.tensor("bias", shape: [channels], initial: .zeros) : nil
        weights.ignore("num_batches_tracked")
        self.epsilon = epsilon
        isTraining = weights.updatesStatistics
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.batchNorm(mean: mean, variance: variance, weight: weight, bias: bias, training: isTraining, epsilon: epsilon)
    }

    /// The equivalent scale and shift outside training, for each channel: `[channels]`.
    public func affine() throws -> (scale: Tensor, shift: Tensor) {
        let inverse = try (variance + epsilon).rsqrt()
        let scale = try weight.map { try $0 * inverse } ?? inverse
        let shift = try -(mean * scale)
        return (scale, try bias.map { try shift + $0 } ?? shift)
    }
}
