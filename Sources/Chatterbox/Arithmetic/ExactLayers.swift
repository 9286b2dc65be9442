import Torch

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
        // Stored channel after channel in memory, as convolutions expect it.
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
    /// The scale of the normalised values.
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
        /// - Parameter lead: how many frames before its own a result depends on; the kernel's length less one for a causal convolution.
        case convolution(Conv1d, lead: Int)
        /// Pads both sides with zeros. Results keep libtorch's memory layout, channel after channel, which is
        /// what the next convolution expects.
        case centred(Conv1d)
        case transposed(ConvTranspose1d)
    }

    let before: ExactActivation
    private(set) var product: Product
    let after: ExactActivation

    init(_ projection: Projection, in before: ExactActivation = .identity, then after: ExactActivation = .identity) {
        (self.before, product, self.after) = (before, .linear(projection), after)
    }

    /// A convolution over a frame and the frames before it, or with a `lead` of 0 the frames after it.
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
    /// Learned biases for relative positions, in Transformer-XL's form (Dai et al. 2019, 3.3).
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
    /// starts at column `frames − 1 − i`. In memory the starts of the rows have equal distances, so a view is enough.
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
