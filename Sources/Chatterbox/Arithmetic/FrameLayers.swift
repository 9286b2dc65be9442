import Torch

/// Frames of one or several sequences as rows, the layout of all layers of encoder and flow.
struct FrameBatch {
    /// `[sequences, frames, channels]`.
    let rows: Tensor
    /// `[sequences, frames, 1]`, false at padding; nil if there is no padding, which saves the masking.
    /// On the device, because a captured step reads it there.
    let mask: Tensor?
    /// The state that preceding frames have left, if these frames follow others.
    let recorder: FlowRecorder?
    /// Memory for the results of packed layers.
    let workspace: FrameWorkspace
    /// In training, where activations are computed again instead of being kept.
    let checkpoints: ActivationCheckpoints?

    init(
        _ rows: Tensor, mask: Tensor? = nil, _ recorder: FlowRecorder? = nil, workspace: FrameWorkspace = FrameWorkspace(),
        checkpoints: ActivationCheckpoints? = nil
    ) {
        (self.rows, self.mask, self.recorder, self.workspace, self.checkpoints) = (rows, mask, recorder, workspace, checkpoints)
    }

    /// The mask of sequences of the given lengths, padded to `count` frames; nil if all have that many.
    static func mask(lengths: [Int]?, count: Int, device: Device) throws -> Tensor? {
        guard let lengths, lengths.contains(where: { $0 != count }) else { return nil }
        let ends = try Tensor(lengths, shape: [lengths.count, 1, 1], device: device)
        return try Tensor.arange(count, device: device).unsqueezed(1).less(than: ends)
    }

    var sequences: Int { rows.size(0) }
    /// The number of frames of a sequence, including padding.
    var count: Int { rows.size(1) }

    /// The same frames with other channels.
    func with(_ rows: Tensor) -> FrameBatch { with(rows, mask: mask) }

    private func with(_ rows: Tensor, mask: Tensor?) -> FrameBatch {
        FrameBatch(rows, mask: mask, recorder, workspace: workspace, checkpoints: checkpoints)
    }

    /// The same frames, zero at padding.
    func silenced() throws -> FrameBatch { try mask.map { with(try rows * $0.to(rows.dtype)) } ?? self }

    /// The first frames.
    func prefix(_ count: Int) throws -> FrameBatch {
        guard count < self.count else { return self }
        let mask = try mask?.narrow(axis: 1, from: 0, count: count)
        return with(try rows.narrow(axis: 1, from: 0, count: count), mask: mask)
    }

    /// Every n-th frame, beginning with the first.
    func every(_ step: Int) throws -> FrameBatch {
        guard step > 1 else { return self }
        let mask = try mask?[.all, .stride(by: step)]
        return with(try rows[.all, .stride(by: step)], mask: mask)
    }

    /// Each frame repeated n times.
    func repeated(_ times: Int) throws -> FrameBatch {
        let mask = try mask?.repeatInterleaved(times, axis: 1)
        return with(try rows.repeatInterleaved(times, axis: 1), mask: mask)
    }

    /// What `body` makes of these frames and of other tensors: as many frames. It is computed again in the backward pass where there are
    /// ``checkpoints``.
    func checkpointed(_ others: [Tensor] = [], _ body: @escaping (FrameBatch, [Tensor]) throws -> FrameBatch) throws -> FrameBatch {
        guard let checkpoints else { return try body(self, others) }
        return with(try checkpoints.segment([rows] + others) { try [body(with($0[0]), Array($0.dropFirst())).rows] }[0])
    }

    /// `[sequences, 1, 1, frames]`, true at keys that attention may use; nil for all.
    func visibleKeys() throws -> Tensor? { try mask?.transposed(1, 2).unsqueezed(1) }
}

/// Memory for the activations of a network, which its layers reuse: the system would map and clear new memory page by page.
/// Not for concurrent use.
final class FrameWorkspace {
    /// Tensors by their number of elements.
    private var buffers: [Int: [Tensor]] = [:]

    /// An uninitialised tensor on the CPU, in memory that no other tensor uses any more.
    func tensor(_ shape: [Int]) throws -> Tensor {
        let count = shape.reduce(1, *)
        if let free = buffers[count]?.first(where: \.isAloneInItsMemory) { return try free.viewed(shape) }
        let fresh = try Tensor.empty([count])
        buffers[count, default: []].append(fresh)
        return try fresh.viewed(shape)
    }
}

// MARK: arithmetic

/// The operations of a network's layers: libtorch's (``ExactArithmetic``), differentiable and in upstream's order, or kernels
/// of this package (``PackedArithmetic``). A network is written once, for both.
protocol FrameArithmetic {
    associatedtype Layer: FrameLayer
    typealias Signal = Layer.Signal
    associatedtype Activation: FrameActivation
    associatedtype Attention: FrameAttention
    associatedtype MemoryAttention: FrameMemoryAttention

    /// Whether each operation is upstream's, in upstream's order. Such networks are not interrupted for other work.
    static var followsUpstream: Bool { get }

    /// Concatenates the channels of the same frames: each part is `[sequences, frames, its channels]`.
    static func joined(_ parts: [Tensor], in workspace: FrameWorkspace) throws -> Tensor

    /// contract(expand(x)) + x, which may overwrite x.
    static func feedForward(_ x: FrameBatch, _ expand: Layer, _ contract: Layer) throws -> FrameBatch

    /// The channels of x, followed by those of each layer, which gets all channels before it (densely connected layers, Huang et al. 2017).
    ///
    /// - Parameters:
    ///   - growth: channels that each layer adds.
    ///   - layer: computes the results of one layer.
    static func grown(_ x: FrameBatch, by growth: [Int], _ layer: (Int, FrameBatch) throws -> FrameBatch) throws -> FrameBatch
}

/// A linear layer or a convolution over frames, with normalisation, activation and residual: after((before(x) + added) * W + b) + residual.
protocol FrameLayer: Sendable {
    associatedtype Signal: FrameSignal

    /// `[sequences, frames, inputs]` → `[sequences, frames, outputs]`. Outside of a sequence a convolution gets zeros, or the frames
    /// of the recorder.
    ///
    /// - Parameters:
    ///   - added: `[sequences, inputs]`.
    ///   - residual: has as many frames as the result.
    ///   - count: the number of frames of the result; nil is all. The remaining input frames are only lookahead.
    func callAsFunction(_ x: FrameBatch, adding added: Tensor?, residual: FrameBatch?, count: Int?) throws -> FrameBatch

    /// The same for a signal.
    func callAsFunction(_ x: Signal, residual: Signal?) throws -> Signal
}

extension FrameLayer {
    func callAsFunction(_ x: FrameBatch, adding added: Tensor? = nil, residual: FrameBatch? = nil) throws -> FrameBatch {
        try self(x, adding: added, residual: residual, count: nil)
    }

    func callAsFunction(_ x: Signal) throws -> Signal { try self(x, residual: nil) }
}

/// The frames of an utterance in a network that needs context before and after each frame: its layers compute either
/// all frames at once (``FrameBatch``) or some frames at a time (``PackedSignal``).
protocol FrameSignal {
    /// With one more frame at the beginning, a copy of the second frame (reflection padding).
    func mirrored() throws -> Self

    /// The sum of a signal and the results of a layer, which nothing else uses.
    static func + (x: Self, made: Self) throws -> Self

    /// The mean of the layers' results.
    static func mean(_ count: Int, _ made: (Int) throws -> Self) throws -> Self
}

/// Only what precedes a layer: a normalisation, an activation.
protocol FrameActivation: Sendable {
    func callAsFunction(_ x: FrameBatch) throws -> FrameBatch
}

/// Attention of frames to their whole sequence, on normalised input, without the output projection.
protocol FrameAttention: Sendable {
    /// `[sequences, frames, channels]` → `[sequences, frames, heads × head size]`.
    ///
    /// - Parameter positions: of these frames and the preceding ones, for attention with relative positions.
    func callAsFunction(_ x: FrameBatch, positions: RelativePositions?) throws -> FrameBatch
}

/// Attention of frames to their whole sequence, plus a memory block over the neighbouring frames: a complete sublayer with its residual.
protocol FrameMemoryAttention: Sendable {
    /// `[sequences, frames, channels]` → the same.
    func callAsFunction(_ x: FrameBatch, rotary: RotaryPositions) throws -> FrameBatch
}

/// Attention, then a feed-forward layer, each on normalised input and with a residual.
struct TransformerBlock<A: FrameArithmetic>: Sendable {
    var attention: A.Attention
    var output, expand, contract: A.Layer

    /// `[sequences, frames, channels]` → the same.
    func callAsFunction(_ x: FrameBatch, positions: RelativePositions? = nil) throws -> FrameBatch {
        try x.checkpointed { x, _ in try A.feedForward(output(attention(x, positions: positions), residual: x), expand, contract) }
    }
}
