import Kernels
import Torch

/// A speech token model's transformer and head, packed for the CPU: float32 as it is, or rounded to 8 or 4 bits.
///
/// Embeddings and conditions stay with the ``T3`` it was made from. Immutable, for any number of engines.
public final class PackedT3: Sendable {
    public let model: T3
    public let format: WeightFormat
    let transformer: PackedTransformer
    /// GPT-2 adds one to every input, Llama turns queries and keys instead.
    let positions: PositionTable?

    /// - Parameters:
    ///   - format: of all matrices but the head, which is not rounded to less than 8 bits.
    ///   - afterLayer: called when a layer is packed and its float32 weights are not needed again.
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``; ``TorchError`` where the weights are not float32 on the CPU;
    ///   ``T3Error/cannotPack(backbone:)``.
    public init(_ model: T3, format: WeightFormat, team: ThreadTeam, afterLayer: () -> Void = {}) throws {
        self.model = model
        self.format = format
        let head = try PackedMatrix([.init(model.speechHead)], format: format == .int4 ? .int8 : format, team: team)
        switch model.backbone {
        case let llama as LlamaBackbone:
            positions = nil
            transformer = try Self.packed(llama, head: head, format: format, team: team, afterLayer: afterLayer)
        case let gpt2 as GPT2Backbone:
            positions = gpt2.positions
            transformer = try Self.packed(gpt2, head: head, format: format, team: team, afterLayer: afterLayer)
        default:
            throw T3Error.cannotPack(backbone: "\(type(of: model.backbone))")
        }
    }

    /// What one step reads of the weights, for however many requests.
    public var bytesPerStep: Int { transformer.byteCount }

    /// What the adapters of a network add to this one, which shares its weights.
    ///
    /// - Parameter adapted: from ``T3/adapted(by:digest:)`` of ``model``.
    /// - Throws: ``KernelError/shape(_:expected:found:)``, `TorchError`.
    func adaptation(of adapted: T3) throws -> PackedAdaptation {
        var changes: [PackedAdaptation.Change] = []
        func add(_ projection: Projection, _ layer: Int, _ product: PackedAdaptation.Product, first: Int = 0) {
            changes += projection.changes.map { .init(layer: layer, product, first: first, a: $0.a, b: $0.b, scale: $0.scale) }
        }
        let (hidden, inner) = (transformer.shape.hidden, transformer.shape.inner)
        switch adapted.backbone {
        case let llama as LlamaBackbone:
            for (index, layer) in llama.layers.enumerated() {
                add(layer.attention.query, index, .queryKeyValue)
                add(layer.attention.key, index, .queryKeyValue, first: hidden)
                add(layer.attention.value, index, .queryKeyValue, first: 2 * hidden)
                add(layer.attention.output, index, .attentionOutput)
                add(layer.feedForward.gate, index, .expand)
                add(layer.feedForward.up, index, .expand, first: inner)
                add(layer.feedForward.down, index, .contract)
            }
        case let gpt2 as GPT2Backbone:
            for (index, layer) in gpt2.layers.enumerated() {
                add(layer.queryKeyValue, index, .queryKeyValue)
                add(layer.attentionOutput, index, .attentionOutput)
                add(layer.feedForwardInput, index, .expand)
                add(layer.feedForwardOutput, index, .contract)
            }
        default:
            throw T3Error.cannotPack(backbone: "\(type(of: adapted.backbone))")
        }
        return try PackedAdaptation(changes, of: transformer)
    }

    private static func packed(
        _ llama: LlamaBackbone, head: PackedMatrix, format: WeightFormat, team: ThreadTeam, afterLayer: () -> Void
    ) throws -> PackedTransformer {
        func pack(_ layers: Projection..., gated: Bool = false) throws -> PackedMatrix {
            try PackedMatrix(layers.map { .init($0.weight) }, format: format, gated: gated, team: team)
        }
        let layers = try llama.layers.map { layer in
            defer { afterLayer() }
            return PackedTransformer.Layer(
                attentionNorm: try Norm(layer.inputNorm),
                queryKeyValue: try pack(layer.attention.query, layer.attention.key, layer.attention.value),
                attentionOutput: try pack(layer.attention.output),
                feedForwardNorm: try Norm(layer.feedForwardNorm),
                expand: try pack(layer.feedForward.gate, layer.feedForward.up, gated: true),
                contract: try pack(layer.feedForward.down))
        }
        let half = llama.headSize / 2
        return try PackedTransformer(
            .init(
                hidden: llama.headCount * llama.headSize, heads: llama.headCount, inner: llama.layers[0].feedForward.up.weight.size(0),
                activation: .gatedSiLU),
            layers: layers, finalNorm: try Norm(llama.norm), head: head,
            rotation: .init(
                cosine: llama.rotary.cosine.rows.narrow(axis: 1, from: 0, count: half),
                sine: llama.rotary.signedSine.rows.narrow(axis: 1, from: half, count: half)),
            team: team)
    }

    private static func packed(
        _ gpt2: GPT2Backbone, head: PackedMatrix, format: WeightFormat, team: ThreadTeam, afterLayer: () -> Void
    ) throws -> PackedTransformer {
        func pack(_ layer: Projection) throws -> PackedMatrix {
            try PackedMatrix([.init(layer.weight, bias: layer.bias)], format: format, team: team)
        }
        let layers = try gpt2.layers.map { layer in
            defer { afterLayer() }
            return PackedTransformer.Layer(
                attentionNorm: try Norm(layer.attentionNorm), queryKeyValue: try pack(layer.queryKeyValue),
                attentionOutput: try pack(layer.attentionOutput), feedForwardNorm: try Norm(layer.feedForwardNorm),
                expand: try pack(layer.feedForwardInput), contract: try pack(layer.feedForwardOutput))
        }
        return try PackedTransformer(
            .init(
                hidden: gpt2.headCount * gpt2.headSize, heads: gpt2.headCount, inner: gpt2.layers[0].feedForwardInput.weight.size(0),
                activation: .geluTanh),
            layers: layers, finalNorm: try Norm(gpt2.norm), head: head, rotation: nil, team: team)
    }
}
