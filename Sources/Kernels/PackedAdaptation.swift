import CKernels
import Torch

/// The sum of adapters for a packed transformer's linear layers: s · (x Aᵀ) Bᵀ in float32, before activations (Hu et al. 2021, "LoRA"). The packed
/// weights do not change. Immutable; any number of sequences can use it.
public final class PackedAdaptation: @unchecked Sendable {
    /// A layer's products.
    public enum Product: Int, Sendable, CaseIterable {
        case queryKeyValue, attentionOutput, expand, contract
    }

    /// A change of one product of one layer.
    public struct Change {
        let layer: Int
        let product: Product
        let first: Int
        let a, b: Tensor
        let scale: Double

        /// - Parameters:
        ///   - layer: the layer's number, from 0.
        ///   - product: which of the layer's products changes.
        ///   - first: the first of the product's outputs that change; in a gated product the gate's outputs come first.
        ///   - a: `[rank, inputs]`.
        ///   - b: `[outputs that change, rank]`.
        ///   - scale: s, a factor for the change.
        public init(layer: Int, _ product: Product, first: Int = 0, a: Tensor, b: Tensor, scale: Double) {
            (self.layer, self.product, self.first, self.a, self.b, self.scale) = (layer, product, first, a, b, scale)
        }
    }

    /// The transformer that it was made for.
    public let transformer: PackedTransformer
    /// Bytes that a step reads of it.
    public let byteCount: Int
    let adaptation: UnsafeMutablePointer<ck_adaptation>
    private let changes: UnsafeMutableBufferPointer<ck_low_rank>
    private let starts: UnsafeMutableBufferPointer<Int32>
    private let floats: FloatArena

    /// - Throws: ``KernelError/shape(_:expected:found:)`` where matrices do not fit; `TorchError` where they are not float32 on the CPU.
    public init(_ changes: [Change], of transformer: PackedTransformer) throws {
        let floats = FloatArena()
        let kinds = Product.allCases.count
        let sorted = changes.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }.map(\.element)
        precondition(sorted.allSatisfy { 0..<transformer.layerCount ~= $0.layer }, "layers of the transformer")
        let packed = try sorted.map { try $0.packed(beside: transformer.matrix($0.product, ofLayer: $0.layer), floats) }
        self.transformer = transformer
        self.floats = floats
        byteCount = floats.byteCount
        self.changes = .allocate(capacity: max(1, packed.count))
        _ = self.changes.initialize(from: packed)
        starts = .allocate(capacity: transformer.layerCount * kinds + 1)
        _ = starts.initialize(from: (0...transformer.layerCount * kinds).map { place in Int32(sorted.count { $0.place < place }) })
        adaptation = .allocate(capacity: 1)
        adaptation.initialize(to: ck_adaptation(changes: self.changes.baseAddress, starts: starts.baseAddress))
    }

    deinit {
        adaptation.deallocate()
        starts.deallocate()
        changes.deallocate()
    }
}

extension PackedAdaptation.Change {
    /// The index of its product among those of all layers.
    fileprivate var place: Int { layer * PackedAdaptation.Product.allCases.count + product.rawValue }

    /// A unchanged, and B in the order of the matrix's outputs: in panels of 16, with those of a gate and of its partner alternating.
    fileprivate func packed(beside matrix: PackedMatrix, _ floats: FloatArena) throws -> ck_low_rank {
        guard a.rank == 2, (1...Int(CK_MOST_RANK)).contains(a.size(0)), a.size(1) == matrix.inputs else {
            throw KernelError.shape("A of an adapter", expected: "[1 to \(CK_MOST_RANK), \(matrix.inputs)]", found: a.shape)
        }
        let rank = a.size(0), lanes = 16
        // The outputs of one source are adjacent.
        let outputs = matrix.isGated ? matrix.outputs / 2 : matrix.outputs
        let source = first / outputs, start = first % outputs
        guard b.rank == 2, b.size(1) == rank, b.size(0) > 0, start + b.size(0) <= outputs else {
            throw KernelError.shape("B of an adapter", expected: "[at most \(outputs - start), \(rank)]", found: b.shape)
        }
        let count = b.size(0), firstPanel = start / lanes, panels = (start + count - 1) / lanes - firstPanel + 1
        let values = try b.contiguous().array(of: Float.self)
        var laidOut = [Float](repeating: 0, count: rank * panels * lanes)
        for output in 0..<count {
            let place = start + output - firstPanel * lanes
            for row in 0..<rank { laidOut[row * panels * lanes + place] = values[output * rank + row] }
        }
        let step = matrix.isGated ? 2 : 1
        return ck_low_rank(
            a: try floats.copy(a), b: floats.copy(laidOut), rank: rank, scale: Float(scale),
            first_panel: firstPanel * step + (matrix.isGated ? source : 0),
            panel_step: step, panels: panels)
    }
}
