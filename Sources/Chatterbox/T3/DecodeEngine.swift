import Kernels
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
    /// Threads that draw tokens from its logits by a kernel; nil where libtorch's operations do.
    var team: ThreadTeam? { get }

    /// Takes adjacent empty slots for a request's rows.
    func reserve(_ count: Int) throws -> Range<Int>
    /// Gives a request's slots back.
    func release(_ slots: Range<Int>)
    /// Has a recorder told what the last position of each prefill and step attends to, until the slot is released.
    func record(_ recorder: AttentionRecorder, slot: Int)

    /// Runs over embedded inputs `[slots, time, hidden]` and gives the logits `[slots, vocabulary]` after the last.
    func prefill(_ inputs: Tensor, slots: Range<Int>) throws -> Tensor
    /// Runs over one more token in each of some slots and gives their logits `[inputs, vocabulary]`.
    func step(_ inputs: [DecodeInput]) throws -> Tensor
}

extension DecodeEngine {
    public var team: ThreadTeam? { nil }
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
    let cache: KeyValueCache
    private var recorders: [Int: AttentionRecorder] = [:]

    /// - Parameters:
    ///   - slots: rows decoded at once; a request takes two, without guidance one.
    ///   - capacity: longest sequence of conditions, text and speech; keys and values of the full model take 240 KiB
    ///     for each position of each slot, touched as they are written.
    public convenience init(_ model: T3, slots: Int = 2, capacity: Int) throws {
        try self.init(model, slots: slots, capacity: capacity, zeroed: false)
    }

    /// - Parameter zeroed: whether what is not written yet may be looked at, behind a mask.
    init(_ model: T3, slots: Int, capacity: Int, zeroed: Bool) throws {
        self.model = model
        cache = try KeyValueCache(
            layers: model.backbone.layerCount, heads: model.backbone.headCount, headSize: model.backbone.headSize,
            slots: slots, capacity: capacity, dtype: model.dtype, device: model.device, zeroed: zeroed)
    }

    public var capacity: Int { cache.capacity }

    public func reserve(_ count: Int) throws -> Range<Int> { try cache.reserve(count) }

    public func release(_ slots: Range<Int>) {
        cache.release(slots)
        for slot in slots { recorders[slot] = nil }
    }

    public func record(_ recorder: AttentionRecorder, slot: Int) { recorders[slot] = recorder }

    public func prefill(_ inputs: Tensor, slots: Range<Int>) throws -> Tensor {
        let time = inputs.size(1)
        let hidden = try extend(Array(slots), by: time, with: inputs)
        return try model.speechHead(hidden.select(axis: 1, time - 1))
    }

    public func step(_ inputs: [DecodeInput]) throws -> Tensor {
        let tokens = try Tensor(inputs.map(\.token), shape: [inputs.count, 1], device: model.device)
        let embedded = try model.embedded(speech: tokens, from: inputs.map(\.position))
        return try model.speechHead(extend(inputs.map(\.slot), by: 1, with: embedded).select(axis: 1, 0))
    }

    private func extend(_ slots: [Int], by count: Int, with inputs: Tensor) throws -> Tensor {
        let hidden = try cache.extend(slots, by: count, recorders: recorders) { try model.backbone(inputs, memory: $0) }
        for slot in slots { recorders[slot]?.keep() }
        return hidden
    }
}
