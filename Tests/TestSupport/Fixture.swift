import Foundation
import Torch

/// Where the tests' data lies.
public let fixturesFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")

/// What upstream computed with a small network, as Reference/fixtures wrote it.
public struct Fixture {
    public let url: URL
    private let tensors: [String: Tensor]
    private let metadata: [String: String]

    public init(_ name: String) throws {
        url = fixturesFolder.appending(path: "\(name).safetensors")
        let file = try SafetensorsFile(url)
        tensors = try file.tensors()
        metadata = file.metadata
    }

    /// The weights under upstream's names; each call starts a new record of what was used.
    public var weights: Weights { Weights(tensors: part("weights"), named: url.lastPathComponent) }
    /// The weights of one scope, by full name.
    public func weightTensors(below scope: String) -> [String: Tensor] { part("weights").filter { $0.key.hasPrefix(scope + ".") } }
    public var inputs: [String: Tensor] { part("input") }
    public var outputs: [String: Tensor] { part("output") }

    public func input(_ name: String) throws -> Tensor { try find("input.\(name)") }
    public func output(_ name: String) throws -> Tensor { try find("output.\(name)") }

    /// The small network's sizes.
    public func config<Configuration: Decodable>(as type: Configuration.Type) throws -> Configuration {
        try JSONDecoder().decode(type, from: Data((metadata["config"] ?? "{}").utf8))
    }

    private func part(_ prefix: String) -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix + ".") }.map { (String($0.key.dropFirst(prefix.count + 1)), $0.value) })
    }
    private func find(_ name: String) throws -> Tensor {
        guard let tensor = tensors[name] else { throw WeightsError.missing(source: url.lastPathComponent, tensor: name) }
        return tensor
    }
}
