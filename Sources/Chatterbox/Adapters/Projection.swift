import Kernels
import Torch

/// A linear layer of a transformer with adapters: x Wᵀ + b + Σ s · (x Aᵀ) Bᵀ (Hu et al. 2021, "LoRA").
struct Projection: Sendable {
    /// `[to, from]`; a view if the checkpoint stores `[from, to]`.
    private(set) var weight: Tensor
    /// `[to]`.
    let bias: Tensor?
    /// Whether the checkpoint stores `[from, to]`, as in GPT-2 (`Conv1D` of transformers).
    private let isStoredTransposed: Bool
    var changes: [Adapter.Matrices] = []
    /// Whether the layer is computed for training, in the fastest way, which rounds differently from inference.
    var isTrained = false

    /// Reads `weight` `[to, from]` and, if requested, `bias`.
    init(_ weights: Weights, from inputs: Int, to outputs: Int, bias: Bool = false) throws {
        let layer = try Linear(weights, from: inputs, to: outputs, bias: bias)
        (weight, self.bias) = (layer.weight, layer.bias)
        isStoredTransposed = false
    }

    /// Reads `weight` `[from, to]` and `bias`.
    init(transposed weights: Weights, from inputs: Int, to outputs: Int) throws {
        weight = try weights.tensor("weight", shape: [inputs, outputs], initial: .normal(std: 0.02)).transposed(0, 1)
        bias = try weights.tensor("bias", shape: [outputs], initial: .zeros)
        isStoredTransposed = true
    }

    /// `[…, from]` → `[…, to]`.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        guard isTrained, x.isTakenByOneDNN(weight, bias) else { return try changes.reduce(x.linear(weight, bias)) { try $0 + $1(x) } }
        let lowRank = changes.first.map { (a: $0.a, b: $0.b, scale: $0.scale) }
        return try changes.dropFirst().reduce(x.oneDNNLinear(weight, bias, lowRank: lowRank)) { try $0 + $1(x) }
    }

    /// The weight with the adapters merged, in the weight's precision and the checkpoint's layout.
    func mergedWeight() throws -> Tensor {
        let merged = try changes.reduce(weight.to(.float32)) { try $0 + $1.weight() }.to(weight.dtype)
        return isStoredTransposed ? try merged.transposed(0, 1).contiguous() : merged
    }

    /// Merges the adapters into the weight.
    mutating func merge() throws {
        guard !changes.isEmpty else { return }
        weight = try changes.reduce(weight.to(.float32)) { try $0 + $1.weight() }.to(weight.dtype)
        changes = []
    }

    /// The layer for packing.
    ///
    /// - Precondition: it has no adapters.
    var source: PackedMatrix.Source {
        precondition(changes.isEmpty, "what adapters add is merged before a layer is packed")
        return .init(weight, bias: bias)
    }
}

extension Adapter.Matrices {
    /// s (x Aᵀ) Bᵀ in float32, whatever the layer's precision is: `[…, from]` → `[…, to]`.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try (x.to(.float32).linear(a) * scale).linear(b).to(x.dtype)
    }

    /// The same as one matrix, `[to, from]`.
    func weight() throws -> Tensor { try b.matmul(a) * scale }
}
