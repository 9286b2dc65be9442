import CKernels
import Torch

/// How packed weights are stored.
public enum WeightFormat: String, Sendable, Codable, CaseIterable {
    /// 32 bits.
    case float32
    /// 8 bits, with a scale for every 64 weights of an output; activations are rounded to 8 bits on the way.
    case int8
    /// 4 bits, with a scale for every 32 weights of an output; activations are rounded to 8 bits on the way.
    case int4

    var code: ck_format {
        switch self {
        case .float32: ck_format(CK_FLOAT32)
        case .int8: ck_format(CK_INT8)
        case .int4: ck_format(CK_INT4)
        }
    }

    /// Bytes that weights take with their scales.
    public func byteCount(weights: Int) -> Int {
        switch self {
        case .float32: weights * 4
        case .int8: weights + weights / 64 * 2
        case .int4: weights / 2 + weights / 32 * 2
        }
    }
}

/// What a product goes through after the bias.
public enum Activation: Sendable, Hashable {
    case identity
    /// silu(a) × b, for a matrix that two sources of equal size are interleaved in; the gate a is the first.
    case gatedSiLU
    /// Hendrycks and Gimpel 2016.
    case gelu
    /// GELU's approximation through tanh.
    case geluTanh

    var code: ck_activation {
        switch self {
        case .identity: ck_activation(CK_IDENTITY)
        case .gatedSiLU: ck_activation(CK_GATED_SILU)
        case .gelu: ck_activation(CK_GELU)
        case .geluTanh: ck_activation(CK_GELU_TANH)
        }
    }
}

/// The weights of one or several linear layers over the same inputs, laid out and rounded for fast products on the CPU.
public final class PackedMatrix: @unchecked Sendable {
    let handle: OpaquePointer
    public let format: WeightFormat
    private let team: ThreadTeam

    /// A linear layer's weight `[outputs, inputs]` in float32 on the CPU, a view or not, and its bias `[outputs]`.
    public struct Source {
        let weight: Tensor
        let bias: Tensor?

        public init(_ weight: Tensor, bias: Tensor? = nil) {
            self.weight = weight
            self.bias = bias
        }

        public init(_ linear: Linear) { self.init(linear.weight, bias: linear.bias) }
    }

    /// - Parameters:
    ///   - sources: layers whose outputs follow each other.
    ///   - gated: interleaves two layers of equal size for ``Activation/gatedSiLU``.
    /// - Throws: ``KernelError``, and ``TorchError`` where a weight is not float32 on the CPU.
    public init(_ sources: [Source], format: WeightFormat, gated: Bool = false, team: ThreadTeam) throws {
        let inputs = sources.first?.weight.size(1) ?? 0
        for source in sources {
            guard source.weight.rank == 2, source.weight.size(1) == inputs else {
                throw KernelError.shape("weight", expected: "[outputs, \(inputs)]", found: source.weight.shape)
            }
            if let bias = source.bias, bias.shape != [source.weight.size(0)] {
                throw KernelError.shape("bias", expected: "[\(source.weight.size(0))]", found: bias.shape)
            }
        }
        if gated { precondition(sources.count == 2 && sources[0].weight.shape == sources[1].weight.shape, "a gate and its equal") }
        let packed = try Self.withSources(sources) {
            ck_matrix_pack(team.handle, format.code, inputs, 1, $0.baseAddress, Int32($0.count), gated)
        }
        guard let packed else {
            let weights = sources.reduce(0) { $0 + $1.weight.count }
            throw KernelError.outOfMemory("packed weights", bytes: format.byteCount(weights: weights))
        }
        handle = packed
        self.format = format
        self.team = team
    }

    deinit { ck_matrix_free(handle) }

    public var inputs: Int { ck_matrix_inputs(handle) }
    public var outputs: Int { ck_matrix_outputs(handle) }
    /// What a product reads of it.
    public var byteCount: Int { ck_matrix_bytes(handle) }

    /// The weights that the packed ones stand for, `[outputs, inputs]`, in the order of the sources.
    public func unpacked() throws -> Tensor {
        let weights = try Tensor.empty([outputs, inputs])
        try weights.withElements(of: Float.self) { ck_matrix_unpack(handle, $0.baseAddress) }
        return weights
    }

    /// activation(x Wᵀ + bias) + residual: `[rows, inputs]` → `[rows, outputs]`, half as many where gated.
    ///
    /// - Parameter residual: `[rows, outputs]`.
    /// - Throws: ``KernelError``, and ``TorchError`` where a tensor is not contiguous float32 on the CPU.
    public func callAsFunction(_ x: Tensor, activation: Activation = .identity, residual: Tensor? = nil) throws -> Tensor {
        guard x.rank == 2, x.size(1) == inputs else { throw KernelError.shape("input", expected: "[rows, \(inputs)]", found: x.shape) }
        let rows = x.size(0), width = activation == .gatedSiLU ? outputs / 2 : outputs
        if let residual, residual.shape != [rows, width] {
            throw KernelError.shape("residual", expected: "[\(rows), \(width)]", found: residual.shape)
        }
        let result = try residual?.clone() ?? Tensor.empty([rows, width])
        let isComputed = try x.withElements(of: Float.self) { input in
            try result.withElements(of: Float.self) { output in
                var product = ck_product()
                product.matrix = handle
                (product.input, product.input_stride) = (UnsafePointer(input.baseAddress), inputs)
                (product.sequences, product.length, product.result_length) = (1, rows, rows)
                (product.step, product.dilation) = (1, 1)
                product.activation = activation.code
                (product.residual, product.residual_stride) = (residual == nil ? nil : UnsafePointer(output.baseAddress), width)
                (product.output, product.output_stride) = (output.baseAddress, width)
                return ck_product_run(team.handle, &product)
            }
        }
        guard isComputed else { throw KernelError.outOfMemory("rounded activations", bytes: x.byteCount) }
        return result
    }

    /// Lends the sources' memory.
    private static func withSources<Result>(
        _ sources: [Source], _ body: (UnsafeBufferPointer<ck_source>) throws -> Result
    ) throws -> Result {
        func lend(_ rest: ArraySlice<Source>, _ lent: [ck_source]) throws -> Result {
            guard let source = rest.first else { return try lent.withUnsafeBufferPointer(body) }
            return try source.weight.withStorage(of: Float.self) { weights, strides in
                func lendRest(_ bias: UnsafePointer<Float>?) throws -> Result {
                    let next = ck_source(
                        weights: weights, output_stride: strides[0], tap_stride: 0, input_stride: strides[1], outputs: source.weight.size(0), bias: bias)
                    return try lend(rest.dropFirst(), lent + [next])
                }
                guard let bias = source.bias else { return try lendRest(nil) }
                return try bias.contiguous().withElements(of: Float.self) { try lendRest($0.baseAddress) }
            }
        }
        return try lend(sources[...], [])
    }
}
