import Foundation
import Torch

/// A head of one of a transformer's layers, both counted from 0.
public struct AttentionHead: Sendable, Codable, Hashable {
    public var layer, head: Int

    public init(layer: Int, head: Int) {
        self.layer = layer
        self.head = head
    }
}

/// Keeps what some heads attend to while a request decodes: for each speech token, at the step that drew it, how much of
/// the attention each text token had.
///
/// An engine writes into the one that a sequence has (``DecodeSequence/recorder``). Not for concurrent use.
public final class AttentionRecorder {
    /// Whose attention it is.
    public let heads: [AttentionHead]
    /// The positions of the sequence that are looked at.
    public let positions: Range<Int>
    /// How many steps there were.
    public private(set) var steps = 0
    private var weights: [Float] = []
    private let room: UnsafeMutableBufferPointer<Float>

    public init(_ heads: [AttentionHead], positions: Range<Int>) {
        self.heads = heads
        self.positions = positions
        room = .allocate(capacity: heads.count * positions.count)
        room.initialize(repeating: 0)
    }

    deinit { room.deallocate() }

    /// What the heads attended to at a step, `[heads × positions]`: shares of all attention, which also goes elsewhere.
    public func weights(at step: Int) -> ArraySlice<Float> { weights[step * room.count..<(step + 1) * room.count] }

    /// Where one head's attention at the step that goes on is written, `[positions]`.
    func room(of index: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: room[index * positions.count..<(index + 1) * positions.count])
    }

    /// Computes the attention of those of its heads that are in a layer.
    ///
    /// - Parameters:
    ///   - query: the newest position's, `[heads, head]`.
    ///   - keys: of every position so far, `[heads, positions, head]`.
    func read(layer: Int, query: Tensor, keys: Tensor) throws {
        for (index, head) in heads.enumerated() where head.layer == layer {
            let (query, keys) = (try query.select(axis: 0, head.head), try keys.select(axis: 0, head.head))
            let scores = try keys.matmul(query.unsqueezed(1)).squeezed(1).to(.float32) / Double(query.size(0)).squareRoot()
            let weights = try scores.softmax(axis: 0).narrow(axis: 0, from: positions.lowerBound, count: positions.count)
            _ = room(of: index).update(from: try weights.array(of: Float.self))
        }
    }

    /// Takes what was written down elsewhere.
    ///
    /// - Parameter attention: of its heads to the first positions, `[heads, positions]`.
    func read(_ attention: Tensor) throws {
        let seen = try attention.narrow(axis: 1, from: positions.lowerBound, count: positions.count).contiguous()
        _ = room.update(from: try seen.array(of: Float.self))
    }

    /// The step is complete.
    func keep() {
        weights += room
        steps += 1
    }
}
