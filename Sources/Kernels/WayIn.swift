import CKernels
import Torch

/// What happens to rows of activations before a product: normalisation, activation, and then an addition.
public struct WayIn: Sendable {
    /// An activation on the way in.
    public enum Activation: Sendable {
        case identity
        /// x tanh(ln(1 + eˣ)), Misra 2019.
        case mish
        case leakyReLU(slope: Double)
        /// x + sin²(f x) ÷ f, with a frequency f for each input (Ziyin, Hartwig and Ueda 2020); float32, contiguous.
        case snake(frequency: Tensor)
    }

    let norm: Norm?
    let activation: Activation

    public init(norm: Norm? = nil, activation: Activation = .identity) {
        self.norm = norm
        self.activation = activation
    }

    /// Rows without changes.
    public static let plain = WayIn()

    /// The description for C; valid as long as this value and `added` exist.
    func inC(adding added: Tensor?) throws -> ck_way_in {
        var way = ck_way_in()
        if let norm {
            way.norm_weight = UnsafePointer(try norm.weight.storage(of: Float.self).start)
            way.norm_bias = try norm.bias.map { UnsafePointer(try $0.storage(of: Float.self).start) }
            way.norm_epsilon = Float(norm.epsilon)
            way.norm_is_affine = norm.isAffine
        }
        switch activation {
        case .identity: way.activation = ck_activation(CK_IDENTITY)
        case .mish: way.activation = ck_activation(CK_MISH)
        case .leakyReLU(let slope):
            way.activation = ck_activation(CK_LEAKY_RELU)
            way.slope = Float(slope)
        case .snake(let frequency):
            way.activation = ck_activation(CK_SNAKE)
            way.frequency = UnsafePointer(try frequency.storage(of: Float.self).start)
        }
        way.added = try added.map { UnsafePointer(try $0.storage(of: Float.self).start) }
        return way
    }

    /// Applies the operations to rows `[sequences, length, width]` without a product: the result, plus `residual`, is written to `output`, which may
    /// be either of them.
    ///
    /// - Parameters:
    ///   - x: the rows.
    ///   - output: `[sequences, length, width]`.
    ///   - added: `[sequences, width]`, contiguous.
    ///   - residual: `[sequences, length, width]`; nil for none.
    ///   - team: threads that compute.
    public func callAsFunction(_ x: Tensor, into output: Tensor, adding added: Tensor? = nil, residual: Tensor? = nil, team: ThreadTeam) throws {
        let (from, to) = (try Rows(x), try Rows(output))
        let rest = try residual.map { try Rows($0) }
        precondition(from.shape == to.shape && rest?.shape ?? to.shape == to.shape, "rows of one shape")
        var rows = ck_rows_in()
        (rows.input, rows.input_stride) = (UnsafePointer(from.start), from.stride)
        (rows.sequences, rows.length, rows.width) = (from.sequences, from.length, from.width)
        rows.in = try inC(adding: added)
        (rows.residual, rows.residual_stride) = (rest.map { UnsafePointer($0.start) }, rest?.stride ?? 0)
        (rows.output, rows.output_stride) = (to.start, to.stride)
        withExtendedLifetime((self, x, output, added, residual)) { ck_rows_in_run(team.handle, &rows) }
    }
}

/// Rows of float32 numbers in a tensor `[sequences, length, width]`, or in some columns of a wider one.
struct Rows {
    let start: UnsafeMutablePointer<Float>
    let sequences, length, width, stride: Int

    /// - Throws: ``KernelError/shape(_:expected:found:)`` if the tensor's rows are not evenly spaced.
    init(_ tensor: Tensor) throws {
        let (start, strides) = try tensor.storage(of: Float.self)
        let shape = tensor.shape
        guard shape.count == 3, strides[2] == 1 || shape[2] == 1, shape[0] == 1 || strides[0] == shape[1] * strides[1] else {
            throw KernelError.shape("rows", expected: "[sequences, length, width], evenly spaced", found: shape)
        }
        self.start = start
        (sequences, length, width) = (shape[0], shape[1], shape[2])
        stride = strides[1]
    }

    var shape: [Int] { [sequences, length, width] }
}

/// A normalisation over a row: LayerNorm (Ba et al. 2016), or without a bias RMSNorm (Zhang and Sennrich 2019); or one whose
/// statistics are known beforehand, a scale and a shift for each number (BatchNorm, Ioffe and Szegedy 2015).
public struct Norm: Sendable {
    let weight: Tensor
    let bias: Tensor?
    let epsilon: Double
    var isAffine = false

    /// - Throws: `TorchError` for a weight that is not float32 on the CPU.
    public init(weight: Tensor, bias: Tensor? = nil, epsilon: Double) throws {
        self.weight = try weight.contiguous()
        self.bias = try bias?.contiguous()
        self.epsilon = epsilon
        _ = try self.weight.storage(of: Float.self)
        _ = try self.bias?.storage(of: Float.self)
    }

    public init(_ norm: LayerNorm) throws { try self.init(weight: norm.weight, bias: norm.bias, epsilon: norm.epsilon) }
    public init(_ norm: BatchNorm) throws {
        let (scale, shift) = try norm.affine()
        try self.init(weight: scale, bias: shift, epsilon: 0)
        isAffine = true
    }
    public init(_ norm: RMSNorm) throws { try self.init(weight: norm.weight, epsilon: norm.epsilon) }
}
