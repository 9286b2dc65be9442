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
        (tensors, metadata) = try readSafetensors(url)
    }

    /// The weights under upstream's names; each call starts a new record of what was used.
    public var weights: Weights { Weights(tensors: part("weights"), named: url.lastPathComponent) }
    public var inputs: [String: Tensor] { part("input") }
    public var outputs: [String: Tensor] { part("output") }

    public func input(_ name: String) throws -> Tensor { try find("input.\(name)") }
    public func output(_ name: String) throws -> Tensor { try find("output.\(name)") }

    /// The small network's sizes.
    public func config<Configuration: Decodable>(as type: Configuration.Type) throws -> Configuration {
        try JSONDecoder().decode(type, from: Data((metadata["config"] ?? "{}").utf8))
    }

    private func part(_ prefix: String) -> [String: Tensor] {
        Dictionary(uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix + ".") }.map { (String($0.key.dropFirst(prefix.count + 1)), $0.value) })
    }
    private func find(_ name: String) throws -> Tensor {
        guard let tensor = tensors[name] else { throw WeightsError.missing(source: url.lastPathComponent, tensor: name) }
        return tensor
    }
}

/// Stands in until Torch's own reader is here.
func readSafetensors(_ url: URL) throws -> ([String: Tensor], [String: String]) {
    let data = try Data(contentsOf: url)
    let length = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as! [String: [String: Any]]
    var tensors: [String: Tensor] = [:]
    var metadata: [String: String] = [:]
    for (name, entry) in header {
        if name == "__metadata__" { metadata = entry as! [String: String]; continue }
        let shape = entry["shape"] as! [Int], range = entry["data_offsets"] as! [Int]
        let bytes = Array(data[(8 + length + range[0])..<(8 + length + range[1])])
        func values<T: TensorScalar>(_: T.Type) throws -> Tensor {
            try Tensor(bytes.withUnsafeBytes { Array($0.bindMemory(to: T.self)) }, shape: shape)
        }
        switch entry["dtype"] as! String {
        case "F32": tensors[name] = try values(Float.self)
        case "F64": tensors[name] = try values(Double.self)
        case "I64": tensors[name] = try values(Int.self)
        case "I32": tensors[name] = try values(Int32.self)
        case "BOOL": tensors[name] = try values(Bool.self)
        default: fatalError("\(name): \(entry)")
        }
    }
    return (tensors, metadata)
}
