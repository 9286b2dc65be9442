import CTorch

/// A multi-dimensional array of numbers on a device.
///
/// Operations return new tensors or views and do not change their operands. Every operation throws ``TorchError`` if libtorch fails, for example
/// because shapes do not match or the device is out of memory.
///
/// Using a tensor from several tasks is safe: no public operation writes into its memory. The package's own code does so only for tensors that
/// nothing else refers to.
public final class Tensor: @unchecked Sendable {
    /// libtorch's own object, of which this instance owns one reference.
    let handle: OpaquePointer

    /// Takes ownership of a reference returned by the C interface.
    init(owning handle: OpaquePointer) { self.handle = handle }

    deinit { ct_tensor_release(handle) }

    /// Sizes of the axes, outermost first.
    public var shape: [Int] { (0..<rank).map { ct_tensor_size(handle, $0) } }
    /// Elements between neighbours along each axis.
    public var strides: [Int] { (0..<rank).map { ct_tensor_stride(handle, $0) } }
    /// The number of axes.
    public var rank: Int { ct_tensor_rank(handle) }
    /// The number of elements.
    public var count: Int { ct_tensor_count(handle) }
    public var dtype: DType { DType(code: ct_tensor_dtype(handle)) }
    public var device: Device { Device(code: ct_tensor_device(handle)) }
    /// Whether the elements are stored row by row without gaps.
    public var isContiguous: Bool { ct_tensor_is_contiguous(handle) }
    /// The size of the elements in bytes.
    public var byteCount: Int { count * dtype.size }

    /// The size of one axis; a negative axis counts from the last.
    public func size(_ axis: Int) -> Int {
        let position = axis < 0 ? axis + rank : axis
        precondition((0..<rank).contains(position), "axis \(axis) of a tensor with \(rank) axes")
        return ct_tensor_size(handle, position)
    }
}

extension Tensor: CustomStringConvertible {
    /// The elements in PyTorch's format, then shape, type and device.
    public var description: String {
        var text: UnsafeMutablePointer<CChar>?
        var message: UnsafeMutablePointer<CChar>?
        defer {
            ct_free(text)
            ct_free(message)
        }
        guard ct_print(handle, &text, &message) == CT_OK, let text else { return summary }
        return "\(String(cString: text))\n\(summary)"
    }

    /// "Tensor [2, 3] float32 on cpu".
    public var summary: String { "Tensor \(shape) \(dtype.rawValue) on \(device)" }
}
