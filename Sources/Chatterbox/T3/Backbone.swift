import Kernels
import Torch

/// A causal transformer over embedded inputs: the part of T3 that is either Llama or GPT-2.
public protocol Backbone: Sendable {
    /// Number of layers, each with keys and values of its own.
    var layerCount: Int { get }
    /// Number of attention heads of a layer.
    var headCount: Int { get }
    /// Width of a head.
    var headSize: Int { get }

    /// Hidden states of new positions, each seeing those before it.
    ///
    /// - Parameters:
    ///   - inputs: embedded inputs `[batch, time, hidden]`.
    ///   - memory: what the positions before these left; `WholeSequence` when there are none and none shall be left.
    /// - Returns: `[batch, time, hidden]` after the last normalisation.
    func callAsFunction(_ inputs: Tensor, memory: some AttentionMemory) throws -> Tensor
}

/// A backbone that runs some of its layers, so that training need not keep what is inside of all of them at once.
protocol LayeredBackbone: Backbone {
    /// `[batch, time, hidden]` through some layers; the first one adds positions where the backbone has them as inputs.
    func callAsFunction(_ inputs: Tensor, layers: Range<Int>, memory: some AttentionMemory) throws -> Tensor

    /// The last normalisation.
    func normalised(_ hidden: Tensor) throws -> Tensor
}

extension LayeredBackbone {
    public func callAsFunction(_ inputs: Tensor, memory: some AttentionMemory) throws -> Tensor {
        try normalised(self(inputs, layers: 0..<layerCount, memory: memory))
    }
}

/// What a backbone's sizes say: all that is asked of them outside the backbone's own file.
protocol BackboneSizes: Sendable {
    var hiddenSize: Int { get }
    var layers: Int { get }
    var heads: Int { get }
    /// Weights of one layer's products.
    var layerWeights: Int { get }
    /// Positions of the longest sequence; nil where there is no limit.
    var longestSequence: Int? { get }
    /// Whether the head that gives the speech tokens' logits has a bias.
    var hasSpeechHeadBias: Bool { get }
    /// How upstream decodes models with this backbone.
    var upstreamStyle: DecodingStyle { get }
    /// Numbers that would give no network outside a range, by their names.
    var checkedNumbers: [(name: String, value: Double, range: ClosedRange<Double>)] { get }

    /// - Parameter positions: longest sequence that is asked of it.
    /// - Throws: an error of `Weights`, ``T3Error/unevenHeads(hiddenSize:heads:)``.
    func makeBackbone(_ weights: Weights, positions: Int) throws -> any Backbone
}

/// A backbone for which there are packed kernels.
protocol PackableBackbone: Backbone {
    /// What is added to every input; nil where positions turn queries and keys instead.
    var inputPositions: PositionTable? { get }

    /// - Parameters:
    ///   - pack: one matrix of several layers side by side; `gated` interleaves the first with the second.
    ///   - afterLayer: called when a layer is packed and its float32 weights are not needed again.
    func packed(
        head: PackedMatrix, team: ThreadTeam, pack: (_ layers: [Projection], _ gated: Bool) throws -> PackedMatrix, afterLayer: () -> Void
    ) throws -> PackedTransformer

    /// Where each linear layer lies in the packed products.
    var packedPlaces: [PackedPlace] { get }
}

/// Where a linear layer lies in the packed products of a transformer.
struct PackedPlace {
    let projection: Projection
    /// The number of the transformer's layer.
    let layer: Int
    let product: PackedAdaptation.Product
    /// The product's output that is the layer's first.
    let first: Int

    init(_ projection: Projection, _ layer: Int, _ product: PackedAdaptation.Product, first: Int = 0) {
        (self.projection, self.layer, self.product, self.first) = (projection, layer, product, first)
    }
}

/// What the queries of a batch may attend to, besides and including their own keys and values.
public protocol AttentionMemory {
    /// The position of each row's first input; one number stands for all rows.
    var firstPositions: [Int] { get }
    /// The position of each row's one new input, `[batch]`, where the batch's own memory tells it instead of
    /// ``firstPositions``, so that operations captured once serve every step.
    var positions: Tensor? { get }

    /// Scaled dot-product attention in one layer.
    ///
    /// - Parameters:
    ///   - layer: the layer's number, from 0.
    ///   - query: `[batch, heads, time, head]`, of the new positions.
    ///   - key: as `query`, of the same positions.
    ///   - value: as `query`, of the same positions.
    /// - Returns: `[batch, heads, time, head]`.
    func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor
}

extension AttentionMemory {
    public var positions: Tensor? { nil }
}

/// The exact path: the inputs are the whole sequence, nothing is remembered, and gradients flow.
public struct WholeSequence: AttentionMemory {
    public let firstPositions = [0]

    public init() {}

    public func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
        try query.attention(key: key, value: value, causal: true)
    }
}

extension Tensor {
    /// `[batch, time, heads × head]` → `[batch, heads, time, head]`.
    func splitIntoHeads(_ heads: Int) throws -> Tensor {
        try viewed([size(0), size(1), heads, size(2) / heads]).transposed(1, 2)
    }

    /// `[batch, heads, time, head]` → `[batch, time, heads × head]`.
    func joinedHeads() throws -> Tensor {
        try transposed(1, 2).reshaped([size(0), size(2), size(1) * size(3)])
    }
}
