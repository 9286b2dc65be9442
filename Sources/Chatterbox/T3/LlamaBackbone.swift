import Kernels
import Torch

/// Sizes of a Llama transformer (upstream: `models/t3/llama_configs.py`, `Llama_520M`).
public struct LlamaConfiguration: Sendable, Codable, Hashable {
    /// Width of inputs and outputs.
    public var hiddenSize = 1024
    /// Number of layers.
    public var layers = 30
    /// Number of attention heads; each is `hiddenSize / heads` wide.
    public var heads = 16
    /// Width between the two halves of a feed-forward block.
    public var intermediateSize = 4096
    /// Added to the mean square before its root.
    public var normEpsilon = 1e-5
    /// The rotary position embedding of queries and keys.
    public var rotary = RotaryConfiguration()

    /// Without arguments the sizes of Chatterbox's backbone.
    public init(
        hiddenSize: Int = 1024, layers: Int = 30, heads: Int = 16, intermediateSize: Int = 4096,
        normEpsilon: Double = 1e-5, rotary: RotaryConfiguration = RotaryConfiguration()
    ) {
        self.hiddenSize = hiddenSize
        self.layers = layers
        self.heads = heads
        self.intermediateSize = intermediateSize
        self.normEpsilon = normEpsilon
        self.rotary = rotary
    }
}

extension LlamaConfiguration: BackboneSizes {
    var layerWeights: Int { 4 * hiddenSize * hiddenSize + 3 * hiddenSize * intermediateSize }
    var longestSequence: Int? { nil }
    var hasSpeechHeadBias: Bool { false }
    var upstreamStyle: DecodingStyle { .chatterbox }

    var checkedNumbers: [(name: String, value: Double, range: ClosedRange<Double>)] {
        let base = [(name: "rotary.base", value: rotary.base, range: 1...1e12)]
        guard let scaling = rotary.scaling else { return base }
        return base + [
            ("rotary.scaling.factor", scaling.factor, 1e-6...1e6), ("rotary.scaling.lowFrequency", scaling.lowFrequency, 1e-6...1e6),
            ("rotary.scaling.highFrequency", scaling.highFrequency, 1e-6...1e6),
        ]
    }

    func makeBackbone(_ weights: Weights, positions: Int) throws -> any Backbone { try LlamaBackbone(weights, self, positions: positions) }
}

/// The Llama transformer without token embedding and head (Touvron et al. 2023; upstream: `LlamaModel` of transformers).
package struct LlamaBackbone: LayeredBackbone, PackableBackbone, Adaptable {
    package let layerCount, headCount, headSize: Int
    var layers: [LlamaLayer]
    let norm: RMSNorm
    let rotary: RotaryEmbedding

    /// - Parameters:
    ///   - weights: the scope with `layers.N` and `norm`; its `embed_tokens` is not used.
    ///   - configuration: the sizes; twice `heads` must divide `hiddenSize`.
    ///   - positions: the length of the longest sequence, and of the rotary tables.
    package init(_ weights: Weights, _ configuration: LlamaConfiguration, positions: Int) throws {
        let (hiddenSize, heads) = (configuration.hiddenSize, configuration.heads)
        guard heads > 0, hiddenSize % (2 * heads) == 0 else {
            throw T3Error.unevenHeads(hiddenSize: hiddenSize, heads: heads)
        }
        weights.ignore("embed_tokens.")
        (layerCount, headCount, headSize) = (configuration.layers, heads, hiddenSize / heads)
        layers = try (0..<configuration.layers).map { try LlamaLayer(weights["layers"][$0], configuration) }
        norm = try RMSNorm(weights["norm"], size: hiddenSize, epsilon: configuration.normEpsilon)
        rotary = try RotaryEmbedding(
            configuration.rotary, headSize: headSize, positions: positions,
            dtype: norm.weight.dtype, device: norm.weight.device)
    }

    func callAsFunction(_ inputs: Tensor, layers range: Range<Int>, memory: some AttentionMemory) throws -> Tensor {
        let rotation = try rotary.rotation(of: memory, count: inputs.size(1))
        return try range.reduce(inputs) { try layers[$1]($0, rotation: rotation, layer: $1, memory: memory) }
    }

    func normalised(_ hidden: Tensor) throws -> Tensor { try norm(hidden) }

    mutating func changeProjections(_ change: (String, inout Projection) throws -> Void) rethrows {
        for index in layers.indices {
            let name = "layers.\(index)"
            try change("\(name).self_attn.q_proj", &layers[index].attention.query)
            try change("\(name).self_attn.k_proj", &layers[index].attention.key)
            try change("\(name).self_attn.v_proj", &layers[index].attention.value)
            try change("\(name).self_attn.o_proj", &layers[index].attention.output)
            try change("\(name).mlp.gate_proj", &layers[index].feedForward.gate)
            try change("\(name).mlp.up_proj", &layers[index].feedForward.up)
            try change("\(name).mlp.down_proj", &layers[index].feedForward.down)
        }
    }
}

extension LlamaBackbone {
    var inputPositions: PositionTable? { nil }

    func packed(
        head: PackedMatrix, team: ThreadTeam, pack: (_ layers: [Projection], _ gated: Bool) throws -> PackedMatrix, afterLayer: () -> Void
    ) throws -> PackedTransformer {
        let layers = try layers.map { layer in
            defer { afterLayer() }
            let (attention, feedForward) = (layer.attention, layer.feedForward)
            return PackedTransformer.Layer(
                attentionNorm: try Norm(layer.inputNorm), queryKeyValue: try pack([attention.query, attention.key, attention.value], false),
                attentionOutput: try pack([attention.output], false), feedForwardNorm: try Norm(layer.feedForwardNorm),
                expand: try pack([feedForward.gate, feedForward.up], true), contract: try pack([feedForward.down], false))
        }
        let half = headSize / 2
        return try PackedTransformer(
            .init(hidden: headCount * headSize, heads: headCount, inner: self.layers[0].feedForward.up.weight.size(0), activation: .gatedSiLU),
            layers: layers, finalNorm: try Norm(norm), head: head,
            rotation: .init(
                cosine: rotary.cosine.rows.narrow(axis: 1, from: 0, count: half),
                sine: rotary.signedSine.rows.narrow(axis: 1, from: half, count: half)),
            team: team)
    }

    var packedPlaces: [PackedPlace] {
        layers.enumerated().flatMap { index, layer -> [PackedPlace] in
            let (attention, feedForward) = (layer.attention, layer.feedForward)
            let hidden = attention.output.weight.size(0), inner = feedForward.up.weight.size(0)
            return [
                PackedPlace(attention.query, index, .queryKeyValue), PackedPlace(attention.key, index, .queryKeyValue, first: hidden),
                PackedPlace(attention.value, index, .queryKeyValue, first: 2 * hidden), PackedPlace(attention.output, index, .attentionOutput),
                PackedPlace(feedForward.gate, index, .expand), PackedPlace(feedForward.up, index, .expand, first: inner),
                PackedPlace(feedForward.down, index, .contract),
            ]
        }
    }
}

/// One layer: attention and feed-forward, each on normalised inputs and added to them.
struct LlamaLayer: Sendable {
    let inputNorm, feedForwardNorm: RMSNorm
    var attention: LlamaAttention
    var feedForward: LlamaFeedForward

    init(_ weights: Weights, _ configuration: LlamaConfiguration) throws {
        let (size, epsilon) = (configuration.hiddenSize, configuration.normEpsilon)
        inputNorm = try RMSNorm(weights["input_layernorm"], size: size, epsilon: epsilon)
        attention = try LlamaAttention(weights["self_attn"], configuration)
        feedForwardNorm = try RMSNorm(weights["post_attention_layernorm"], size: size, epsilon: epsilon)
        feedForward = try LlamaFeedForward(weights["mlp"], configuration)
    }

    /// `[batch, time, hidden]` → the same.
    func callAsFunction(
        _ x: Tensor, rotation: RotaryEmbedding.Rotation, layer: Int, memory: some AttentionMemory
    ) throws -> Tensor {
        let x = try x + attention(inputNorm(x), rotation: rotation, layer: layer, memory: memory)
        return try x + feedForward(feedForwardNorm(x))
    }
}

/// Multi-head attention with rotated queries and keys.
struct LlamaAttention: Sendable {
    let heads: Int
    var query, key, value, output: Projection

    init(_ weights: Weights, _ configuration: LlamaConfiguration) throws {
        let size = configuration.hiddenSize
        heads = configuration.heads
        query = try Projection(weights["q_proj"], from: size, to: size)
        key = try Projection(weights["k_proj"], from: size, to: size)
        value = try Projection(weights["v_proj"], from: size, to: size)
        output = try Projection(weights["o_proj"], from: size, to: size)
    }

    /// `[batch, time, hidden]` → the same.
    func callAsFunction(
        _ x: Tensor, rotation: RotaryEmbedding.Rotation, layer: Int, memory: some AttentionMemory
    ) throws -> Tensor {
        let attended = try memory.attend(
            layer: layer,
            query: rotation(query(x).splitIntoHeads(heads)),
            key: rotation(key(x).splitIntoHeads(heads)),
            value: value(x).splitIntoHeads(heads))
        return try output(attended.joinedHeads())
    }
}

/// SwiGLU (Shazeer 2020): silu(gate x) ⊙ (up x), projected down.
struct LlamaFeedForward: Sendable {
    var gate, up, down: Projection

    init(_ weights: Weights, _ configuration: LlamaConfiguration) throws {
        let (size, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        gate = try Projection(weights["gate_proj"], from: size, to: inner)
        up = try Projection(weights["up_proj"], from: size, to: inner)
        down = try Projection(weights["down_proj"], from: inner, to: size)
    }

    /// `[batch, time, hidden]` → the same.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try down(gate(x).silu() * up(x))
    }
}

/// Rotary position embedding with Llama 3's scaling of long wavelengths (Su et al. 2021; Llama 3.1).
public struct RotaryConfiguration: Sendable, Codable, Hashable {
    /// Base of the geometric series of wavelengths.
    public var base = 500_000.0
    /// How long wavelengths are stretched; `nil` leaves them.
    public var scaling: Scaling? = Scaling()

    /// Without arguments Llama 3's rotation, which Chatterbox has.
    public init(base: Double = 500_000, scaling: Scaling? = Scaling()) {
        self.base = base
        self.scaling = scaling
    }

    /// Wavelengths longer than `originalPositions / lowFrequency` grow by `factor`, those shorter than
    /// `originalPositions / highFrequency` stay, and between the two the change is gradual.
    public struct Scaling: Sendable, Codable, Hashable {
        /// How much the longest wavelengths grow.
        public var factor = 8.0
        /// Waves with fewer periods than this within `originalPositions` are stretched by `factor`.
        public var lowFrequency = 1.0
        /// Waves with more periods than this within `originalPositions` are not changed.
        public var highFrequency = 4.0
        /// Positions that a network had been trained for.
        public var originalPositions = 8192

        /// Without arguments the sizes of Chatterbox's backbone.
        public init(
            factor: Double = 8, lowFrequency: Double = 1, highFrequency: Double = 4, originalPositions: Int = 8192
        ) {
            self.factor = factor
            self.lowFrequency = lowFrequency
            self.highFrequency = highFrequency
            self.originalPositions = originalPositions
        }

        func callAsFunction(_ frequency: Float) -> Float {
            let wavelength = 2 * Float.pi / frequency
            let original = Float(originalPositions)
            if wavelength < original / Float(highFrequency) { return frequency }
            if wavelength > original / Float(lowFrequency) { return frequency / Float(factor) }
            let share = (original / wavelength - Float(lowFrequency)) / Float(highFrequency - lowFrequency)
            return (1 - share) * frequency / Float(factor) + share * frequency
        }
    }
}

/// Rotates queries and keys by an angle that grows with their position.
struct RotaryEmbedding: Sendable {
    /// Cosines and sines `[positions, head]`; the first half of the sines is negated, because they are multiplied by values of the head's other half
    /// with a minus sign.
    let cosine, signedSine: PositionTable

    init(_ configuration: RotaryConfiguration, headSize: Int, positions: Int, dtype: DType, device: Device) throws {
        let exponents = try Tensor.arange(from: 0, to: Double(headSize), by: 2) / Double(headSize)
        let unscaled = try Tensor.pow(configuration.base, exponents).reciprocal()
        let frequencies = try unscaled.array(of: Float.self).map { configuration.scaling?($0) ?? $0 }
        let angles = try Tensor.arange(from: 0, to: Double(positions)).unsqueezed(1) * Tensor(frequencies).unsqueezed(0)
        let (cosine, sine) = (try angles.cos(), try angles.sin())
        self.cosine = PositionTable(try Tensor.cat([cosine, cosine], axis: 1).to(dtype).to(device))
        self.signedSine = PositionTable(try Tensor.cat([-sine, sine], axis: 1).to(dtype).to(device))
    }

    /// The rotation of a batch's `count` new positions.
    func rotation(of memory: some AttentionMemory, count: Int) throws -> Rotation {
        Rotation(
            cosine: try cosine(of: memory, count: count).unsqueezed(1),
            signedSine: try signedSine(of: memory, count: count).unsqueezed(1))
    }

    /// Cosines and sines `[batch or 1, 1, time, head]` of a batch's positions.
    struct Rotation {
        let cosine, signedSine: Tensor

        /// Rotates `[batch, heads, time, head]`.
        func callAsFunction(_ x: Tensor) throws -> Tensor {
            let half = x.size(3) / 2
            return try x * cosine + x.rolled(half, axis: 3) * signedSine
        }
    }
}
