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

    /// The same, computed in the fastest way; equal up to rounding.
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

/// Hochreiter and Schmidhuber 1997, several layers deep: `[batch, time, input]` → `[batch, time, hidden]`.
public struct LSTM: Sendable {
    let weights: [Tensor]
    let hidden, layers: Int

    /// Takes `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0` and so on for every layer.
    public init(_ weights: Weights, input: Int, hidden: Int, layers: Int) throws {
        let rule = Initial.uniform(1 / Double(hidden).squareRoot())
        self.weights = try (0..<layers).flatMap { layer in
            [
                try weights.tensor("weight_ih_l\(layer)", shape: [4 * hidden, layer == 0 ? input : hidden], initial: rule),
                try weights.tensor("weight_hh_l\(layer)", shape: [4 * hidden, hidden], initial: rule),
                try weights.tensor("bias_ih_l\(layer)", shape: [4 * hidden], initial: rule),
                try weights.tensor("bias_hh_l\(layer)", shape: [4 * hidden], initial: rule),
            ]
        }
        (self.hidden, self.layers) = (hidden, layers)
    }

    /// Starts from zeros. `hidden` of the result is the last state, `[layers, batch, hidden]`.
    public func callAsFunction(_ x: Tensor) throws -> (output: Tensor, hidden: Tensor) {
        let start = try Tensor.zeros([layers, x.size(0), hidden], dtype: x.dtype, device: x.device)
        let result = try x.lstm(hidden: start, cell: start, weights: weights, layers: layers)
        return (result.output, result.hidden)
    }
}
