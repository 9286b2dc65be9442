import Torch

/// The layers and the rank of an adapter to be trained.
public struct AdapterPlan: Sendable, Codable, Hashable {
    /// Rows of A and columns of B.
    public var rank = 16
    /// The adapter's output is multiplied by alpha ÷ rank.
    public var alpha = 32.0
    /// The transformer's layers, from 0; nil for all.
    public var layers: [Int]?
    /// Which of a layer's linear maps are trained: `attention`, `feed-forward`, or names in the checkpoint such as `q_proj` or `mlp.c_fc`; empty for
    /// all.
    public var modules: [String] = []

    /// The parameters are the properties.
    public init(rank: Int = 16, alpha: Double = 32, layers: [Int]? = nil, modules: [String] = []) {
        (self.rank, self.alpha, self.layers, self.modules) = (rank, alpha, layers, modules)
    }
}

extension T3 {
    /// An untrained adapter without effect: A is drawn uniformly between ±1 ÷ √inputs, as in PEFT, and B is zero.
    ///
    /// - Parameters:
    ///   - plan: rank, from 1 to 1024, scale, layers and modules of the adapter.
    ///   - seed: the seed of A's numbers.
    ///   - digest: the digest of this network's weights.
    ///   - model: the name of the base.
    /// - Throws: ``AdapterError`` for layers and modules that the network does not have.
    package func freshAdapter(_ plan: AdapterPlan, seed: UInt64, digest: String, model: String) throws -> Adapter {
        try adaptable.freshAdapter(plan, of: .t3, seed: seed, digest: digest, model: model)
    }
}

extension TokenToMel {
    /// An untrained adapter without effect, as for T3; the flow has no numbered layers to choose from.
    ///
    /// - Throws: ``AdapterError`` for modules that the network does not have.
    package func freshAdapter(_ plan: AdapterPlan, seed: UInt64, digest: String, model: String) throws -> Adapter {
        try freshAdapter(plan, of: .flow, seed: seed, digest: digest, model: model)
    }
}

extension Adaptable {
    fileprivate func freshAdapter(_ plan: AdapterPlan, of part: Adapter.Part, seed: UInt64, digest: String, model: String) throws -> Adapter {
        guard (1...1024).contains(plan.rank) else { throw AdapterError.rank(plan.rank) }
        var network = self, shapes: [(layer: String, weight: Tensor)] = []
        network.changeProjections { shapes.append(($0, $1.weight)) }
        let layers = shapes.compactMap { Self.number(of: $0.layer) }
        if part == .t3, let wanted = plan.layers, let count = layers.max().map({ $0 + 1 }) {
            let strange = wanted.filter { !(0..<count).contains($0) }
            guard strange.isEmpty else { throw AdapterError.noSuchLayers(strange, count: count) }
        }
        let strange = plan.modules.filter { module in !shapes.contains { Self.isMeant($0.layer, by: module) } }
        guard strange.isEmpty else {
            var known: [String] = []
            for (layer, _) in shapes where !known.contains(Self.kind(of: layer)) { known.append(Self.kind(of: layer)) }
            throw AdapterError.noSuchModules(strange, known: known)
        }
        let chosen = shapes.filter { layer, _ in
            (part != .t3 || plan.layers.map { layers in Self.number(of: layer).map(layers.contains) ?? false } ?? true)
                && (plan.modules.isEmpty || plan.modules.contains { Self.isMeant(layer, by: $0) })
        }
        let generator = try Generator(seed: seed)
        var matrices: [String: Adapter.Matrices] = [:]
        for (layer, weight) in chosen.sorted(by: { $0.layer < $1.layer }) {
            let (outputs, inputs) = (weight.size(0), weight.size(1)), bound = 1 / Double(inputs).squareRoot()
            let a = try Tensor.rand([plan.rank, inputs], generator: generator) * (2 * bound) - bound
            matrices[part.scope + layer] = Adapter.Matrices(
                a: try a.to(weight.device), b: try .zeros([outputs, plan.rank], device: weight.device), scale: plan.alpha / Double(plan.rank))
        }
        return Adapter(matrices, of: part, base: digest, baseName: model, name: "new adapter")
    }

    /// The layer's number, as in `layers.3.mlp.up_proj`.
    private static func number(of layer: String) -> Int? { layer.split(separator: ".").lazy.compactMap { Int($0) }.first }

    /// A layer's name after its number: `mlp.up_proj`.
    private static func kind(of layer: String) -> String {
        let parts = layer.split(separator: "."), last = parts.dropLast().lastIndex { Int($0) != nil && $0 != parts.last }
        return last.map { parts[($0 + 1)...].joined(separator: ".") } ?? layer
    }

    private static func isMeant(_ layer: String, by module: String) -> Bool {
        let parts = layer.split(separator: ".")
        switch module {
        case "attention": return parts.contains { ["self_attn", "attn", "attn1"].contains($0) }
        case "feed-forward": return parts.contains { ["mlp", "ff", "feed_forward"].contains($0) }
        default: return layer == module || layer.hasSuffix(".\(module)")
        }
    }
}
