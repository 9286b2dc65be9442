import CTorch

/// One step of indexing: a position, a range, or `.all`, `.ellipsis`, `.newAxis`, `.stride(from:to:by:)`.
public protocol TensorIndex {
    /// The step that this index stands for.
    var indexStep: IndexStep { get }
}

/// A step of basic indexing, resolved against no particular tensor.
public struct IndexStep: Sendable {
    let raw: ct_index

    static func slice(from: Int = 0, to: Int = .max, by: Int = 1) -> IndexStep {
        IndexStep(raw: ct_index(kind: Int32(CT_INDEX_SLICE), from: from, to: to, step: by))
    }
    static func of(_ kind: Int, at position: Int = 0) -> IndexStep {
        IndexStep(raw: ct_index(kind: Int32(kind), from: position, to: 0, step: 1))
    }
}

/// An index that is not a number or a range.
public struct SpecialIndex: TensorIndex, Sendable {
    public let indexStep: IndexStep
}

extension TensorIndex where Self == SpecialIndex {
    /// The whole of one axis.
    public static var all: SpecialIndex { SpecialIndex(indexStep: .of(CT_INDEX_ALL)) }
    /// All further axes of the tensor, as whole axes.
    public static var ellipsis: SpecialIndex { SpecialIndex(indexStep: .of(CT_INDEX_ELLIPSIS)) }
    /// A new axis of size 1.
    public static var newAxis: SpecialIndex { SpecialIndex(indexStep: .of(CT_INDEX_NEW_AXIS)) }
    /// Every `by`th element; negative positions count from the end.
    public static func stride(from: Int = 0, to: Int = .max, by: Int = 1) -> SpecialIndex {
        SpecialIndex(indexStep: .slice(from: from, to: to, by: by))
    }
}

extension Int: TensorIndex {
    public var indexStep: IndexStep { .of(CT_INDEX_AT, at: self) }
}
extension Range: TensorIndex where Bound == Int {
    public var indexStep: IndexStep { .slice(from: lowerBound, to: upperBound) }
}
extension ClosedRange: TensorIndex where Bound == Int {
    public var indexStep: IndexStep { .slice(from: lowerBound, to: upperBound == -1 ? .max : upperBound + 1) }
}
extension PartialRangeFrom: TensorIndex where Bound == Int {
    public var indexStep: IndexStep { .slice(from: lowerBound) }
}
extension PartialRangeUpTo: TensorIndex where Bound == Int {
    public var indexStep: IndexStep { .slice(to: upperBound) }
}
extension PartialRangeThrough: TensorIndex where Bound == Int {
    public var indexStep: IndexStep { .slice(to: upperBound == -1 ? .max : upperBound + 1) }
}

extension Tensor {
    /// A view by position and range, such as `x[0, 3..<5, .all, -1]`. Negative positions count from the end; ranges are limited to the axis.
    public subscript(_ indices: any TensorIndex...) -> Tensor {
        get throws {
            let steps = indices.map(\.indexStep.raw)
            return try produce("index", [self]) { ct_index_view(handle, steps, steps.count, $0, $1) }
        }
    }

    /// A view of `count` elements along an axis.
    public func narrow(axis: Int, from: Int, count: Int) throws -> Tensor {
        try produce("narrow", [self]) { ct_narrow(handle, axis, from, count, $0, $1) }
    }

    /// A view at one position of an axis, without that axis.
    public func select(axis: Int, _ index: Int) throws -> Tensor {
        try produce("select", [self]) { ct_select(handle, axis, index, $0, $1) }
    }

    /// The positions listed in `index`, `[n]` int64, along an axis.
    public func indexSelect(axis: Int, _ index: Tensor) throws -> Tensor {
        try produce("indexSelect", [self, index]) { ct_index_select(handle, axis, index.handle, $0, $1) }
    }

    /// For every element of `index`, the element there along an axis.
    public func gather(axis: Int, _ index: Tensor) throws -> Tensor {
        try produce("gather", [self, index]) { ct_gather(handle, axis, index.handle, $0, $1) }
    }

    /// A copy in which `source` is written at the positions of `index` along an axis.
    public func scatter(axis: Int, index: Tensor, source: Tensor) throws -> Tensor {
        try produce("scatter", [self, index, source]) { ct_scatter(handle, axis, index.handle, source.handle, $0, $1) }
    }

    /// A copy in which one value is written at the positions of `index` along an axis.
    public func scatter(axis: Int, index: Tensor, value: Double) throws -> Tensor {
        try produce("scatter", [self, index]) { ct_scatter_value(handle, axis, index.handle, value, $0, $1) }
    }

    /// A copy with `source` added at the positions of `index`, `[n]`, along an axis.
    public func indexAdd(axis: Int, index: Tensor, source: Tensor) throws -> Tensor {
        try produce("indexAdd", [self, index, source]) { ct_index_add(handle, axis, index.handle, source.handle, $0, $1) }
    }

    /// A copy with `values` at the positions that the index tensors name together.
    public func indexPut(_ indices: [Tensor], _ values: Tensor) throws -> Tensor {
        try withHandles(indices) { handles in
            try produce("indexPut", [self] + indices + [values]) {
                ct_index_put(handle, handles, indices.count, values.handle, $0, $1)
            }
        }
    }

    /// Writes `values` into this tensor's memory, at the positions given by the index tensors together.
    package func put(_ values: Tensor, at indices: [Tensor]) throws {
        try withHandles(indices) { handles in
            try perform("put", [self] + indices + [values]) { ct_put(handle, handles, indices.count, values.handle, $0) }
        }
    }

    /// A copy with `value` where the bool tensor `mask` is true.
    public func maskedFill(_ mask: Tensor, _ value: Double) throws -> Tensor {
        try produce("maskedFill", [self, mask]) { ct_masked_fill(handle, mask.handle, value, $0, $1) }
    }

    /// `[n]`: the elements where `mask` is true.
    public func maskedSelect(_ mask: Tensor) throws -> Tensor {
        try produce("maskedSelect", [self, mask]) { ct_masked_select(handle, mask.handle, $0, $1) }
    }

    /// `a` where `mask` is true, otherwise `b` (`torch.where`).
    public static func select(_ mask: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        try produce("select", [mask, a, b]) { ct_where(mask.handle, a.handle, b.handle, $0, $1) }
    }
}
