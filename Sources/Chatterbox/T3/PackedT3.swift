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
    ///   - model: the T3 whose weights are packed, float32 on the CPU.
    ///   - format: of all matrices but the head, which is not rounded to less than 8 bits.
    ///   - team: threads that pack the weights, and later compute with them.
    ///   - afterLayer: called when a layer is packed and its float32 weights are not needed again.
    /// - Throws: `KernelError.outOfMemory`; `TorchError` where the weights are not float32 on the CPU;
    ///   ``T3Error/cannotPack(backbone:)``.
    public init(_ model: T3, format: WeightFormat, team: ThreadTeam, afterLayer: () -> Void = {}) throws {
        self.model = model
        self.format = format
        let head = try PackedMatrix([.init(model.speechHead)], format: format == .int4 ? .int8 : format, team: team)
        guard let backbone = model.backbone as? any PackableBackbone else { throw T3Error.cannotPack(backbone: "\(type(of: model.backbone))") }
        positions = backbone.inputPositions
        transformer = try backbone.packed(
            head: head, team: team,
            pack: { layers, gated in
                try PackedMatrix(layers.map(\.source), format: format, gated: gated, team: team)
            }, afterLayer: afterLayer)
    }

    /// What one step reads of the weights, for however many requests.
    public var bytesPerStep: Int { transformer.byteCount }

    /// What the adapters of a network add to this one, which shares its weights.
    ///
    /// - Parameter adapted: from ``T3/adapted(by:digest:)`` of ``model``.
    /// - Throws: ``KernelError/shape(_:expected:found:)``, `TorchError`.
    func adaptation(of adapted: T3) throws -> PackedAdaptation {
        guard let backbone = adapted.backbone as? any PackableBackbone else { throw T3Error.cannotPack(backbone: "\(type(of: adapted.backbone))") }
        let changes = backbone.packedPlaces.flatMap { place in
            place.projection.changes.map {
                PackedAdaptation.Change(layer: place.layer, place.product, first: place.first, a: $0.a, b: $0.b, scale: $0.scale)
            }
        }
        return try PackedAdaptation(changes, of: transformer)
    }
}
