import Kernels
import Torch

/// Sizes of a GPT-2 transformer (upstream: `models/t3/llama_configs.py`, `GPT2_medium`).
public struct GPT2Configuration: Sendable, Codable, Hashable {
    /// Width of inputs and outputs; the feed-forward blocks are four times as wide inside.
    public var hiddenSize = 1024
    /// Number of layers.
    public var layers = 24
    /// Number of attention heads; each is `hiddenSize / heads` wide.
    public var heads = 16
    /// Length of the learned position table: voice, text and speech together.
    public var positions = 8196
    /// Added to the variance before its root.
    public var normEpsilon = 1e-5

    /// Without arguments the sizes of Turbo's backbone.
    public init(
        hiddenSize: Int = 1024, layers: Int = 24, heads: Int = 16, positions: Int = 8196, normEpsilon: Double = 1e-5
    ) {
        self.hiddenSize = hiddenSize
        self.layers = layers
        self.heads = heads
        self.positions = positions
        self.normEpsilon = normEpsilon
    }
}

extension GPT2Configuration: BackboneSizes {
    var layerWeights: Int { 12 * hiddenSize * hiddenSize }
    var longestSequence: Int? { positions }
    var hasSpeechHeadBias: Bool { true }
    var upstreamStyle: DecodingStyle { .turbo }
    var checkedNumbers: [(name: String, value: Double, range: ClosedRange<Double>)] { [] }

    func makeBackbone(_ weights: Weights, positions: Int) throws -> any Backbone { try GPT2Backbone(weights, self) }
}

/// The GPT-2 transformer without token embedding and head (Radford et al. 2019; upstream: `GPT2Model` of transformers).
package struct GPT2Backbone: LayeredBackbone, PackableBackbone, Adaptable {
    package let layerCount, headCount, headSize: Int
    let positions: PositionTable
    var layers: [GPT2Layer]
    let norm: LayerNorm

    /// - Parameters:
    ///   - weights: the scope with `wpe`, `h.N` and `ln_f`; its `wte` is not used.
    ///   - configuration: the sizes; `heads` must divide `hiddenSize`.
    package init(_ weights: Weights, _ configuration: GPT2Configuration) throws {
        let (hiddenSize, heads) = (configuration.hiddenSize, configuration.heads)
        guard heads > 0, hiddenSize % heads == 0 else {
            throw T3Error.unevenHeads(hiddenSize: hiddenSize, heads: heads)
        }
        weights.ignore("wte.")
        (layerCount, headCount, headSize) = (configuration.layers, heads, hiddenSize / heads)
        positions = try PositionTable(weights["wpe"], count: configuration.positions, size: hiddenSize)
        layers = try (0..<configuration.layers).map { try GPT2Layer(weights["h"][$0], configuration) }
        norm = try LayerNorm(weights["ln_f"], size: hiddenSize, epsilon: configuration.normEpsilon)
    }

    func callAsFunction(_ inputs: Tensor, layers range: Range<Int>, memory: some AttentionMemory) throws -> Tensor {
        let placed = range.lowerBound == 0 ? try inputs + positions(of: memory, count: inputs.size(1)) : inputs
        return try range.reduce(placed) { try layers[$1]($0, layer: $1, memory: memory) }
    }

    func normalised(_ hidden: Tensor) throws -> Tensor { try norm(hidden) }

    mutating func changeProjections(_ change: (String, inout Projection) throws -> Void) rethrows {
        for index in layers.indices {
            try change("h.\(index).attn.c_attn", &layers[index].queryKeyValue)
            try change("h.\(index).attn.c_proj", &layers[index].attentionOutput)
            try change("h.\(index).mlp.c_fc", &layers[index].feedForwardInput)
            try change("h.\(index).mlp.c_proj", &layers[index].feedForwardOutput)
        }
    }
}

extension GPT2Backbone {
    var inputPositions: PositionTable? { positions }

    func packed(
        head: PackedMatrix, team: ThreadTeam, pack: (_ layers: [Projection], _ gated: Bool) throws -> PackedMatrix, afterLayer: () -> Void
    ) throws -> PackedTransformer {
        let layers = try layers.map { layer in
            defer { afterLayer() }
            return PackedTransformer.Layer(
                attentionNorm: try Norm(layer.attentionNorm), queryKeyValue: try pack([layer.queryKeyValue], false),
                attentionOutput: try pack([layer.attentionOutput], false), feedForwardNorm: try Norm(layer.feedForwardNorm),
                expand: try pack([layer.feedForwardInput], false), contract: try pack([layer.feedForwardOutput], false))
        }
        return try PackedTransformer(
            .init(hidden: headCount * headSize, heads: headCount, inner: self.layers[0].feedForwardInput.weight.size(0), activation: .geluTanh),
            layers: layers, finalNorm: try Norm(norm), head: head, rotation: nil, team: team)
    }

    var packedPlaces: [PackedPlace] {
        layers.enumerated().flatMap { index, layer in
            [
                PackedPlace(layer.queryKeyValue, index, .queryKeyValue), PackedPlace(layer.attentionOutput, index, .attentionOutput),
                PackedPlace(layer.feedForwardInput, index, .expand), PackedPlace(layer.feedForwardOutput, index, .contract),
            ]
        }
    }
}

/// One layer: attention and feed-forward, each on normalised inputs and added to them.
struct GPT2Layer: Sendable {
    let heads: Int
    let attentionNorm, feedForwardNorm: LayerNorm
    var queryKeyValue, attentionOutput, feedForwardInput, feedForwardOutput: Projection

    init(_ weights: Weights, _ configuration: GPT2Configuration) throws {
        let (size, epsilon) = (configuration.hiddenSize, configuration.normEpsilon)
        let (attention, feedForward) = (weights["attn"], weights["mlp"])
        attention.ignore("bias", "masked_bias")  // causal masks in older files
        heads = configuration.heads
        attentionNorm = try LayerNorm(weights["ln_1"], size: size, epsilon: epsilon)
        queryKeyValue = try Projection(transposed: attention["c_attn"], from: size, to: 3 * size)
        attentionOutput = try Projection(transposed: attention["c_proj"], from: size, to: size)
        feedForwardNorm = try LayerNorm(weights["ln_2"], size: size, epsilon: epsilon)
        feedForwardInput = try Projection(transposed: feedForward["c_fc"], from: size, to: 4 * size)
        feedForwardOutput = try Projection(transposed: feedForward["c_proj"], from: 4 * size, to: size)
    }

    /// `[batch, time, hidden]` → the same.
    func callAsFunction(_ x: Tensor, layer: Int, memory: some AttentionMemory) throws -> Tensor {
        let parts = try queryKeyValue(attentionNorm(x)).chunked(3, axis: 2).map { try $0.splitIntoHeads(heads) }
        let attended = try memory.attend(layer: layer, query: parts[0], key: parts[1], value: parts[2])
        let x = try x + attentionOutput(attended.joinedHeads())
        return try x + feedForwardOutput(feedForwardInput(feedForwardNorm(x)).gelu(approximate: true))
    }
}
