import Torch

/// A linear layer of a transformer, with what adapters add to it: x Wᵀ + b + Σ s · (x Aᵀ) Bᵀ (Hu et al. 2021, "LoRA").
struct Projection: Sendable {
    /// `[to, from]`; of a GPT-2 checkpoint, which stores `[from, to]` (`Conv1D` of transformers), a view.
    let weight: Tensor
    /// `[to]`.
    let bias: Tensor?
    var changes: [LowRankChange] = []

    /// Takes `weight` `[to, from]` and, where it has one, `bias`.
    init(_ weights: Weights, from inputs: Int, to outputs: Int) throws {
        weight = try weights.tensor("weight", shape: [outputs, inputs])
        bias = nil
    }

    /// Takes `weight` `[from, to]` and `bias`.
    init(transposed weights: Weights, from inputs: Int, to outputs: Int) throws {
        weight = try weights.tensor("weight", shape: [inputs, outputs], initial: .normal(std: 0.02)).transposed(0, 1)
        bias = try weights.tensor("bias", shape: [outputs], initial: .zeros)
    }

    /// `[…, from]` → `[…, to]`.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try changes.reduce(x.linear(weight, bias)) { try $0 + $1(x) }
    }

    /// The weight with its changes, `[to, from]`, in the weight's precision.
    func mergedWeight() throws -> Tensor {
        try changes.reduce(weight.to(.float32)) { try $0 + $1.weight() }.to(weight.dtype)
    }
}

/// What an adapter adds to a linear layer: s · (x Aᵀ) Bᵀ, computed in float32 whatever the layer's own precision is.
struct LowRankChange: Sendable {
    /// `[rank, from]` and `[to, rank]`, float32.
    let a, b: Tensor
    let scale: Double

    /// `[…, from]` → `[…, to]`.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try (x.to(.float32).linear(a).linear(b) * scale).to(x.dtype)
    }

    /// The same as one matrix, `[to, from]`.
    func weight() throws -> Tensor { try b.matmul(a) * scale }
}
