/// x Wᵀ + b: `[…, from]` → `[…, to]`.
public struct Linear: Sendable {
    /// `[to, from]`.
    public let weight: Tensor
    /// `[to]`.
    public let bias: Tensor?

    /// Takes `weight` and, unless refused, `bias`.
    public init(_ weights: Weights, from inputs: Int, to outputs: Int, bias: Bool = true) throws {
        weight = try weights.tensor("weight", shape: [outputs, inputs])
        self.bias = bias ? try weights.tensor("bias", shape: [outputs], initial: .uniform(1 / Double(inputs).squareRoot())) : nil
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.linear(weight, bias) }

    /// The same by whatever is fastest, equal up to rounding.
    package func forTraining(_ x: Tensor) throws -> Tensor {
        try x.isTakenByOneDNN(weight, bias) ? x.oneDNNLinear(weight, bias) : self(x)
    }
}

/// A table of vectors, looked up by number: `[…]` int64 → `[…, size]`.
public struct Embedding: Sendable {
    /// `[count, size]`.
    public let weight: Tensor

    /// Takes `weight`.
    public init(_ weights: Weights, count: Int, size: Int) throws {
        weight = try weights.tensor("weight", shape: [count, size], initial: .normal(std: 0.02))
    }

    public func callAsFunction(_ indices: Tensor) throws -> Tensor { try indices.embedding(weight: weight) }
}
