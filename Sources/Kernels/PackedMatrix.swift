import CKernels
import Torch

/// How packed weights are stored.
public enum WeightFormat: String, Sendable, Codable, CaseIterable {
    /// 32 bits.
    case float32
    /// 8 bits, with a scale for every 64 weights of an output; activations are rounded to 8 bits during the product.
    case int8
    /// 4 bits, with a scale for every 32 weights of an output; activations are rounded to 8 bits during the product.
    case int4

    var code: ck_format {
        switch self {
        case .float32: ck_format(CK_FLOAT32)
        case .int8: ck_format(CK_INT8)
        case .int4: ck_format(CK_INT4)
        }
    }

    /// The size of weights with their scales in bytes.
    public func byteCount(weights: Int) -> Int {
        switch self {
        case .float32: weights * 4
        case .int8: weights + weights / 64 * 2
        case .int4: weights / 2 + weights / 32 * 2
        }
    }
}

/// The function that is applied after the bias.
public enum Activation: Sendable, Hashable {
    case identity
    /// x σ(x).
    case silu
    /// x, or eˣ − 1 if x is negative (Clevert et al. 2016).
    case elu
    /// silu(a) × b, for a matrix in which two sources of equal size are interleaved; the gate a is the first.
    case gatedSiLU
    /// Hendrycks and Gimpel 2016.
    case gelu
    /// GELU's approximation with tanh.
    case geluTanh
    /// x, or 0 if x is negative.
    case relu

    var code: ck_activation {
        switch self {
        case .identity: ck_activation(CK_IDENTITY)
        case .silu: ck_activation(CK_SILU)
        case .elu: ck_activation(CK_ELU)
        case .gatedSiLU: ck_activation(CK_GATED_SILU)
        case .gelu: ck_activation(CK_GELU)
        case .geluTanh: ck_activation(CK_GELU_TANH)
        case .relu: ck_activation(CK_RELU)
        }
    }
}

/// The weights of one or several linear layers over the same inputs, laid out and rounded for fast products on the CPU.
public final class PackedMatrix: @unchecked Sendable {
    let handle: OpaquePointer
    public let format: WeightFormat
    let isWinograd: Bool
    let team: ThreadTeam

    /// A layer's weight in float32 on the CPU, a view or not, `[outputs, inputs]` or of a convolution
    /// `[outputs, inputs, taps]`, and its bias `[outputs]`.
    public struct Source {
        let weight: Tensor
        let bias: Tensor?

        public init(_ weight: Tensor, bias: Tensor? = nil) {
            self.weight = weight
            self.bias = bias
        }

        public init(_ linear: Linear) { self.init(linear.weight, bias: linear.bias) }
        public init(_ convolution: Conv1d) { self.init(convolution.weight, bias: convolution.bias) }
    }

    /// - Parameters:
    ///   - sources: layers whose outputs are concatenated.
    ///   - format: the format of the weights.
    ///   - gated: interleaves two layers of equal size for ``Activation/gatedSiLU``.
    ///   - winograd: stores float32 weights of a convolution for Winograd's minimal filtering (Lavin and Gray 2016), with half the multiplications
    ///     and rounding errors about twice as large. The convolution's step is then 1.
    ///   - team: threads that pack.
    /// - Throws: ``KernelError``, and `TorchError` if a weight is not float32 on the CPU.
    public init(_ sources: [Source], format: WeightFormat, gated: Bool = false, winograd: Bool = false, team: ThreadTeam) throws {
        precondition(!sources.isEmpty, "at least one layer")
        precondition(!winograd || format == .float32 && !gated, "float32 weights of a plain layer")
        let shape = sources[0].weight.shape
        guard shape.count == 2 || shape.count == 3 else {
            throw KernelError.shape("weight", expected: "[outputs, inputs] or [outputs, inputs, taps]", found: shape)
        }
        for source in sources {
            guard source.weight.shape.dropFirst() == shape.dropFirst() else {
                throw KernelError.shape(
                    "weight", expected: "[outputs, \(shape.dropFirst().map(String.init).joined(separator: ", "))]", found: source.weight.shape)
            }
            if let bias = source.bias, bias.shape != [source.weight.size(0)] {
                throw KernelError.shape("bias", expected: "[\(source.weight.size(0))]", found: bias.shape)
            }
        }
        if gated { precondition(sources.count == 2 && sources[0].weight.shape == sources[1].weight.shape, "a gate and its equal") }
        let biases = try sources.map { try $0.bias?.contiguous() }
        let lent = try zip(sources, biases).map { source, bias in
            let (start, strides) = try source.weight.storage(of: Float.self)
            return ck_source(
                weights: UnsafePointer(start), output_stride: strides[0], tap_stride: strides.count == 3 ? strides[2] : 0,
                input_stride: strides[1], outputs: source.weight.size(0),
                bias: try bias.map { UnsafePointer(try $0.storage(of: Float.self).start) })
        }
        let packed = withExtendedLifetime((sources, biases)) {
            ck_matrix_pack(team.handle, format.code, shape[1], shape.count == 3 ? shape[2] : 1, lent, Int32(lent.count), gated, winograd)
        }
        guard let packed else {
            let weights = sources.reduce(0) { $0 + $1.weight.count }
            throw KernelError.outOfMemory("packed weights", bytes: format.byteCount(weights: weights))
        }
        handle = packed
        isWinograd = winograd
        self.format = format
        self.team = team
    }

    deinit { ck_matrix_free(handle) }

    public var inputs: Int { ck_matrix_inputs(handle) }
    public var outputs: Int { ck_matrix_outputs(handle) }
    /// Whether the matrix consists of two layers of equal size, of which the first gates the second.
    var isGated: Bool { ck_matrix_is_gated(handle) }
    /// What a product reads of it.
    public var byteCount: Int { ck_matrix_bytes(handle) }

    /// Rows of activations that a row of results sees.
    public var taps: Int { ck_matrix_taps(handle) }

    /// The number of rows of results that are computed together, from a multiple of this number on, and the number of rows of activations that they
    /// depend on: a tile of Winograd's algorithm, or one row and the taps.
    var tile: (results: Int, taps: Int) { (ck_matrix_tile(handle), ck_matrix_tile_taps(handle)) }

    /// The weights that the packed ones represent, `[outputs, taps, inputs]`, in the order of the sources.
    public func unpacked() throws -> Tensor {
        let weights = try Tensor.empty([outputs, taps, inputs])
        try weights.withElements(of: Float.self) { ck_matrix_unpack(handle, $0.baseAddress) }
        return weights
    }
}
