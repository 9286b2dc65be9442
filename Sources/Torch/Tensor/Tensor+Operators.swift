import CTorch

// Arithmetic broadcasts as in PyTorch. With a whole number as operand, an integer tensor remains an integer tensor.

extension Tensor {
    @inline(__always)
    func binary(
        _ name: StaticString, _ other: Tensor,
        _ call: (OpaquePointer?, OpaquePointer?, TensorSlot?, ErrorSlot?) -> ct_status
    ) throws -> Tensor {
        try produce(name, [self, other]) { call(handle, other.handle, $0, $1) }
    }

    @inline(__always)
    func scalar(
        _ name: StaticString, _ value: Double, _ call: (OpaquePointer?, Double, TensorSlot?, ErrorSlot?) -> ct_status
    ) throws -> Tensor {
        try produce(name, [self]) { call(handle, value, $0, $1) }
    }

    public static func + (a: Tensor, b: Tensor) throws -> Tensor { try a.binary("+", b, ct_add) }
    public static func + (a: Tensor, b: Double) throws -> Tensor { try a.scalar("+", b, ct_add_scalar) }
    public static func + (a: Tensor, b: Int) throws -> Tensor { try a.scalar("+", Double(b), ct_add_scalar) }
    public static func + (a: Double, b: Tensor) throws -> Tensor { try b.scalar("+", a, ct_add_scalar) }
    public static func + (a: Int, b: Tensor) throws -> Tensor { try b.scalar("+", Double(a), ct_add_scalar) }

    public static func - (a: Tensor, b: Tensor) throws -> Tensor { try a.binary("-", b, ct_sub) }
    public static func - (a: Tensor, b: Double) throws -> Tensor { try a.scalar("-", b, ct_sub_scalar) }
    public static func - (a: Tensor, b: Int) throws -> Tensor { try a.scalar("-", Double(b), ct_sub_scalar) }
    public static func - (a: Double, b: Tensor) throws -> Tensor { try b.scalar("-", a, ct_rsub_scalar) }
    public static func - (a: Int, b: Tensor) throws -> Tensor { try b.scalar("-", Double(a), ct_rsub_scalar) }

    public static func * (a: Tensor, b: Tensor) throws -> Tensor { try a.binary("*", b, ct_mul) }
    public static func * (a: Tensor, b: Double) throws -> Tensor { try a.scalar("*", b, ct_mul_scalar) }
    public static func * (a: Tensor, b: Int) throws -> Tensor { try a.scalar("*", Double(b), ct_mul_scalar) }
    public static func * (a: Double, b: Tensor) throws -> Tensor { try b.scalar("*", a, ct_mul_scalar) }
    public static func * (a: Int, b: Tensor) throws -> Tensor { try b.scalar("*", Double(a), ct_mul_scalar) }

    public static func / (a: Tensor, b: Tensor) throws -> Tensor { try a.binary("/", b, ct_div) }
    public static func / (a: Tensor, b: Double) throws -> Tensor { try a.scalar("/", b, ct_div_scalar) }
    public static func / (a: Tensor, b: Int) throws -> Tensor { try a.scalar("/", Double(b), ct_div_scalar) }
    public static func / (a: Double, b: Tensor) throws -> Tensor { try b.scalar("/", a, ct_rdiv_scalar) }
    public static func / (a: Int, b: Tensor) throws -> Tensor { try b.scalar("/", Double(a), ct_rdiv_scalar) }

    public static prefix func - (x: Tensor) throws -> Tensor { try x.unary("-", ct_neg) }

    // MARK: comparisons, with bool tensors as results

    public func equal(to other: Tensor) throws -> Tensor { try binary("equal", other, ct_eq) }
    public func equal(to value: Double) throws -> Tensor { try scalar("equal", value, ct_eq_scalar) }
    public func equal(to value: Int) throws -> Tensor { try scalar("equal", Double(value), ct_eq_scalar) }
    public func notEqual(to other: Tensor) throws -> Tensor { try binary("notEqual", other, ct_ne) }
    public func notEqual(to value: Double) throws -> Tensor { try scalar("notEqual", value, ct_ne_scalar) }
    public func notEqual(to value: Int) throws -> Tensor { try scalar("notEqual", Double(value), ct_ne_scalar) }
    public func less(than other: Tensor) throws -> Tensor { try binary("less", other, ct_lt) }
    public func less(than value: Double) throws -> Tensor { try scalar("less", value, ct_lt_scalar) }
    public func less(than value: Int) throws -> Tensor { try scalar("less", Double(value), ct_lt_scalar) }
    public func lessOrEqual(to other: Tensor) throws -> Tensor { try binary("lessOrEqual", other, ct_le) }
    public func lessOrEqual(to value: Double) throws -> Tensor { try scalar("lessOrEqual", value, ct_le_scalar) }
    public func lessOrEqual(to value: Int) throws -> Tensor { try scalar("lessOrEqual", Double(value), ct_le_scalar) }
    public func greater(than other: Tensor) throws -> Tensor { try binary("greater", other, ct_gt) }
    public func greater(than value: Double) throws -> Tensor { try scalar("greater", value, ct_gt_scalar) }
    public func greater(than value: Int) throws -> Tensor { try scalar("greater", Double(value), ct_gt_scalar) }
    public func greaterOrEqual(to other: Tensor) throws -> Tensor { try binary("greaterOrEqual", other, ct_ge) }
    public func greaterOrEqual(to value: Double) throws -> Tensor { try scalar("greaterOrEqual", value, ct_ge_scalar) }
    public func greaterOrEqual(to value: Int) throws -> Tensor { try scalar("greaterOrEqual", Double(value), ct_ge_scalar) }

    public func logicalAnd(_ other: Tensor) throws -> Tensor { try binary("logicalAnd", other, ct_logical_and) }
    public func logicalOr(_ other: Tensor) throws -> Tensor { try binary("logicalOr", other, ct_logical_or) }
    public func logicalNot() throws -> Tensor { try unary("logicalNot", ct_logical_not) }

    // MARK: matrix products

    /// The matrix product; leading axes are batches.
    public func matmul(_ other: Tensor) throws -> Tensor { try binary("matmul", other, ct_matmul) }
    /// `[batch, n, m]` by `[batch, m, p]`.
    public func bmm(_ other: Tensor) throws -> Tensor { try binary("bmm", other, ct_bmm) }
    /// This tensor plus the product of two matrices.
    public func adding(_ a: Tensor, times b: Tensor) throws -> Tensor {
        try produce("adding", [self, a, b]) { ct_addmm(handle, a.handle, b.handle, $0, $1) }
    }
    /// Einstein's sum: `einsum("bhid,bhjd->bhij", [queries, keys])`.
    public static func einsum(_ equation: String, _ operands: [Tensor]) throws -> Tensor {
        try withHandles(operands) { handles in
            try produce("einsum", operands) { ct_einsum(equation, handles, operands.count, $0, $1) }
        }
    }

    // MARK: in place

    /// Adds `scale × other` to this tensor's memory.
    package func add(inPlace other: Tensor, scale: Double = 1) throws {
        try perform("add(inPlace:)", [self, other]) { ct_add_in_place(handle, other.handle, scale, $0) }
    }
    /// Multiplies this tensor's memory by another.
    package func multiply(inPlace other: Tensor) throws {
        try perform("multiply(inPlace:)", [self, other]) { ct_mul_in_place(handle, other.handle, $0) }
    }
    /// Multiplies this tensor's memory by a number.
    package func multiply(inPlace value: Double) throws {
        try perform("multiply(inPlace:)", [self]) { ct_mul_in_place_scalar(handle, value, $0) }
    }
    /// Adds `scale × a × b` to this tensor's memory.
    package func add(inPlaceProductOf a: Tensor, _ b: Tensor, scale: Double = 1) throws {
        try perform("add(inPlaceProductOf:)", [self, a, b]) { ct_addcmul_in_place(handle, a.handle, b.handle, scale, $0) }
    }
    /// Adds `scale × a ÷ b` to this tensor's memory.
    package func add(inPlaceQuotientOf a: Tensor, _ b: Tensor, scale: Double = 1) throws {
        try perform("add(inPlaceQuotientOf:)", [self, a, b]) { ct_addcdiv_in_place(handle, a.handle, b.handle, scale, $0) }
    }
}
