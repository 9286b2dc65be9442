import Torch

/// Frames of one or several sequences as rows, the layout of all layers of encoder and flow.
struct FrameBatch {
    /// `[sequences, frames, channels]`.
    let rows: Tensor
    /// `[sequences, frames, 1]`, false at padding; nil where all frames count, so that nothing is computed where there is nothing to
    /// hide. On the device, because a captured step reads it where it lies.
    let mask: Tensor?
    /// Where the frames follow others: what those have left.
    let recorder: FlowRecorder?
    /// What packed layers take the memory of their results from.
    let workspace: FrameWorkspace
    /// In training, where activations are computed again instead of being kept.
    let checkpoints: ActivationCheckpoints?

    init(
        _ rows: Tensor, mask: Tensor? = nil, _ recorder: FlowRecorder? = nil, workspace: FrameWorkspace = FrameWorkspace(),
        checkpoints: ActivationCheckpoints? = nil
    ) {
        (self.rows, self.mask, self.recorder, self.workspace, self.checkpoints) = (rows, mask, recorder, workspace, checkpoints)
    }

    /// The mask of sequences that have so many frames each, of `count`; nil where all have that many.
    static func mask(lengths: [Int]?, count: Int, device: Device) throws -> Tensor? {
        guard let lengths, lengths.contains(where: { $0 != count }) else { return nil }
        let ends = try Tensor(lengths, shape: [lengths.count, 1, 1], device: device)
        return try Tensor.arange(count, device: device).unsqueezed(1).less(than: ends)
    }

    var sequences: Int { rows.size(0) }
    /// Frames of a sequence, padding included.
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

    /// One of so many frames, from the first on.
    func every(_ step: Int) throws -> FrameBatch {
        guard step > 1 else { return self }
        let mask = try mask?[.all, .stride(by: step)]
        return with(try rows[.all, .stride(by: step)], mask: mask)
    }

    /// Each frame so many times.
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

    /// `[sequences, 1, 1, frames]`, true at keys that attention may see; nil for all.
    func visibleKeys() throws -> Tensor? { try mask?.transposed(1, 2).unsqueezed(1) }
}

/// Memory for the activations of a network, which its layers use in turn: the system would map and clear fresh memory page by page.
/// Not for concurrent use.
final class FrameWorkspace {
    /// By their number of elements.
    private var buffers: [Int: [Tensor]] = [:]

    /// A tensor on the CPU that holds anything, in memory that no other tensor uses any more.
    func tensor(_ shape: [Int]) throws -> Tensor {
        let count = shape.reduce(1, *)
        if let free = buffers[count]?.first(where: \.isAloneInItsMemory) { return try free.viewed(shape) }
        let fresh = try Tensor.empty([count])
        buffers[count, default: []].append(fresh)
        return try fresh.viewed(shape)
    }
}

// MARK: arithmetic

/// What computes the layers of a network: libtorch's operations (``ExactArithmetic``), differentiable and in upstream's order, or kernels
/// of our own (``PackedArithmetic``). A network is written once, for any of them.
protocol FrameArithmetic {
    associatedtype Layer: FrameLayer
    typealias Signal = Layer.Signal
    associatedtype Activation: FrameActivation
    associatedtype Attention: FrameAttention
    associatedtype MemoryAttention: FrameMemoryAttention

    /// Whether each operation is upstream's, in upstream's order. Networks that follow it are not cut where other work could run.
    static var followsUpstream: Bool { get }

    /// Channels of the same frames side by side: of each part `[sequences, frames, its channels]`.
    static func joined(_ parts: [Tensor], in workspace: FrameWorkspace) throws -> Tensor

    /// contract(expand(x)) + x, which may take the place of x.
    static func feedForward(_ x: FrameBatch, _ expand: Layer, _ contract: Layer) throws -> FrameBatch

    /// The channels of x, and behind them what each of some layers makes of all before it (densely connected layers, Huang et al. 2017).
    ///
    /// - Parameters:
    ///   - growth: channels that each layer makes.
    ///   - layer: the results of one of them.
    static func grown(_ x: FrameBatch, by growth: [Int], _ layer: (Int, FrameBatch) throws -> FrameBatch) throws -> FrameBatch
}

/// A linear layer or a convolution over frames, with what comes before and after: after((before(x) + added) * W + b) + residual.
protocol FrameLayer: Sendable {
    associatedtype Signal: FrameSignal

    /// `[sequences, frames, inputs]` → `[sequences, frames, outputs]`. A convolution sees zeros outside of a sequence, or the frames
    /// that the recorder has.
    ///
    /// - Parameters:
    ///   - added: `[sequences, inputs]`.
    ///   - residual: as many frames as come out.
    ///   - count: how many frames come out; nil is all. The others are there to be looked ahead to.
    func callAsFunction(_ x: FrameBatch, adding added: Tensor?, residual: FrameBatch?, count: Int?) throws -> FrameBatch

    /// The same of a signal.
    func callAsFunction(_ x: Signal, residual: Signal?) throws -> Signal
}

extension FrameLayer {
    func callAsFunction(_ x: FrameBatch, adding added: Tensor? = nil, residual: FrameBatch? = nil) throws -> FrameBatch {
        try self(x, adding: added, residual: residual, count: nil)
    }

    func callAsFunction(_ x: Signal) throws -> Signal { try self(x, residual: nil) }
}

/// Frames in a network that sees as many after a frame as before it, and yet may get an utterance some frames at a time: what its layers
/// make of them, all at once (``FrameBatch``) or as the frames come (``PackedSignal``).
protocol FrameSignal {
    /// With one frame more at the beginning, at which it mirrors the second of the others.
    func mirrored() throws -> Self

    /// The sum of a signal and what a layer made, which nobody else uses.
    static func + (x: Self, made: Self) throws -> Self

    /// The mean of what layers make.
    static func mean(_ count: Int, _ made: (Int) throws -> Self) throws -> Self
}

/// What comes before a layer, alone: a normalisation, an activation.
protocol FrameActivation: Sendable {
    func callAsFunction(_ x: FrameBatch) throws -> FrameBatch
}

/// Attention of frames to all of their sequence, on normalised input, without the projection behind it.
protocol FrameAttention: Sendable {
    /// `[sequences, frames, channels]` → `[sequences, frames, heads × head size]`.
    ///
    /// - Parameter positions: of the frames and of those that they follow, for attention that knows distances.
    func callAsFunction(_ x: FrameBatch, positions: RelativePositions?) throws -> FrameBatch
}

/// Attention of frames to all of their sequence, plus a memory of the frames around each: a whole sublayer, with its residual.
protocol FrameMemoryAttention: Sendable {
    /// `[sequences, frames, channels]` → the same.
    func callAsFunction(_ x: FrameBatch, rotary: RotaryPositions) throws -> FrameBatch
}

/// Attention, then a feed-forward layer, each on normalised input beside a residual.
struct TransformerBlock<A: FrameArithmetic>: Sendable {
    var attention: A.Attention
    var output, expand, contract: A.Layer

    /// `[sequences, frames, channels]` → the same.
    func callAsFunction(_ x: FrameBatch, positions: RelativePositions? = nil) throws -> FrameBatch {
        try x.checkpointed { x, _ in try A.feedForward(output(attention(x, positions: positions), residual: x), expand, contract) }
    }
}
