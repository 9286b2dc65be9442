import CKernels
import Torch

/// A linear layer or a convolution over time, with the operations before and after it: activation(in(x) * W + bias).
///
/// Rows are frames: tensors are `[sequences, length, width]`, or some columns of a wider one.
public struct PackedLayer: Sendable {
    /// Row i of the result sees frames i × step − lead + tap × dilation; those outside of the sequence are zero.
    public struct Convolution: Sendable, Hashable {
        public var step, lead, dilation: Int
        /// Frames that a row of the result holds side by side: those that a transposed convolution makes of one.
        public var rate: Int

        public init(step: Int = 1, lead: Int = 0, dilation: Int = 1, rate: Int = 1) {
            self.step = step
            self.lead = lead
            self.dilation = dilation
            self.rate = rate
        }
    }

    public let matrix: PackedMatrix
    let wayIn: WayIn
    package let convolution: Convolution
    let activation: Activation

    /// Rows of the result of a sequence of so many frames; with a step above 1 there are as many zeros behind it as before it.
    package func resultLength(of frames: Int) -> Int {
        convolution.step == 1
            ? frames : max(0, (frames + 2 * convolution.lead - (matrix.taps - 1) * convolution.dilation - 1) / convolution.step + 1)
    }

    public init(
        _ matrix: PackedMatrix, in wayIn: WayIn = .plain, convolution: Convolution = Convolution(), activation: Activation = .identity
    ) {
        precondition(!matrix.isWinograd || convolution.step == 1, "results row by row")
        self.matrix = matrix
        self.wayIn = wayIn
        self.convolution = convolution
        self.activation = activation
    }

    /// - Parameters:
    ///   - x: `[sequences, length, inputs]`.
    ///   - output: `[sequences, result length, outputs]`.
    ///   - added: added to the input, after normalisation and activation: `[sequences, inputs]`, contiguous.
    ///   - residual: added to the result; may be `output`.
    ///   - share: a factor with which the result is added to the contents of `output`; nil replaces them.
    ///   - lead: the number of zeros before the first row, if `x` does not begin with its sequence; nil for the convolution's own.
    /// - Throws: ``KernelError``, and `TorchError` if a tensor is not float32 on the CPU.
    public func callAsFunction(
        _ x: Tensor, into output: Tensor, adding added: Tensor? = nil, residual: Tensor? = nil, share: Double? = nil,
        lead: Int? = nil
    ) throws {
        let (from, to) = (try Rows(x), try Rows(output))
        let rest = try residual.map { try Rows($0) }
        let width = activation == .gatedSiLU ? matrix.outputs / 2 : matrix.outputs
        guard from.width == matrix.inputs else {
            throw KernelError.shape("input", expected: "[sequences, length, \(matrix.inputs)]", found: x.shape)
        }
        guard to.width == width, to.sequences == from.sequences else {
            throw KernelError.shape("output", expected: "[\(from.sequences), length, \(width)]", found: output.shape)
        }
        if let rest, rest.shape != to.shape { throw KernelError.shape("residual", expected: "\(to.shape)", found: rest.shape) }
        if let added, added.shape != [from.sequences, from.width] || !added.isContiguous {
            throw KernelError.shape("added rows", expected: "[\(from.sequences), \(from.width)]", found: added.shape)
        }
        var product = ck_product()
        product.matrix = matrix.handle
        (product.input, product.input_stride) = (UnsafePointer(from.start), from.stride)
        (product.sequences, product.length, product.result_length) = (from.sequences, from.length, to.length)
        product.in = try wayIn.inC(adding: added)
        (product.step, product.lead, product.dilation) = (convolution.step, lead ?? convolution.lead, convolution.dilation)
        product.activation = activation.code
        (product.residual, product.residual_stride) = (rest.map { UnsafePointer($0.start) }, rest?.stride ?? 0)
        product.share = Float(share ?? 0)
        (product.output, product.output_stride) = (to.start, to.stride)
        let isComputed = withExtendedLifetime((self, x, output, added, residual)) { ck_product_run(matrix.team.handle, &product) }
        guard isComputed else { throw KernelError.outOfMemory("activations", bytes: x.byteCount) }
    }
}
