import FileSupport
import Foundation
import Synchronization

/// A part of a checkpoint (the tensors whose names share a prefix, the scope), in which layers look up their weights by name.
///
/// ```swift
/// let attention = weights["layers"][3]["self_attn"]
/// let query = try Linear(attention["q_proj"], from: 1024, to: 1024, bias: false)
/// ```
///
/// A layer cannot exist without its weights: a tensor that is missing or has another shape causes an error that names the file, the tensor, and
/// what was expected and found. When a model is complete, ``requireAllUsed()`` refuses tensors that no layer has used. ``parameters`` are the
/// tensors that layers have used.
public struct Weights: Sendable {
    let store: WeightStore
    /// The dotted prefix of names below this scope; empty at the root.
    public private(set) var path: String
    /// Whether layers with stored statistics update them: see ``updatingStatistics``.
    public private(set) var updatesStatistics = false
    /// The type to which floating-point weights are converted; nil leaves them as they are stored.
    private var dtype: DType?

    init(store: WeightStore, path: String = "") {
        self.store = store
        self.path = path
    }

    /// Weights in memory. `named` is used in error messages in place of a file.
    public init(tensors: [String: Tensor], named name: String) {
        self.init(store: WeightStore(source: TensorsInMemory(tensors: tensors), name: name))
    }

    /// New weights, each created by its layer's `initial` rule when it is first used: for training from scratch and for random checkpoints.
    public init(initialising generator: Generator) {
        self.init(store: WeightStore(source: RandomTensors(generator: generator), name: "random weights"))
    }

    /// The scope below a name.
    public subscript(_ name: String) -> Weights {
        var scope = self
        scope.path = full(name)
        return scope
    }
    /// The scope below a position in a list.
    public subscript(_ index: Int) -> Weights { self[String(index)] }

    /// The same scope for training: a ``BatchNorm`` made from it normalises by each batch's own statistics and moves the
    /// stored ones, in place, a tenth of the way towards them.
    public var updatingStatistics: Weights {
        var scope = self
        scope.updatesStatistics = true
        return scope
    }

    /// The same scope with floating-point weights in another type. Tensors that were returned before do not change.
    public func rounded(to dtype: DType) -> Weights {
        var scope = self
        scope.dtype = dtype
        return scope
    }

    /// The name of the file in messages.
    public var source: String { store.name }

    /// The tensor of this name, which must have this shape.
    ///
    /// - Throws: ``WeightsError`` if it is missing or has another shape; errors of reading the file.
    public func tensor(_ name: String, shape: [Int], initial: Initial = .uniformFanIn) throws -> Tensor {
        try store.take(full(name), shape: shape, initial: initial, dtype: dtype)
    }

    /// The tensor of this name; nil if the checkpoint has none.
    public func tensorIfPresent(_ name: String, shape: [Int]) throws -> Tensor? {
        contains(name) ? try tensor(name, shape: shape) : nil
    }

    /// The shape of the tensor of this name, for tensors whose size determines the configuration.
    public func shape(of name: String) -> [Int]? { store.source.shape(of: full(name)) }

    /// Whether the checkpoint has this tensor.
    public func contains(_ name: String) -> Bool { store.source.shape(of: full(name)) != nil }

    /// Whether the checkpoint has any tensor in this scope.
    public var isEmpty: Bool { !store.source.names.contains { $0.hasPrefix(path.isEmpty ? "" : path + ".") } }

    /// Names tensors that the checkpoint may contain and the model does not need, such as buffers that it computes itself. A name that ends in "."
    /// means all names with this prefix.
    public func ignore(_ names: String...) { store.ignore(names.map { full($0) }) }

    /// - Throws: ``WeightsError/superfluous(source:names:)`` if the checkpoint has a tensor in this scope that was not used: it is probably a
    ///   checkpoint of another model.
    public func requireAllUsed() throws {
        let left = store.unused(below: path)
        if !left.isEmpty { throw WeightsError.superfluous(source: store.name, names: left) }
    }

    /// Releases the memory pages of mapped files that have been read. They are read from the file again when a tensor is used again; changes that
    /// were made to such tensors in place are lost.
    public func releasePages() { store.source.releasePages() }

    /// Every tensor of this scope that was returned so far, by full name.
    public var parameters: [String: Tensor] { store.handedOut(below: path) }

    /// All tensors of the checkpoint by full name, as they are stored, whether or not layers have used them.
    ///
    /// - Throws: errors of reading.
    public func stored() throws -> [String: Tensor] {
        let names = store.source.names
        return try Dictionary(uniqueKeysWithValues: names.compactMap { name in try store.source.stored(name).map { (name, $0) } })
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}

/// The source of a store's tensors.
protocol WeightSource: Sendable {
    var names: [String] { get }
    /// nil if there is no such tensor.
    func shape(of name: String) -> [Int]?
    func tensor(_ name: String, shape: [Int], initial: Initial) throws -> Tensor
    /// The tensor as it is stored, on the CPU; nil if it is not stored.
    func stored(_ name: String) throws -> Tensor?
    /// Whether `tensor` also returns tensors for names that `names` does not contain.
    var inventsTensors: Bool { get }
    /// Frees memory whose contents can be read from a file again.
    func releasePages()
}

extension WeightSource {
    var inventsTensors: Bool { false }
    func stored(_ name: String) throws -> Tensor? { nil }
    func releasePages() {}
}

/// The tensors of one checkpoint file, and the names that have been requested.
final class WeightStore: Sendable {
    let source: any WeightSource
    let name: String
    private let record = Mutex(Record())

    private struct Record {
        var taken: [String: Tensor] = [:]
        var ignored: [String] = []
    }

    init(source: any WeightSource, name: String) {
        self.source = source
        self.name = name
    }

    func take(_ name: String, shape: [Int], initial: Initial, dtype: DType? = nil) throws -> Tensor {
        if let tensor = record.withLock({ $0.taken[name] }) {
            guard tensor.shape == shape else {
                throw WeightsError.shape(source: self.name, tensor: name, expected: shape, found: tensor.shape)
            }
            return tensor
        }
        if !source.inventsTensors {
            guard let found = source.shape(of: name) else { throw WeightsError.missing(source: self.name, tensor: name) }
            guard found == shape else {
                throw WeightsError.shape(source: self.name, tensor: name, expected: shape, found: found)
            }
        }
        let stored = try source.tensor(name, shape: shape, initial: initial)
        let tensor = try dtype.flatMap { stored.dtype.isFloatingPoint ? try stored.to($0) : nil } ?? stored
        record.withLock { $0.taken[name] = tensor }
        return tensor
    }

    func ignore(_ names: [String]) { record.withLock { $0.ignored += names } }

    func unused(below path: String) -> [String] {
        let (taken, ignored) = record.withLock { (Set($0.taken.keys), $0.ignored) }
        return source.names.filter { name in
            (path.isEmpty || name == path || name.hasPrefix(path + ".")) && !taken.contains(name)
                && !ignored.contains { $0.hasSuffix(".") ? name.hasPrefix($0) : name == $0 }
        }.sorted()
    }

    func handedOut(below path: String) -> [String: Tensor] {
        record.withLock { $0.taken }.filter { path.isEmpty || $0.key == path || $0.key.hasPrefix(path + ".") }
    }
}

private struct TensorsInMemory: WeightSource {
    let tensors: [String: Tensor]
    var names: [String] { Array(tensors.keys) }
    func shape(of name: String) -> [Int]? { tensors[name]?.shape }
    func tensor(_ name: String, shape: [Int], initial: Initial) throws -> Tensor { tensors[name]! }
}

private struct RandomTensors: WeightSource {
    let generator: Generator
    let names: [String] = []
    let inventsTensors = true
    func shape(of name: String) -> [Int]? { nil }
    func tensor(_ name: String, shape: [Int], initial: Initial) throws -> Tensor { try initial.tensor(shape, generator) }
}

/// How a new weight is initialised.
public enum Initial: Sendable {
    case zeros
    case ones
    case constant(Double)
    /// Normal with this standard deviation.
    case normal(std: Double)
    /// Uniform between minus and plus this bound.
    case uniform(Double)
    /// Uniform between ±1 ÷ √(inputs of one output), PyTorch's rule for linear layers and convolutions.
    case uniformFanIn

    func tensor(_ shape: [Int], _ generator: Generator) throws -> Tensor {
        switch self {
        case .zeros: return try .zeros(shape)
        case .ones: return try .ones(shape)
        case .constant(let value): return try .full(shape, value)
        case .normal(let std): return try Tensor.randn(shape, generator: generator) * std
        case .uniform(let bound): return try Tensor.rand(shape, generator: generator) * (2 * bound) - bound
        case .uniformFanIn:
            let inputs = max(1, shape.dropFirst().reduce(1, *))
            return try Initial.uniform(1 / Double(inputs).squareRoot()).tensor(shape, generator)
        }
    }
}

/// A checkpoint that does not fit the model.
public enum WeightsError: Error, CustomStringConvertible {
    case missing(source: String, tensor: String)
    case shape(source: String, tensor: String, expected: [Int], found: [Int])
    case superfluous(source: String, names: [String])

    public var description: String {
        switch self {
        case .missing(let source, let tensor):
            "\(source): tensor \"\(tensor.shown())\" is missing; the file belongs to another model or is damaged, download it again"
        case .shape(let source, let tensor, let expected, let found):
            "\(source): tensor \"\(tensor.shown())\" should have shape \(expected), found \(found); the file belongs to another model"
        case .superfluous(let source, let names):
            "\(source): \(names.count) tensor\(names.count == 1 ? "" : "s") that this model does not know, "
                + "\"\(names[0].shown())\"\(names.count > 1 ? " first" : ""); the file belongs to another model"
        }
    }
}

extension Weights {
    /// A digest of this scope's network: it is the same for the same weights, whatever the kind of file and the scope's name.
    ///
    /// SHA-256, 64 hexadecimal digits, over the tensors that layers have used, in order of their names: the name within the scope, element type,
    /// shape and bytes, as the file stores them. Of a tensor of more than 256 bytes only four pieces of 64 bytes are read, evenly from the first byte
    /// to the last, so that half a gigabyte takes some milliseconds. Training changes all of a tensor; a change to other bytes only, for example
    /// damage, is not detected.
    ///
    /// - Throws: ``TorchError`` if a tensor cannot be copied from its device.
    public func digest() throws -> String {
        let skipped = path.isEmpty ? 0 : path.utf8.count + 1
        let named = parameters.map { (name: String(decoding: $0.key.utf8.dropFirst(skipped), as: UTF8.self), full: $0.key, tensor: $0.value) }
        var sum = MessageDigest(.sha256)
        for (name, full, tensor) in named.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }) {
            let stored = try store.source.stored(full) ?? tensor
            sum.update("\(name)\0\(stored.dtype.rawValue)\0\(stored.shape)\0".utf8)
            try stored.withBytes { bytes in
                for piece in Self.sample(of: bytes.count) { sum.update(bytes[piece]) }
            }
        }
        return sum.finishInDigits()
    }

    /// The byte ranges of a tensor that are included in its digest.
    static func sample(of count: Int) -> [Range<Int>] {
        let (pieces, length) = (4, 64)
        guard count > pieces * length else { return [0..<count] }
        return (0..<pieces).map { (count - length) * $0 / (pieces - 1) }.map { $0..<$0 + length }
    }
}
