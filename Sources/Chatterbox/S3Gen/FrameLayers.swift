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

    init(_ rows: Tensor, mask: Tensor? = nil, _ recorder: FlowRecorder? = nil, workspace: FrameWorkspace = FrameWorkspace()) {
        (self.rows, self.mask, self.recorder, self.workspace) = (rows, mask, recorder, workspace)
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
    func with(_ rows: Tensor) -> FrameBatch { FrameBatch(rows, mask: mask, recorder, workspace: workspace) }

    /// The same frames, zero at padding.
    func silenced() throws -> FrameBatch { try mask.map { with(try rows * $0.to(rows.dtype)) } ?? self }

    /// The first frames.
    func prefix(_ count: Int) throws -> FrameBatch {
        guard count < self.count else { return self }
        let mask = try mask?.narrow(axis: 1, from: 0, count: count)
        return FrameBatch(try rows.narrow(axis: 1, from: 0, count: count), mask: mask, recorder, workspace: workspace)
    }

    /// One of so many frames, from the first on.
    func every(_ step: Int) throws -> FrameBatch {
        guard step > 1 else { return self }
        let mask = try mask?[.all, .stride(by: step)]
        return FrameBatch(try rows[.all, .stride(by: step)], mask: mask, recorder, workspace: workspace)
    }

    /// Each frame so many times.
    func repeated(_ times: Int) throws -> FrameBatch {
        let mask = try mask?.repeatInterleaved(times, axis: 1)
        return FrameBatch(try rows.repeatInterleaved(times, axis: 1), mask: mask, recorder, workspace: workspace)
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
        try A.feedForward(output(attention(x, positions: positions), residual: x), expand, contract)
    }
}

// MARK: libtorch

/// Libtorch's operations, one after another.
enum ExactArithmetic: FrameArithmetic {
    typealias Layer = ExactLayer
    typealias Activation = ExactActivation
    typealias Attention = ExactAttention
    typealias MemoryAttention = ExactMemoryAttention

    static let followsUpstream = true

    static func joined(_ parts: [Tensor], in workspace: FrameWorkspace) throws -> Tensor { try .cat(parts, axis: 2) }

    static func feedForward(_ x: FrameBatch, _ expand: ExactLayer, _ contract: ExactLayer) throws -> FrameBatch {
        try contract(expand(x), residual: x)
    }

    static func grown(_ x: FrameBatch, by growth: [Int], _ layer: (Int, FrameBatch) throws -> FrameBatch) throws -> FrameBatch {
        // In memory channel after channel, as convolutions take them.
        try growth.indices.reduce(x) { x, index in
            x.with(try Tensor.cat([x.rows.transposed(1, 2), layer(index, x).rows.transposed(1, 2)], axis: 1).transposed(1, 2))
        }
    }
}

extension FrameBatch: FrameSignal {
    func mirrored() throws -> FrameBatch { with(try rows.transposed(1, 2).padded([1, 0], mode: .reflect).transposed(1, 2)) }

    static func + (x: FrameBatch, made: FrameBatch) throws -> FrameBatch { x.with(try x.rows + made.rows) }

    static func mean(_ count: Int, _ made: (Int) throws -> FrameBatch) throws -> FrameBatch {
        let sum = try (1..<count).reduce(made(0)) { try $0 + made($1) }
        return sum.with(try sum.rows / Double(count))
    }
}

struct ExactActivation: FrameActivation {
    enum Norm: Sendable {
        case layer(LayerNorm)
        case batch(BatchNorm)
    }

    enum Function: Sendable {
        case identity, silu, gelu, relu, mish
        case leakyReLU(slope: Double)
        /// x + sin²(f x) ÷ f, with a frequency f for each channel, `[channels]` (Ziyin, Hartwig and Ueda 2020).
        case snake(frequency: Tensor)
    }

    var norm: Norm?
    /// What is normalised is multiplied by it.
    var scale = 1.0
    var function = Function.identity

    static let identity = ExactActivation(.identity)
    static let silu = ExactActivation(.silu)
    static let gelu = ExactActivation(.gelu)

    init(_ function: Function) { self.function = function }

    init(_ norm: LayerNorm, scale: Double = 1, _ function: Function = .identity) {
        (self.norm, self.scale, self.function) = (.layer(norm), scale, function)
    }

    init(_ norm: BatchNorm, _ function: Function) { (self.norm, self.function) = (.batch(norm), function) }

    func callAsFunction(_ x: FrameBatch) throws -> FrameBatch { x.with(try self(x.rows)) }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let normalised =
            switch norm {
            case nil: x
            case .layer(let norm): try norm(x)
            case .batch(let norm): try norm(x.transposed(1, 2)).transposed(1, 2)
            }
        let scaled = try scale == 1 ? normalised : normalised * scale
        return switch function {
        case .identity: scaled
        case .silu: try scaled.silu()
        case .gelu: try scaled.gelu()
        case .relu: try scaled.relu()
        case .mish: try scaled.mish()
        case .leakyReLU(let slope): try scaled.leakyReLU(slope)
        case .snake(let frequency): try scaled + (frequency + 1e-9).reciprocal() * (scaled * frequency).sin().square()
        }
    }
}

struct ExactLayer: FrameLayer {
    enum Product: Sendable {
        case linear(Projection)
        /// - Parameter lead: how many frames before its own a result sees; all but its own for a causal convolution.
        case convolution(Conv1d, lead: Int)
        /// With zeros on both sides, as many as its padding. Results stay in memory as libtorch makes them, channel after channel, which is
        /// what the next convolution takes.
        case centred(Conv1d)
        case transposed(ConvTranspose1d)
    }

    let before: ExactActivation
    private(set) var product: Product
    let after: ExactActivation

    init(_ projection: Projection, in before: ExactActivation = .identity, then after: ExactActivation = .identity) {
        (self.before, product, self.after) = (before, .linear(projection), after)
    }

    /// A convolution over a frame and those before it; with a `lead` of 0 over those after it.
    init(_ convolution: Conv1d, in before: ExactActivation = .identity, lead: Int? = nil) {
        (self.before, product, after) = (before, .convolution(convolution, lead: lead ?? convolution.weight.size(2) - 1), .identity)
    }

    /// A convolution over frames on both sides of a result.
    init(centred convolution: Conv1d, in before: ExactActivation = .identity, then after: ExactActivation = .identity) {
        (self.before, product, self.after) = (before, .centred(convolution), after)
    }

    init(_ convolution: ConvTranspose1d, in before: ExactActivation = .identity) {
        (self.before, product, after) = (before, .transposed(convolution), .identity)
    }

    func callAsFunction(_ x: FrameBatch, residual: FrameBatch?) throws -> FrameBatch { try self(x, adding: nil, residual: residual, count: nil) }

    func callAsFunction(_ x: FrameBatch, adding added: Tensor?, residual: FrameBatch?, count: Int?) throws -> FrameBatch {
        var rows = try before(x.rows), frames = try x.prefix(count ?? x.count)
        if let added { rows = try rows + added.unsqueezed(1) }
        switch product {
        case .linear(let projection): rows = try projection(rows)
        case .convolution(let convolution, let lead):
            rows = try convolved(x.with(rows).silenced(), convolution, lead: lead, count: count ?? x.count)
        case .centred(let convolution):
            rows = try convolution(x.with(rows).silenced().rows.transposed(1, 2)).transposed(1, 2)
            frames = try x.every(convolution.stride)
        case .transposed(let convolution):
            precondition(x.mask == nil, "sequences of equal length")
            rows = try convolution(rows.transposed(1, 2)).transposed(1, 2)
        }
        rows = try after(rows)
        if let residual { rows = try rows + residual.rows }
        return frames.with(rows)
    }

    private func convolved(_ x: FrameBatch, _ convolution: Conv1d, lead: Int, count: Int) throws -> Tensor {
        let taps = convolution.weight.size(2), behind = count + taps - 1 - lead - x.count
        let columns =
            if lead > 0, let recorder = x.recorder {
                try recorder.led(x.rows, taps: taps).transposed(1, 2)
            } else {
                try lead + behind > 0 ? x.rows.transposed(1, 2).padded([lead, behind]) : x.rows.transposed(1, 2)
            }
        return try convolution(columns).transposed(1, 2).contiguous()
    }

    /// - Precondition: it is a linear layer.
    mutating func changeProjection(_ name: String, _ change: (String, inout Projection) throws -> Void) rethrows {
        guard case .linear(var projection) = product else { preconditionFailure("a linear layer") }
        try change(name, &projection)
        product = .linear(projection)
    }
}

struct ExactAttention: FrameAttention {
    /// A learned preference for distances, in Transformer-XL's form (Dai et al. 2019, 3.3).
    struct Distances: Sendable {
        let position: Linear
        /// `[heads, head size]` each.
        let contentBias, positionBias: Tensor
    }

    let norm: LayerNorm
    var query, key, value: Projection
    let distances: Distances?
    let headCount, headSize: Int

    func callAsFunction(_ x: FrameBatch, positions: RelativePositions?) throws -> FrameBatch {
        let normalised = try norm(x.rows)
        let attended =
            if let distances, let positions {
                try self.attended(normalised, of: x, distances, positions)
            } else {
                try self.attended(normalised, of: x)
            }
        return x.with(try attended.transposed(1, 2).reshaped([x.sequences, x.count, headCount * headSize]))
    }

    private func attended(_ x: Tensor, of frames: FrameBatch) throws -> Tensor {
        var (keys, values) = (try split(key(x)).transposed(1, 2), try split(value(x)).transposed(1, 2))
        try frames.recorder?.attend { before in
            let own = FlowTape.Keys.tensors(key: keys, value: values)
            (keys, values) = try FlowTape.Keys.joined(before + [own])
            return own
        }
        return try split(query(x)).transposed(1, 2).attention(key: keys, value: values, mask: frames.visibleKeys())
    }

    /// Source: `RelPositionMultiHeadedAttention` in `models/s3gen/transformer/attention.py`.
    private func attended(_ x: Tensor, of frames: FrameBatch, _ distances: Distances, _ positions: RelativePositions) throws -> Tensor {
        let queries = try split(query(x)), count = frames.count
        var (keys, values) = (try split(key(x)).transposed(1, 2), try split(value(x)).transposed(1, 2))
        let rows = try distances.position(positions.waves)
        let perDistance = try (queries + distances.positionBias).transposed(1, 2)
        func byKey(_ rows: Tensor) throws -> Tensor {
            try alignedToKeys(perDistance.matmul(split(rows).transposed(1, 2).transposed(-2, -1)), keys: rows.size(1) + 1 - count)
        }
        var distance = try byKey(positions.own(rows))
        try frames.recorder?.attend { before in
            let own = FlowTape.Keys.tensors(key: keys, value: values)
            (keys, values) = try FlowTape.Keys.joined(before + [own])
            distance = try Tensor.cat(positions.before(rows).map(byKey) + [distance], axis: 3)
            return own
        }
        let content = try (queries + distances.contentBias).transposed(1, 2).matmul(keys.transposed(-2, -1))
        var scores = try (content + distance) / Double(headSize).squareRoot()
        if let visible = try frames.visibleKeys() { scores = try scores.maskedFill(visible.logicalNot(), -.infinity) }
        return try scores.softmax(axis: -1).matmul(values)
    }

    private func split(_ x: Tensor) throws -> Tensor { try x.reshaped([x.size(0), x.size(1), headCount, headSize]) }

    /// Scores by distance, `[batch, heads, frames, frames + keys − 1]`, → by key, `[batch, heads, frames, keys]`: row `i`
    /// starts at column `frames − 1 − i`, so laid end to end the rows start evenly, and a view does it.
    private func alignedToKeys(_ scores: Tensor, keys: Int) throws -> Tensor {
        let (batch, frames) = (scores.size(0), scores.size(2))
        guard frames > 1 else { return scores }
        let stride = frames + keys - 2
        return try scores.reshaped([batch, headCount, frames * (stride + 1)])
            .narrow(axis: 2, from: frames - 1, count: frames * stride)
            .viewed([batch, headCount, frames, stride])
            .narrow(axis: 3, from: 0, count: keys)
    }
}
