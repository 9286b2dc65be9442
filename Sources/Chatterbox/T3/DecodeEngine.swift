import Torch

/// Computes the logits of next tokens for sequences whose past it keeps in slots.
///
/// This is where another way to run the same network takes over from plain tensor operations: captured graphs, fused or
/// quantised kernels. A step serves many requests at once. Not for concurrent use.
public protocol DecodeEngine: AnyObject {
    /// The network that the engine runs.
    var model: T3 { get }
    /// Longest sequence a slot can hold.
    var capacity: Int { get }

    /// Takes adjacent empty slots for a request's rows.
    func reserve(_ count: Int) throws -> Range<Int>
    /// Gives a request's slots back.
    func release(_ slots: Range<Int>)

    /// Runs over embedded inputs `[slots, time, hidden]` and gives the logits `[slots, vocabulary]` after the last.
    func prefill(_ inputs: Tensor, slots: Range<Int>) throws -> Tensor
    /// Runs over one more token in each of some slots and gives their logits `[inputs, vocabulary]`.
    func step(_ inputs: [DecodeInput]) throws -> Tensor
}

/// A token that continues the sequence in a slot.
public struct DecodeInput: Sendable, Hashable {
    public let slot: Int
    public let token: Int
    /// Its position in the speech: generated token *i* has *i* + 1.
    public let position: Int

    public init(slot: Int, token: Int, position: Int) {
        self.slot = slot
        self.token = token
        self.position = position
    }
}

/// Decodes with the same tensor operations as `T3.logits`, over a preallocated cache.
public final class TensorDecodeEngine: DecodeEngine {
    public let model: T3
    private let cache: KeyValueCache

    /// - Parameters:
    ///   - slots: rows decoded at once; a request takes two, without guidance one.
    ///   - capacity: longest sequence of conditions, text and speech; keys and values of the full model take 240 KiB
    ///     for each position of each slot, touched as they are written.
    public init(_ model: T3, slots: Int = 2, capacity: Int) throws {
        self.model = model
        cache = try KeyValueCache(
            layers: model.backbone.layerCount, heads: model.backbone.headCount, headSize: model.backbone.headSize,
            slots: slots, capacity: capacity, dtype: model.dtype, device: model.device)
    }

    public var capacity: Int { cache.capacity }

    public func reserve(_ count: Int) throws -> Range<Int> { try cache.reserve(count) }

    public func release(_ slots: Range<Int>) { cache.release(slots) }

    public func prefill(_ inputs: Tensor, slots: Range<Int>) throws -> Tensor {
        let time = inputs.size(1)
        let hidden = try cache.extend(Array(slots), by: time) { try model.backbone(inputs, memory: $0) }
        return try model.speechHead(hidden.select(axis: 1, time - 1))
    }

    public func step(_ inputs: [DecodeInput]) throws -> Tensor {
        let tokens = try Tensor(inputs.map(\.token), shape: [inputs.count, 1], device: model.device)
        let embedded = try model.embedded(speech: tokens, from: inputs.map(\.position))
        let hidden = try cache.extend(inputs.map(\.slot), by: 1) { try model.backbone(embedded, memory: $0) }
        return try model.speechHead(hidden.select(axis: 1, 0))
    }
}
