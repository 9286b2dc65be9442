import CTorch

// Without axes a reduction is over the whole tensor. With `keepAxis` the reduced axes remain, with size 1.

extension Tensor {
    @inline(__always)
    private func reduce(
        _ name: StaticString, _ axes: [Int]?, _ keepAxis: Bool,
        _ call: (OpaquePointer?, UnsafePointer<Int>?, Int, Bool, TensorSlot?, ErrorSlot?) -> ct_status
    ) throws -> Tensor {
        guard let axes else { return try produce(name, [self]) { call(handle, nil, 0, keepAxis, $0, $1) } }
        return try produce(name, [self]) { call(handle, axes, axes.count, keepAxis, $0, $1) }
    }

    public func sum() throws -> Tensor { try reduce("sum", nil, false, ct_sum) }
    public func sum(axes: [Int], keepAxis: Bool = false) throws -> Tensor { try reduce("sum", axes, keepAxis, ct_sum) }
    public func sum(axis: Int, keepAxis: Bool = false) throws -> Tensor { try sum(axes: [axis], keepAxis: keepAxis) }
    public func mean() throws -> Tensor { try reduce("mean", nil, false, ct_mean) }
    public func mean(axes: [Int], keepAxis: Bool = false) throws -> Tensor { try reduce("mean", axes, keepAxis, ct_mean) }
    public func mean(axis: Int, keepAxis: Bool = false) throws -> Tensor { try mean(axes: [axis], keepAxis: keepAxis) }
    /// The largest element.
    public func max() throws -> Tensor { try reduce("max", nil, false, ct_amax) }
    /// The largest elements along an axis.
    public func max(axis: Int, keepAxis: Bool = false) throws -> Tensor { try reduce("max", [axis], keepAxis, ct_amax) }
    public func amax(axes: [Int], keepAxis: Bool = false) throws -> Tensor { try reduce("amax", axes, keepAxis, ct_amax) }
    /// The smallest element.
    public func min() throws -> Tensor { try reduce("min", nil, false, ct_amin) }
    /// The smallest elements along an axis.
    public func min(axis: Int, keepAxis: Bool = false) throws -> Tensor { try reduce("min", [axis], keepAxis, ct_amin) }
    public func prod() throws -> Tensor { try unary("prod", ct_prod) }

    /// The largest elements along an axis, and their positions (int64).
    public func maxWithIndices(axis: Int, keepAxis: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        try pair("maxWithIndices") { ct_max_with_indices(handle, axis, keepAxis, $0, $1, $2) }
    }

    /// The variance; unbiased divides by n − 1.
    public func variance(axes: [Int]? = nil, unbiased: Bool = true, keepAxis: Bool = false) throws -> Tensor {
        guard let axes else { return try produce("variance", [self]) { ct_var(handle, nil, 0, unbiased, keepAxis, $0, $1) } }
        return try produce("variance", [self]) { ct_var(handle, axes, axes.count, unbiased, keepAxis, $0, $1) }
    }
    public func variance(axis: Int, unbiased: Bool = true, keepAxis: Bool = false) throws -> Tensor {
        try variance(axes: [axis], unbiased: unbiased, keepAxis: keepAxis)
    }
    /// The standard deviation; unbiased divides by n − 1.
    public func std(axes: [Int]? = nil, unbiased: Bool = true, keepAxis: Bool = false) throws -> Tensor {
        guard let axes else { return try produce("std", [self]) { ct_std(handle, nil, 0, unbiased, keepAxis, $0, $1) } }
        return try produce("std", [self]) { ct_std(handle, axes, axes.count, unbiased, keepAxis, $0, $1) }
    }
    public func std(axis: Int, unbiased: Bool = true, keepAxis: Bool = false) throws -> Tensor {
        try std(axes: [axis], unbiased: unbiased, keepAxis: keepAxis)
    }
    /// The p-norm, by default Euclid's.
    public func norm(_ p: Double = 2, axes: [Int]? = nil, keepAxis: Bool = false) throws -> Tensor {
        guard let axes else { return try produce("norm", [self]) { ct_norm(handle, p, nil, 0, keepAxis, $0, $1) } }
        return try produce("norm", [self]) { ct_norm(handle, p, axes, axes.count, keepAxis, $0, $1) }
    }
    public func norm(_ p: Double = 2, axis: Int, keepAxis: Bool = false) throws -> Tensor {
        try norm(p, axes: [axis], keepAxis: keepAxis)
    }
    public func logsumexp(axis: Int, keepAxis: Bool = false) throws -> Tensor {
        try produce("logsumexp", [self]) { ct_logsumexp(handle, axis, keepAxis, $0, $1) }
    }
    public func any(axis: Int? = nil, keepAxis: Bool = false) throws -> Tensor {
        try withOptional(axis) { axis in try produce("any", [self]) { ct_any(handle, axis, keepAxis, $0, $1) } }
    }
    public func all(axis: Int? = nil, keepAxis: Bool = false) throws -> Tensor {
        try withOptional(axis) { axis in try produce("all", [self]) { ct_all(handle, axis, keepAxis, $0, $1) } }
    }
    /// The position of the largest element, int64; without an axis, in the flattened tensor.
    public func argmax(axis: Int? = nil, keepAxis: Bool = false) throws -> Tensor {
        try withOptional(axis) { axis in try produce("argmax", [self]) { ct_argmax(handle, axis, keepAxis, $0, $1) } }
    }
    /// The position of the smallest element, int64; without an axis, in the flattened tensor.
    public func argmin(axis: Int? = nil, keepAxis: Bool = false) throws -> Tensor {
        try withOptional(axis) { axis in try produce("argmin", [self]) { ct_argmin(handle, axis, keepAxis, $0, $1) } }
    }
    public func cumsum(axis: Int) throws -> Tensor { try produce("cumsum", [self]) { ct_cumsum(handle, axis, $0, $1) } }
    /// How often each whole number from 0 on occurs in a tensor of one axis.
    public func bincount(minimum: Int = 0) throws -> Tensor { try produce("bincount", [self]) { ct_bincount(handle, minimum, $0, $1) } }

    // MARK: sorting and sampling

    /// The elements sorted along an axis, and their original positions (int64).
    public func sorted(axis: Int = -1, descending: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        try pair("sorted") { ct_sort(handle, axis, descending, $0, $1, $2) }
    }
    /// The `count` largest along an axis, largest first, and their positions (int64).
    public func topK(_ count: Int, axis: Int = -1) throws -> (values: Tensor, indices: Tensor) {
        try pair("topK") { ct_topk(handle, count, axis, $0, $1, $2) }
    }
    /// Positions drawn with these probabilities along the last axis, int64.
    public func multinomial(_ count: Int = 1, replacement: Bool = false, generator: Generator) throws -> Tensor {
        try produce("multinomial", [self]) { ct_multinomial(handle, count, replacement, generator.handle, $0, $1) }
    }

    private func pair(
        _ name: StaticString, _ call: (TensorSlot, TensorSlot, ErrorSlot) -> ct_status
    ) throws -> (values: Tensor, indices: Tensor) {
        var first: OpaquePointer?
        var second: OpaquePointer?
        try perform(name, [self]) { call(&first, &second, $0) }
        return (Tensor(owning: first!), Tensor(owning: second!))
    }
}
