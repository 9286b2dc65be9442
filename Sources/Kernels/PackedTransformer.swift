import CKernels
import Torch

/// A causal transformer with packed weights, from embedded inputs to logits. Immutable.
public final class PackedTransformer: @unchecked Sendable {
    /// The sizes that layers share.
    public struct Shape: Sendable, Hashable {
        public var hidden, heads, inner: Int
        /// Between the two matrices of a feed-forward block.
        public var activation: Activation

        public init(hidden: Int, heads: Int, inner: Int, activation: Activation) {
            self.hidden = hidden
            self.heads = heads
            self.inner = inner
            self.activation = activation
        }
    }

    public struct Layer {
        let attentionNorm, feedForwardNorm: Norm
        let queryKeyValue, attentionOutput, expand, contract: PackedMatrix

        public init(
            attentionNorm: Norm, queryKeyValue: PackedMatrix, attentionOutput: PackedMatrix, feedForwardNorm: Norm,
            expand: PackedMatrix, contract: PackedMatrix
        ) {
            self.attentionNorm = attentionNorm
            self.queryKeyValue = queryKeyValue
            self.attentionOutput = attentionOutput
            self.feedForwardNorm = feedForwardNorm
            self.expand = expand
            self.contract = contract
        }
    }

    /// What queries and keys are turned by: cosines and sines `[positions, head ÷ 2]`.
    public struct Rotation {
        let cosine, sine: Tensor

        public init(cosine: Tensor, sine: Tensor) {
            self.cosine = cosine
            self.sine = sine
        }
    }

    public let shape: Shape
    public let layerCount, vocabulary: Int
    /// The number of positions for which queries and keys can be rotated; nil if they are not rotated.
    public let rotatedPositions: Int?
    /// What one step reads of the weights, for however many rows.
    public let byteCount: Int
    public let team: ThreadTeam
    let transformer: UnsafeMutablePointer<ck_transformer>
    private let layers: UnsafeMutablePointer<ck_decoder_layer>
    private let matrices: [PackedMatrix]
    private let floats: FloatArena

    /// - Parameters:
    ///   - shape: the sizes; `heads` must divide `hidden`.
    ///   - layers: the layers, from the first to the last.
    ///   - finalNorm: the last normalisation, whose epsilon also applies to the layers.
    ///   - head: computes the logits.
    ///   - rotation: the rotation of queries and keys; nil for none.
    ///   - team: threads that compute.
    /// - Throws: `TorchError` for tensors that are not float32 on the CPU.
    public init(_ shape: Shape, layers: [Layer], finalNorm: Norm, head: PackedMatrix, rotation: Rotation?, team: ThreadTeam) throws {
        precondition(shape.heads > 0 && shape.hidden % shape.heads == 0, "heads of equal width")
        if let rotation {
            let half = shape.hidden / shape.heads / 2
            precondition(
                rotation.cosine.shape == rotation.sine.shape && rotation.cosine.shape.count == 2 && rotation.cosine.size(1) == half,
                "an angle for each pair of a head, at each position")
        }
        let floats = FloatArena()
        self.shape = shape
        self.team = team
        self.floats = floats
        layerCount = layers.count
        rotatedPositions = rotation?.cosine.size(0)
        vocabulary = head.outputs
        matrices = layers.flatMap { [$0.queryKeyValue, $0.attentionOutput, $0.expand, $0.contract] } + [head]
        byteCount = matrices.reduce(0) { $0 + $1.byteCount }
        let packed = try layers.map { layer in
            ck_decoder_layer(
                attention_norm: try floats.copy(layer.attentionNorm.weight), attention_norm_bias: try floats.copy(layer.attentionNorm.bias),
                query_key_value: layer.queryKeyValue.handle, attention_output: layer.attentionOutput.handle,
                feed_forward_norm: try floats.copy(layer.feedForwardNorm.weight),
                feed_forward_norm_bias: try floats.copy(layer.feedForwardNorm.bias),
                expand: layer.expand.handle, contract: layer.contract.handle)
        }
        let last = ck_transformer(
            layers: nil, layer_count: layers.count, hidden: shape.hidden, heads: shape.heads, inner: shape.inner,
            norm_epsilon: Float(finalNorm.epsilon), activation: shape.activation.code,
            final_norm: try floats.copy(finalNorm.weight), final_norm_bias: try floats.copy(finalNorm.bias), head: head.handle,
            cosine: try floats.copy(rotation?.cosine), sine: try floats.copy(rotation?.sine))
        self.layers = .allocate(capacity: max(1, layers.count))
        self.layers.initialize(from: packed, count: packed.count)
        transformer = .allocate(capacity: 1)
        transformer.initialize(to: last)
        transformer.pointee.layers = UnsafePointer(self.layers)
    }

    /// One matrix of a layer.
    func matrix(_ product: PackedAdaptation.Product, ofLayer layer: Int) -> PackedMatrix {
        matrices[layer * PackedAdaptation.Product.allCases.count + product.rawValue]
    }

    deinit {
        transformer.deallocate()
        layers.deallocate()
    }
}

/// Stores copies of small tensors at fixed addresses for C code.
final class FloatArena {
    private var blocks: [UnsafeMutableBufferPointer<Float>] = []

    var byteCount: Int { blocks.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride } }

    func copy(_ values: some Collection<Float>) -> UnsafePointer<Float> {
        let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, values.count))
        _ = block.initialize(from: values)
        blocks.append(block)
        return UnsafePointer(block.baseAddress!)
    }

    /// - Throws: `TorchError` for a tensor that is not float32 on the CPU.
    func copy(_ tensor: Tensor) throws -> UnsafePointer<Float> { try tensor.contiguous().withElements(of: Float.self) { copy($0) } }

    func copy(_ tensor: Tensor?) throws -> UnsafePointer<Float>? { try tensor.map { try copy($0) } }

    deinit { for block in blocks { block.deallocate() } }
}
