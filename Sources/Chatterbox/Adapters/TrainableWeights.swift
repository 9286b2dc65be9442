import Foundation
import Torch

/// Which of a network's own weights training changes.
public struct WeightSelection: Sendable, Codable, Hashable {
    /// Regular expressions; a weight is trained if one of them matches in its name. If there are none, all weights are trained.
    public var only: [String]
    /// Regular expressions; a weight is not trained if one of them matches in its name.
    public var except: [String]
    /// The layers of T3's transformer to train, from 0; nil trains the whole transformer.
    public var layers: [Int]?

    /// The parameters are the properties; without arguments all weights.
    public init(only: [String] = [], except: [String] = [], layers: [Int]? = nil) { (self.only, self.except, self.layers) = (only, except, layers) }

    /// - Parameter names: the names of a network's weights, as in its file.
    /// - Throws: ``WeightSelectionError`` if an expression is invalid or nothing is selected.
    func callAsFunction(_ names: [String], of part: Adapter.Part) throws -> [String] {
        func expressions(_ patterns: [String]) throws -> [NSRegularExpression] {
            try patterns.map { pattern in
                do { return try NSRegularExpression(pattern: pattern) } catch { throw WeightSelectionError.expression(pattern) }
            }
        }
        func matches(_ name: String, _ expressions: [NSRegularExpression]) -> Bool {
            expressions.contains { $0.firstMatch(in: name, range: NSRange(name.startIndex..., in: name)) != nil }
        }
        let (only, except) = try (expressions(only), expressions(except))
        if part == .t3, let layers {
            let count = (names.compactMap(Self.layer).max() ?? -1) + 1, strange = layers.filter { !(0..<count).contains($0) }
            guard strange.isEmpty else { throw AdapterError.noSuchLayers(strange, count: count) }
        }
        let chosen = names.filter { name in
            (part != .t3 || layers.map { layers in Self.layer(of: name).map(layers.contains) ?? false } ?? true)
                && (only.isEmpty || matches(name, only)) && !matches(name, except)
        }
        guard !chosen.isEmpty else { throw WeightSelectionError.nothing(part, known: names.sorted()) }
        return chosen
    }

    /// The number of the transformer's layer to which a weight belongs, as in `tfmr.layers.3.mlp.up_proj.weight`.
    private static func layer(of name: String) -> Int? {
        let parts = name.split(separator: ".")
        return parts.count > 2 && parts[0] == "tfmr" && ["layers", "h"].contains(parts[1]) ? Int(parts[2]) : nil
    }
}

/// A choice of weights that cannot be trained.
public enum WeightSelectionError: Error, CustomStringConvertible, Equatable {
    case expression(String)
    case nothing(Adapter.Part, known: [String])

    public var description: String {
        switch self {
        case .expression(let pattern): "\"\(pattern.shown(limit: 200))\" is not a regular expression"
        case .nothing(let part, let known):
            "no weight of \(part == .t3 ? "T3" : "the flow") is chosen; its \(known.count) weights are called as \(known.prefix(3).joined(separator: ", "))"
        }
    }
}

extension Model {
    /// A copy of this model's T3 with separate weights, for training.
    ///
    /// - Parameter dtype: the type of all weights and of the arithmetic.
    /// - Returns: the network, and its trained weights by their names in the file.
    /// - Throws: ``WeightSelectionError``, ``AdapterError/noSuchLayers(_:count:)``; `TorchError`.
    package func trainableT3(_ selection: WeightSelection, dtype: DType = .float32) throws -> (network: T3, parameters: [String: Tensor]) {
        let (weights, chosen) = try trainable(t3Weights, selection, .t3, dtype)
        return (try T3(weights, configuration.t3), chosen)
    }

    /// A copy of this model's flow with separate weights in float32, for training.
    ///
    /// - Returns: the network, and its trained weights by their names in the file.
    /// - Throws: ``WeightSelectionError``; `TorchError`.
    package func trainableFlow(_ selection: WeightSelection) throws -> (network: TokenToMel, parameters: [String: Tensor]) {
        let (weights, chosen) = try trainable(flowWeights, selection, .flow, .float32)
        return (try TokenToMel(weights["flow"], configuration.s3Gen.flow), chosen)
    }

    private func trainable(
        _ weights: Weights, _ selection: WeightSelection, _ part: Adapter.Part, _ dtype: DType
    ) throws -> (Weights, [String: Tensor]) {
        var all = weights.parameters
        let names = all.filter { $0.value.dtype.isFloatingPoint }.map(\.key), chosen = Set(try selection(names, of: part))
        // Weights that are not trained may remain pages of a file.
        for (name, tensor) in all where tensor.dtype.isFloatingPoint {
            all[name] = chosen.contains(name) ? try tensor.to(dtype).clone() : try tensor.to(dtype)
        }
        return (Weights(tensors: all, named: weights.source), all.filter { chosen.contains($0.key) })
    }
}
