import Kernels
import Torch

/// This package's CPU kernels with packed weights, for sequences of equal length. A normalisation or activation before a product is part of
/// reading its input; an activation or residual after it is part of writing its output.
enum PackedArithmetic: FrameArithmetic {
    typealias Layer = PackedLayer
    typealias Activation = PackedActivation
    typealias Attention = PackedAttention
    typealias MemoryAttention = PackedMemoryAttention

    static let followsUpstream = false

    /// The number of rows of the widest activations that are computed at a time: enough for all threads, and few enough for a cache.
    private static let innerRows = 480

    static func joined(_ parts: [Tensor], in workspace: FrameWorkspace) throws -> Tensor {
        let all = try workspace.tensor([parts[0].size(0), parts[0].size(1), parts.reduce(0) { $0 + $1.size(2) }])
        var channels = 0
        for part in parts {
            try all.narrow(axis: 2, from: channels, count: part.size(2)).assign(part)
            channels += part.size(2)
        }
        return all
    }

    static func feedForward(_ x: FrameBatch, _ expand: PackedLayer, _ contract: PackedLayer) throws -> FrameBatch {
        let all = try x.rows.viewed([1, x.sequences * x.count, x.rows.size(2)]), count = all.size(1)
        let inner = try x.workspace.tensor([1, min(count, innerRows), expand.matrix.outputs])
        for start in stride(from: 0, to: count, by: innerRows) {
            let rows = try all.narrow(axis: 1, from: start, count: min(innerRows, count - start))
            let inner = try inner.narrow(axis: 1, from: 0, count: rows.size(1))
            try expand(rows, into: inner)
            try contract(inner, into: rows, residual: rows)
        }
        return x
    }

    static func grown(_ x: FrameBatch, by growth: [Int], _ layer: (Int, FrameBatch) throws -> FrameBatch) throws -> FrameBatch {
        var known = x.rows.size(2)
        let all = try x.workspace.tensor([x.sequences, x.count, growth.reduce(known, +)])
        try all.narrow(axis: 2, from: 0, count: known).assign(x.rows)
        for (index, channels) in growth.enumerated() {
            let made = try layer(index, x.with(all.narrow(axis: 2, from: 0, count: known)))
            try all.narrow(axis: 2, from: known, count: channels).assign(made.rows)
            known += channels
        }
        return x.with(all)
    }
}

extension PackedLayer: FrameLayer {
    func callAsFunction(_ x: FrameBatch, adding added: Tensor?, residual: FrameBatch?, count: Int?) throws -> FrameBatch {
        precondition(x.mask == nil && convolution.rate == 1, "sequences of equal length, and a frame for each of the results")
        let count = count ?? resultLength(of: x.count), reach = matrix.taps - 1
        let output = try x.workspace.tensor([x.sequences, count, matrix.outputs])
        if reach > 0, convolution.lead == reach, let recorder = x.recorder,
            let before = recorder.frames(before: try x.rows.narrow(axis: 1, from: x.count - reach, count: reach).clone())
        {
            try self(Tensor.cat([before, x.rows], axis: 1), into: output, adding: added, residual: residual?.rows, lead: 0)
        } else {
            try self(x.rows, into: output, adding: added, residual: residual?.rows)
        }
        return x.with(output)
    }
}

struct PackedActivation: FrameActivation {
    let wayIn: WayIn
    let team: ThreadTeam

    func callAsFunction(_ x: FrameBatch) throws -> FrameBatch {
        let output = try x.workspace.tensor(x.rows.shape)
        try wayIn(x.rows, into: output, team: team)
        return x.with(output)
    }
}

struct PackedAttention: FrameAttention {
    /// ``ExactAttention/Distances`` with packed weights.
    private struct Distances: Sendable {
        let position: PackedLayer
        let contentBias, positionBias: Tensor
    }

    private let queryKeyValue: PackedLayer
    private let attention: SelfAttention
    private let distances: Distances?

    init(_ exact: ExactAttention, _ pack: LayerPacking) throws {
        queryKeyValue = PackedLayer(
            try pack.matrix(exact.query.source, exact.key.source, exact.value.source), in: WayIn(norm: try Norm(exact.norm)))
        let frames = pack.attentionFormat
        attention = SelfAttention(heads: exact.headCount, headSize: exact.headSize, keys: frames, values: frames, team: pack.team)
        distances = try exact.distances.map {
            Distances(
                position: PackedLayer(try pack.matrix(.init($0.position))), contentBias: try $0.contentBias.contiguous(),
                positionBias: try $0.positionBias.contiguous())
        }
    }

    func callAsFunction(_ x: FrameBatch, positions: RelativePositions?) throws -> FrameBatch {
        let rows = try queryKeyValue(x).rows, output = try x.workspace.tensor([x.sequences, x.count, rows.size(2) / 3])
        var places: SelfAttention.Distances?
        if let distances, let positions {
            let made = try distances.position(FrameBatch(positions.waves, workspace: x.workspace)).rows
            places = SelfAttention.Distances(
                contentBias: distances.contentBias, distanceBias: distances.positionBias, distances: try positions.own(made),
                before: try positions.before(made))
        }
        if let recorder = x.recorder {
            try recorder.attend { before in
                .packed(try attention.keeping(rows, after: before.map(\.rows), into: output, distances: places))
            }
        } else {
            try attention(rows, into: output, distances: places)
        }
        return x.with(output)
    }
}

// MARK: packing

/// The formats in which a network's layers are packed.
struct LayerPacking {
    /// The format of the matrices of transformer blocks and of convolutions.
    let format: WeightFormat
    /// Whether convolutions of three taps or more, in float32, take Winograd's form: half the multiplications, rounding errors twice as
    /// large.
    var winograd = true
    let team: ThreadTeam

    /// The same with weights that are not quantised.
    var float32: LayerPacking { LayerPacking(format: .float32, winograd: winograd, team: team) }

    /// The format of keys and values. They are rounded to 8 bits at least, since they are activations and not weights.
    var attentionFormat: WeightFormat { format == .int4 ? .int8 : format }

    /// The weights of linear layers whose results are concatenated.
    func matrix(_ sources: PackedMatrix.Source...) throws -> PackedMatrix { try PackedMatrix(sources, format: format, team: team) }

    func callAsFunction(_ layer: ExactLayer) throws -> PackedLayer {
        let wayIn = try wayIn(layer.before), activation = wayOut(layer.after)
        switch layer.product {
        case .convolution(let convolution, let lead): return try self(convolution, in: wayIn, lead: lead, then: layer.after)
        case .centred(let convolution): return try self(convolution, in: wayIn, lead: convolution.padding, then: layer.after)
        case .transposed(let convolution):
            return try transposed(
                convolution.weight, bias: convolution.bias, stride: convolution.stride, padding: convolution.padding, in: wayIn,
                winograd: winograd && format == .float32)
        case .linear(let projection): return PackedLayer(try matrix(projection.source), in: wayIn, activation: activation)
        }
    }

    func callAsFunction(_ activation: ExactActivation) throws -> PackedActivation { PackedActivation(wayIn: try wayIn(activation), team: team) }

    func callAsFunction(_ block: TransformerBlock<ExactArithmetic>) throws -> TransformerBlock<PackedArithmetic> {
        TransformerBlock(
            attention: try PackedAttention(block.attention, self), output: try self(block.output), expand: try self(block.expand),
            contract: try self(block.contract))
    }

    private func wayIn(_ activation: ExactActivation) throws -> WayIn {
        let norm: Norm? =
            switch activation.norm {
            case nil: nil
            case .batch(let norm): try Norm(norm)
            // The scale is the norm's.
            case .layer(let norm) where activation.scale != 1:
                try Norm(weight: norm.weight * activation.scale, bias: norm.bias * activation.scale, epsilon: norm.epsilon)
            case .layer(let norm): try Norm(norm)
            }
        switch activation.function {
        case .identity: return WayIn(norm: norm)
        case .mish: return WayIn(norm: norm, activation: .mish)
        case .relu: return WayIn(norm: norm, activation: .leakyReLU(slope: 0))
        case .leakyReLU(let slope): return WayIn(norm: norm, activation: .leakyReLU(slope: slope))
        case .snake(let frequency): return WayIn(norm: norm, activation: .snake(frequency: try frequency.contiguous()))
        case .silu, .gelu: preconditionFailure("an activation before a product")
        }
    }

    private func wayOut(_ activation: ExactActivation) -> Activation {
        switch activation.function {
        case .identity: return .identity
        case .silu: return .silu
        case .gelu: return .gelu
        case .relu: return .relu
        case .mish, .leakyReLU, .snake: preconditionFailure("an activation behind a product")
        }
    }

    // MARK: convolutions

    /// - Parameter lead: how many frames before its own a result depends on.
    private func callAsFunction(_ convolution: Conv1d, in wayIn: WayIn, lead: Int, then after: ExactActivation) throws -> PackedLayer {
        var source = PackedMatrix.Source(convolution)
        if case .batch(let norm) = after.norm {
            // The normalisation is part of the weights.
            let (scale, shift) = try norm.affine(), bias = try convolution.bias.map { try $0 * scale + shift } ?? shift
            source = PackedMatrix.Source(try (convolution.weight * scale.viewed([-1, 1, 1])).contiguous(), bias: bias)
        }
        let winograd = winograd && format == .float32 && convolution.stride == 1 && convolution.weight.size(2) >= 3
        let matrix = try PackedMatrix([source], format: format, winograd: winograd, team: team)
        return PackedLayer(
            matrix, in: wayIn, convolution: .init(step: convolution.stride, lead: lead, dilation: convolution.dilation), activation: wayOut(after))
    }

    /// A transposed convolution as a convolution that computes all samples of a frame, `rate × outputs` numbers.
    ///
    /// - Parameter weight: `[inputs, outputs, kernel]`.
    func transposed(
        _ weight: Tensor, bias: Tensor?, stride rate: Int, padding: Int, in wayIn: WayIn, winograd: Bool
    ) throws -> PackedLayer {
        let (inputs, outputs, kernel) = (weight.size(0), weight.size(1), weight.size(2))
        // Sample p of frame t gets frame t − d times the kernel's element p + padding + d × rate.
        let lead = (kernel - 1 - padding) / rate, behind = (rate - 1 + padding) / rate
        let taps = lead + behind + 1, before = behind * rate - padding
        let taken = try weight.padded([before, taps * rate - kernel - before])
            .reshaped([inputs, outputs, taps, rate]).flipped([2]).permuted([3, 1, 0, 2]).reshaped([rate * outputs, inputs, taps])
        let matrix = try PackedMatrix(
            [.init(taken, bias: bias?.repeated([rate]))], format: format, winograd: winograd && taps >= 3, team: team)
        return PackedLayer(matrix, in: wayIn, convolution: .init(lead: lead, rate: rate))
    }
}
