import CTorch

/// The values outside the edges of a padded tensor.
public enum PaddingMode: Sendable {
    /// A given value.
    case constant
    /// The tensor mirrored at its edge, the edge itself not repeated.
    case reflect
    /// The edge repeated.
    case replicate
    /// The tensor from its other end.
    case circular

    var code: Int32 {
        switch self {
        case .constant: Int32(CT_PAD_CONSTANT)
        case .reflect: Int32(CT_PAD_REFLECT)
        case .replicate: Int32(CT_PAD_REPLICATE)
        case .circular: Int32(CT_PAD_CIRCULAR)
        }
    }
}

extension Tensor {
    /// The same elements in another shape; one size may be −1, and is then computed. Copies only if necessary.
    public func reshaped(_ shape: [Int]) throws -> Tensor {
        try produce("reshaped", [self]) { ct_reshape(handle, shape, shape.count, $0, $1) }
    }
    /// As ``reshaped(_:)``, but never a copy: an error where strides forbid a view.
    public func viewed(_ shape: [Int]) throws -> Tensor {
        try produce("viewed", [self]) { ct_view(handle, shape, shape.count, $0, $1) }
    }
    public func transposed(_ a: Int, _ b: Int) throws -> Tensor {
        try produce("transposed", [self]) { ct_transpose(handle, a, b, $0, $1) }
    }
    public func permuted(_ axes: [Int]) throws -> Tensor {
        try produce("permuted", [self]) { ct_permute(handle, axes, axes.count, $0, $1) }
    }
    /// A view with a new axis of size 1.
    public func unsqueezed(_ axis: Int) throws -> Tensor {
        try produce("unsqueezed", [self]) { ct_unsqueeze(handle, axis, $0, $1) }
    }
    /// A view without the axis if its size is 1; without an argument, without every such axis.
    public func squeezed(_ axis: Int? = nil) throws -> Tensor {
        try withOptional(axis) { axis in try produce("squeezed", [self]) { ct_squeeze(handle, axis, $0, $1) } }
    }
    /// Axes `from` through `to` joined to one.
    public func flattened(from: Int = 0, to: Int = -1) throws -> Tensor {
        try produce("flattened", [self]) { ct_flatten(handle, from, to, $0, $1) }
    }
    /// A view in which axes of size 1 are repeated; −1 leaves an axis unchanged.
    public func expanded(_ shape: [Int]) throws -> Tensor {
        try produce("expanded", [self]) { ct_expand(handle, shape, shape.count, $0, $1) }
    }
    /// Copies laid side by side, so many along each axis.
    public func repeated(_ counts: [Int]) throws -> Tensor {
        try produce("repeated", [self]) { ct_repeat(handle, counts, counts.count, $0, $1) }
    }
    /// Each element `count` times in a row along an axis.
    public func repeatInterleaved(_ count: Int, axis: Int) throws -> Tensor {
        try produce("repeatInterleaved", [self]) { ct_repeat_interleave(handle, count, axis, $0, $1) }
    }
    public func flipped(_ axes: [Int]) throws -> Tensor {
        try produce("flipped", [self]) { ct_flip(handle, axes, axes.count, $0, $1) }
    }
    public func rolled(_ shift: Int, axis: Int) throws -> Tensor {
        try produce("rolled", [self]) { ct_roll(handle, shift, axis, $0, $1) }
    }
    /// Views of `size` elements each along an axis; the last one is shorter if `size` does not divide the axis.
    public func split(_ size: Int, axis: Int) throws -> [Tensor] {
        precondition(size > 0, "pieces of at least one element")
        let total = self.size(axis)
        return try stride(from: 0, to: total, by: size).map { try narrow(axis: axis, from: $0, count: Swift.min(size, total - $0)) }
    }
    /// Views of the given sizes along an axis.
    public func split(sizes: [Int], axis: Int) throws -> [Tensor] {
        var from = 0
        return try sizes.map { size in
            defer { from += size }
            return try narrow(axis: axis, from: from, count: size)
        }
    }
    /// So many views of equal size along an axis.
    public func chunked(_ count: Int, axis: Int) throws -> [Tensor] {
        try split((size(axis) + count - 1) / count, axis: axis)
    }
    /// A view of this tensor's memory with other strides, counted in elements.
    func strided(shape: [Int], strides: [Int], offset: Int) throws -> Tensor {
        try produce("strided", [self]) { ct_as_strided(handle, shape, strides, shape.count, offset, $0, $1) }
    }
    /// Windows of `size` elements every `step` along an axis; the window is a new last axis.
    public func unfolded(axis: Int, size: Int, step: Int) throws -> Tensor {
        try produce("unfolded", [self]) { ct_unfold(handle, axis, size, step, $0, $1) }
    }
    /// Adds elements around; `amounts` lists before and after for the last axis first. Negative amounts cut.
    public func padded(_ amounts: [Int], mode: PaddingMode = .constant, value: Double = 0) throws -> Tensor {
        try produce("padded", [self]) { ct_pad(handle, amounts, amounts.count, mode.code, value, $0, $1) }
    }
    /// The lower triangle, zeros above the diagonal.
    public func tril(_ diagonal: Int = 0) throws -> Tensor { try produce("tril", [self]) { ct_tril(handle, diagonal, $0, $1) } }
    /// The upper triangle, zeros below the diagonal.
    public func triu(_ diagonal: Int = 0) throws -> Tensor { try produce("triu", [self]) { ct_triu(handle, diagonal, $0, $1) } }
}

/// Passes a value's address to `body`, or null.
@inline(__always)
func withOptional<Value, Result>(_ value: Value?, _ body: (UnsafePointer<Value>?) throws -> Result) rethrows -> Result {
    guard let value else { return try body(nil) }
    return try withUnsafePointer(to: value) { try body($0) }
}
