import Torch

/// A small change of a model, trained for a voice or a style: low-rank matrices that are added to some linear layers of one of its networks
/// (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models").
///
/// An adapter belongs to the model that it was trained with, its base. An adapter of T3 is given to a request, and the base's weights do not
/// change; an adapter of the flow is given when the model is loaded. Files have the format of Hugging Face's PEFT.
public struct Adapter: Sendable {
    /// The network that an adapter changes.
    public enum Part: String, Sendable, Hashable, CaseIterable {
        /// The speech token model's transformer.
        case t3
        /// S3Gen's network from speech tokens to mel.
        case flow

        /// The prefix of its weights' names in a checkpoint, with the dot.
        var scope: String { self == .t3 ? "tfmr." : "flow." }
    }

    /// The matrices for one linear layer, float32.
    public struct Matrices: Sendable {
        /// `[rank, from]` and `[to, rank]`.
        public let a, b: Tensor
        /// What (x Aᵀ) Bᵀ is multiplied by: alpha ÷ rank, or alpha ÷ √rank (Kalajdzievski 2023, "rsLoRA").
        public let scale: Double

        /// - Parameters: the properties.
        public init(a: Tensor, b: Tensor, scale: Double) { (self.a, self.b, self.scale) = (a, b, scale) }

        /// Rows of ``a``.
        public var rank: Int { a.size(0) }
    }

    /// The network that it changes.
    public let part: Part
    /// By the layer's name in the checkpoint, such as `tfmr.layers.0.self_attn.q_proj` or `flow.encoder_proj`.
    public let matrices: [String: Matrices]
    /// The digest of the base's weights (`Weights.digest()` of its T3 or its flow); nil if the file does not contain it.
    public let base: String?
    /// The base's name.
    public let baseName: String?
    /// The name used in errors: the file's name.
    public var name: String

    /// Identifies an adapter, and is shared by all its copies.
    final class Identity: Sendable {}
    let identity = Identity()

    /// - Parameters:
    ///   - matrices: by the layer's name in the checkpoint.
    ///   - part: the network that they change.
    ///   - base: the digest of that network's weights.
    ///   - baseName: the name of the base.
    ///   - name: the name in errors.
    public init(_ matrices: [String: Matrices], of part: Part = .t3, base: String? = nil, baseName: String? = nil, name: String) {
        (self.matrices, self.part, self.base, self.baseName, self.name) = (matrices, part, base, baseName, name)
    }

    /// Bytes of its matrices in float32.
    public var byteCount: Int { matrices.values.reduce(0) { $0 + 4 * ($1.a.count + $1.b.count) } }
}

/// An adapter with the weight that a request gives it; several are added together.
public struct AdapterUse: Sendable {
    /// What is added.
    public let adapter: Adapter
    /// The factor of the change: 1 as it was trained, 0 none.
    public let weight: Double

    /// An adapter with a weight; 1 adds it as it was trained.
    public init(_ adapter: Adapter, weight: Double = 1) { (self.adapter, self.weight) = (adapter, weight) }
}

/// A network whose linear layers adapters can change.
protocol Adaptable {
    /// Calls `change` with each linear layer and its name, without the adapters' scope.
    mutating func changeProjections(_ change: (String, inout Projection) throws -> Void) rethrows
}

extension Adaptable {
    /// Adds the adapters to the layers.
    ///
    /// - Throws: ``AdapterError`` if an adapter does not match the network.
    mutating func adapt(by uses: [AdapterUse], _ part: Adapter.Part, digest: String?) throws {
        for use in uses { try use.adapter.check(part, base: digest) }
        var missing = uses.map { Set($0.adapter.matrices.keys) }, names: [String] = []
        try changeProjections { layer, projection in
            let name = part.scope + layer
            names.append(name)
            for (index, use) in uses.enumerated() {
                guard let matrices = use.adapter.matrices[name] else { continue }
                missing[index].remove(name)
                try matrices.check(against: projection.weight, layer: name, of: use.adapter)
                projection.changes.append(
                    Adapter.Matrices(
                        a: try matrices.a.to(projection.weight.device), b: try matrices.b.to(projection.weight.device),
                        scale: matrices.scale * use.weight))
            }
        }
        for (use, missing) in zip(uses, missing) where !missing.isEmpty {
            throw AdapterError.unknownLayers(adapter: use.adapter.name, layers: missing.sorted(), known: names)
        }
    }

    /// The changed weights, with the names and shapes of a checkpoint.
    func mergedWeights(_ part: Adapter.Part) throws -> [String: Tensor] {
        var network = self, merged: [String: Tensor] = [:]
        try network.changeProjections { layer, projection in
            guard !projection.changes.isEmpty else { return }
            merged["\(part.scope)\(layer).weight"] = try projection.mergedWeight()
        }
        return merged
    }
}

extension T3 {
    /// The same network with adapters; the weights are shared.
    ///
    /// - Parameters:
    ///   - uses: adapters of T3 with their weights; several are added together; with none the network is unchanged.
    ///   - digest: the digest of this network's weights; an adapter for other weights is refused. nil skips the comparison.
    /// - Throws: ``AdapterError`` if an adapter does not match the network.
    package func adapted(by uses: [AdapterUse], digest: String? = nil) throws -> T3 {
        guard !uses.isEmpty else { return self }
        var backbone = try adaptable
        try backbone.adapt(by: uses, .t3, digest: digest)
        var adapted = self
        adapted.backbone = backbone
        return adapted
    }

    /// The changed weights of a network with adapters, with the names and shapes of its checkpoint: the result of ``adapted(by:digest:)``, computed
    /// once instead of at each step.
    ///
    /// - Throws: `TorchError`.
    package func mergedWeights() throws -> [String: Tensor] { try (backbone as? any Adaptable)?.mergedWeights(.t3) ?? [:] }

    /// - Throws: ``AdapterError/noLayers(backbone:)``.
    var adaptable: any Backbone & Adaptable {
        get throws {
            guard let adaptable = backbone as? any Backbone & Adaptable else { throw AdapterError.noLayers(backbone: "\(type(of: backbone))") }
            return adaptable
        }
    }
}

extension TokenToMel {
    /// The same network with adapters, computed by libtorch even if this one is packed; the weights are shared.
    ///
    /// - Parameters:
    ///   - uses: adapters of the flow with their weights; several are added together; with none the network is unchanged.
    ///   - digest: the digest of this network's weights; an adapter for other weights is refused. nil skips the comparison.
    /// - Throws: ``AdapterError`` if an adapter does not match the network.
    package func adapted(by uses: [AdapterUse], digest: String? = nil) throws -> TokenToMel {
        guard !uses.isEmpty else { return self }
        var adapted = unpacked
        try adapted.adapt(by: uses, .flow, digest: digest)
        return adapted
    }

    /// The changed weights of a network with adapters, with the names and shapes of S3Gen's checkpoint.
    ///
    /// - Throws: `TorchError`.
    package func mergedWeights() throws -> [String: Tensor] { try mergedWeights(.flow) }

    /// The same network with the adapters merged into its weights, which are then not shared.
    func merged() throws -> TokenToMel {
        var merged = self
        try merged.changeProjections { _, projection in try projection.merge() }
        return merged
    }
}

extension Adapter {
    fileprivate func check(_ part: Part, base digest: String?) throws {
        guard part == self.part else { throw AdapterError.otherPart(adapter: name, part: self.part) }
        guard let base, let digest, base != digest else { return }
        throw AdapterError.otherBase(adapter: name, expected: base, baseName: baseName, found: digest)
    }
}

extension Adapter.Matrices {
    fileprivate func check(against weight: Tensor, layer: String, of adapter: Adapter) throws {
        let (outputs, inputs) = (weight.size(0), weight.size(1))
        guard a.shape == [rank, inputs] else {
            throw AdapterError.shape(adapter: adapter.name, tensor: "\(layer).lora_A", expected: "[rank, \(inputs)]", found: a.shape)
        }
        guard b.shape == [outputs, rank] else {
            throw AdapterError.shape(adapter: adapter.name, tensor: "\(layer).lora_B", expected: "[\(outputs), \(rank)]", found: b.shape)
        }
    }
}
